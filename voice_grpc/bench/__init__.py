"""Measures: each module prints a table for the README and runs as `python -m voice_grpc.bench.NAME`."""
