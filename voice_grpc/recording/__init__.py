"""Recordings of conversations: two channels and their events, in a directory or an S3-compatible store.

names.py      what a recording is called, and of what a name is the recording
sound.py      two channels on one timeline, as Ogg Opus
events.py     what happened, as JSON Lines
writer.py     the two files of one recording, in whichever thread
queued.py     the port, off the audio path: what waits to be written, and its bound
directory.py  where recordings lie on a disk
s3.py         and in a bucket
recorder.py   all recordings of a server: begun, erased, kept no longer than they may
"""
