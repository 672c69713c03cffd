"""The assistant's own voice in the user's microphone: its sound and its words."""
