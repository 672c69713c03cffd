"""Each engine against the real thing where it is installed."""
