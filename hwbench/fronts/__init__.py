"""Fronts of accuracy and metric: two objectives exactly and fast, many, and over time."""
