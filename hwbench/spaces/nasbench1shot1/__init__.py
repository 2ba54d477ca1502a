"""The three spaces of NAS-Bench-1Shot1: parts of NAS-Bench-101 in which one-shot methods search."""
