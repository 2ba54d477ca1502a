"""Numbers as people say them."""

from __future__ import annotations


def duration_in_words(minutes: float) -> str:
    """Minutes as people say them: "7 minutes", "3 hours", "9 days"."""
    if minutes < 120:
        return f"{minutes:g} minutes"
    hours = minutes / 60
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
