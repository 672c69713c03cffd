"""Gemini, through Google's SDK."""
