"""Running scenarios: one command from a TOML file to a run folder, continued, merged, watched."""
