"""Parts for hwbench in a package of their own: the space "ladder", and what works on it."""
