"""What the operator sets: environment, `.env`, flags and personas, and which of it is secret."""

from .server import Settings

__all__ = ["Settings"]
