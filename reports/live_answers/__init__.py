"""Sentences and tables of docs/concepts/live-results.md, by what they are about."""
