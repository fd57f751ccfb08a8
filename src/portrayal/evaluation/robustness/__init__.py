"""Foreign test sets and graded damage."""
