"""Telemetry, against the protocols of collectors and of Prometheus."""
