"""Piper: neural voices in this process, whose sound leaves while its clause is still being made.

tts.py        clauses → sound, on one thread that all answers share
speakable.py  what of a clause Piper is given
voice.py      a text → sound in chunks, all at the loudness of speech
decoder.py    latents → sound, some frames at a time
onnx_cut.py   the file of a voice → its two halves
"""
