"""Sparse Bayesian learning: which weights a network can do without (YANG chapters 3, 4 and A)."""
