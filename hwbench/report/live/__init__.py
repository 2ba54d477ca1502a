"""The part of a report that shows live searches and sweeps of them."""
