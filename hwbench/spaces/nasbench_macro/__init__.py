"""NAS-Bench-Macro: chains of eight layers (Su et al. 2021)."""
