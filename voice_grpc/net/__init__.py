"""What everything that talks shares: tokens, listeners, child processes, signals, secrets in logs.

Imports core alone. `first` is core's, for those who may not import core.
"""

from ..core.errors import first

__all__ = ["first"]
