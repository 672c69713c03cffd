"""Whisper in this process, through CTranslate2."""
