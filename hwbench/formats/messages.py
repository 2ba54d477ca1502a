"""Words out of hostile files in messages to the user."""

from __future__ import annotations


def shown(text: str, limit: int = 100) -> str:
    """A name out of a file as it may stand in a message: short, and on one line."""
    text = text[:limit]
    return text if text.isprintable() else repr(text)
