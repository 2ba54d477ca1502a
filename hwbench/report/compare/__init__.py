"""Pages that compare two runs."""
