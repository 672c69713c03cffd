"""Browsers ⇄ Converse: a gateway that translates and adds nothing.

    browser ─▶ admission ─▶ bridge ─▶ dialect.up   ─▶ upstream ─▶ Converse
            ◀─────────── bridge ◀─ dialect.down ◀─ upstream ◀─

    admission.py             who is let in: Origin, token, how many
    bridge.py           one socket and its stream: two loops, one end
    dialect.py          what a dialect is; proto, json and simple are the three
    upstream.py         one Converse stream as bytes
    closing.py          how an end is told: close codes and their reasons
    app.py, inquiries.py  routes, the page and what it asks
    rtc_*.py            calls by WebRTC
    command.py          the command line

Of ours it imports `voice_grpc.client`, `voice_grpc.client` and `voice_grpc.pb` only.
"""
