"""FBNet: chains of 22 blocks (Wu et al. 2019)."""
