"""Which model files there are, with which hashes; put together, checked and kept."""
