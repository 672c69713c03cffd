"""Speech comes in on one gRPC stream, and an answer goes out on it before the silence feels long."""

__version__ = "0.1.0"
