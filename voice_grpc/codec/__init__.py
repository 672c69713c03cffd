"""Bytes ⇄ PCM: what a caller sends and gets, decoded, encoded and resampled."""
