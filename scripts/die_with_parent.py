"""Becomes the command it is given, after asking the kernel to end that command when the process that started it ends.

Killing the supervisor or a test run outright (kill -9) leaves it no moment to stop its children, so the kernel has to.
The request is made in a short process of its own, which then turns into the command, because Python's `preexec_fn` may
deadlock in a program with threads. Linux watches the *thread* that started the child: start children from one that
lasts. Other systems have no such request; there the next start finds the folder locked and names who holds it.

Usage: python -I -S die_with_parent.py PARENT_PID SIGNAL COMMAND [ARGUMENT …]
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent_pid, death_signal, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent_pid:  # the parent ended before the request was made, so no signal will come
            sys.exit(1)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
