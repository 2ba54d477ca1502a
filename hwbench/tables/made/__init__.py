"""Tables that hwbench makes itself: networks measured and trained where it runs."""
