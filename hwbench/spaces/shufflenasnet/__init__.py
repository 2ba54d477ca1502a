"""ShuffleNASNet: cells of NASNet designed anew for low latency (Laube and Zell 2019)."""
