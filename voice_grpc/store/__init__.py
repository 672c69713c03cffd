"""Where conversations are kept: in this process, in a SQLite file, or in a Valkey that servers share."""

from .memory import MemoryStore
from .retention import Retention
from .sqlite import SqliteStore, default_path
from .valkey import ValkeyStore

__all__ = ["MemoryStore", "Retention", "SqliteStore", "ValkeyStore", "default_path"]
