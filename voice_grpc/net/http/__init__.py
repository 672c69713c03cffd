"""The HTTP edge that our servers share: what one caller can cost before anybody knows who it is.

edge.py        connections: heads, answers, idleness
places.py      how many of them, in all and from one address
body.py        bodies of requests
websocket.py   what a WebSocket costs below its messages
transport.py   a close that is an end
tls.py         the certificate that new connections get

Needs uvicorn and starlette, which only servers of HTTP have installed: nothing else of `net` imports this.
"""
