"""An answer over a bad line: how often it runs dry at the client, and how far ahead of the ear it is sent.

relay.py      a line of TCP with a delay, a jitter and losses
listener.py   one client with a jitter buffer, which has a story told
measure.py    several lines, and the table
"""
