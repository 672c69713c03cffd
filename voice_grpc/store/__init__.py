"""Where conversations are kept: in this process alone, or in a SQLite file."""

from .memory import MemoryStore
from .sqlite import SqliteStore, default_path

__all__ = ["MemoryStore", "SqliteStore", "default_path"]
