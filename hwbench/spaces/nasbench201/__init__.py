"""NAS-Bench-201: cells of six edges (Dong and Yang 2020)."""
