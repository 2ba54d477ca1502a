"""The part of a report that shows searches."""
