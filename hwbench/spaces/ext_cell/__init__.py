"""The ExtCell space: DARTS cells in which every operation is on or off by itself."""
