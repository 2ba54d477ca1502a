"""TreeCell-A in a PyramidNet: the space of the proxyless search of BayesNAS (YANG 5-2)."""
