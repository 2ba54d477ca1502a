"""Tables from one's own files of measurements."""
