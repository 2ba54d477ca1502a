"""NAS-Bench-101: cells of up to seven vertices (Ying et al. 2019)."""
