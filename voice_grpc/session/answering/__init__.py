"""The assistant's side of a session: commands in, words and sound out."""
