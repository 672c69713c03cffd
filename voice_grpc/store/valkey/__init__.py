"""Conversations in a Valkey or a Redis, which several servers share.

store.py    what is kept of a conversation, and who holds it
use.py      what callers use, counted over all servers
format.py   keys and values, as they stand there
client.py   the connection, and how long anybody waits for it
"""
