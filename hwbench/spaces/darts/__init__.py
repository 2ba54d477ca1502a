"""DARTS: a normal and a reduction cell of four inner nodes (Liu et al. 2019)."""
