"""Smart Turn v3 (Daily, BSD-2-Clause): is the turn over, by how the last eight seconds sound?

features.py      sound → the log-mel spectrogram that Whisper's encoder was trained on
end_of_turn.py   that spectrogram → a probability, in a thread
"""
