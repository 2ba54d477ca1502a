"""Sets of labelled images: read, checked, and what networks are trained on."""
