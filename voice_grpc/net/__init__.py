"""What everything that talks shares.

addresses.py, proxy.py   where a server is, and which proxy leads there
forwarded.py             who is behind a proxy that is named
listener.py, http/       a socket that listens, and what an HTTP server bounds on it
tls.py, reloaded.py      certificates; files of the operator's that are read again when they change
bearer.py, token_file.py, redaction.py   tokens, and what is secret out of logs
child_process.py, signals.py   processes that serve, and their end
command_line.py, home.py       options out of flags, variables and `.env`; `~` in paths
installation.py          what is missing, and the command that brings it

Imports core alone. `first` and `VoiceError` are core's, for those who may not import core.
"""

from ..core.errors import VoiceError, first

__all__ = ["VoiceError", "first"]
