"""TransNAS-Bench-101: a micro and a macro space (Duan et al. 2021)."""
