"""Whisper on somebody's server, whichever protocol it speaks."""
