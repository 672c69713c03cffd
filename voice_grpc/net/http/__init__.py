"""The HTTP edge that our servers share: what one caller can cost before anybody knows who it is.

edge.py        connections: heads, answers, idleness, how many
body.py        bodies of requests
websocket.py   what a WebSocket costs below its messages
transport.py   a close that is an end
open_files.py  how many connections fit
tls.py         the certificate that new connections get

Needs uvicorn and starlette, which only servers of HTTP have installed: nothing else of `net` imports this.
"""
