"""Public benchmarks: which there are, and how their files are fetched, checked and converted."""
