"""Whisper servers over HTTP, whichever dialect of it they speak."""
