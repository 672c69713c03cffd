"""Runs: carries out what the core decides. The only place where tasks are created."""
