"""Calls by WebRTC: signalling, the sound of both ways, and the data channel."""
