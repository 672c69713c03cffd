"""Where conversations are kept: in this process, in a SQLite file, or in a Valkey that servers share."""

from .memory import MemoryStore
from .retention import Retention
from .session_file import fault_of_file
from .sqlite import SqliteStore, default_path
from .valkey.store import ValkeyStore
from .valkey.use import ValkeyUse

__all__ = [
    "MemoryStore",
    "Retention",
    "SqliteStore",
    "ValkeyStore",
    "ValkeyUse",
    "default_path",
    "fault_of_file",
]
