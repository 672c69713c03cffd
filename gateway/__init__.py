"""Browsers ⇄ Converse: a gateway that translates and adds nothing.

    browser ─▶ websocket ─▶ dialects: up   ─▶ upstream ─▶ Converse
            ◀─ websocket ◀─ dialects: down ◀─ upstream ◀─

    app.py          routes, the page, and who is let in where
    gate.py         which host is asked for, whose page asks, from where; origin.py reads it
    admission.py    how many are let in, and which token they bring
    websocket.py    one socket and its stream: two loops, one end
browser_ear.py  a browser that plays, asked where it is as another line to the server begins
    dialects/       how frames and messages are translated: proto, json, simple
    webrtc/         the same for calls by WebRTC
    upstream.py     the server behind: who asks it, and one Converse stream as bytes
    close_codes.py  how an end is told: close codes and their reasons
    info.py         what a page asks before it talks
    server.py       all of it on a port
    command.py, settings.py  the command line

Imports of voice_grpc nothing but `client`, `net`, `process` and `pb`.
"""
