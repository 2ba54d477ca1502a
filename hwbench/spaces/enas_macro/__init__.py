"""ENAS's macro space: chains of operations with skips (Pham et al. 2018)."""
