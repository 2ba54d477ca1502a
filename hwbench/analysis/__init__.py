"""Numbers from frames of results: no model, no engine, no page."""
