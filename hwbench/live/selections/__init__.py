"""Selections: how an architecture is chosen when a search has ended."""
