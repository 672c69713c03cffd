"""What everything that talks shares.

addresses.py, s3_address.py, valkey_address.py   where a server, a bucket and a store are
proxy.py, forwarded.py                   which proxy leads there, and who is behind one that is named
listener.py, http/                       a socket that listens, and what an HTTP server bounds on it
open_files.py                            how many connections fit
tls.py                                   certificates
bearer.py, token_file.py                 tokens, and a file of who is let in
json_web_token.py, jwks.py               tokens of a login service, and the keys that they are checked by
responses.py                             a stream that is read to its last message
trace_headers.py                         which trace a call belongs to

What lives here: addresses, connections, and who calls. What must not: what is true of any process
(`process`).
`first` and `VoiceError` are core's, for those who may not import core.
"""

from ..core.errors import VoiceError, first

__all__ = ["VoiceError", "first"]
