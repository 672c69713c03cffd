"""The user's side of a session: frames in, events out."""
