"""Cards: stored value in lots of principal and bonus, statements, top-ups, gift cards that are sold."""
