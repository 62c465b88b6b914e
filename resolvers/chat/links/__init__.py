"""Ways into the mini-program from outside: mini-program codes and URL links."""
