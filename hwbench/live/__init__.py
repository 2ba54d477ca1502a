"""Live searches: real PyTorch supernets, architecture strategies and trainers.

A search is a config tree in TOML (`hwbench.live.config`). It names a supernet built from a space, a
strategy that mixes or samples the candidates, and a trainer; each is swapped alone (LAUBE chapter
7). Importing the parts imports torch.
"""
