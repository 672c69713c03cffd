"""What strangers send, as strategies of hypothesis: a kind a file."""
