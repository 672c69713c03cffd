"""Voices and noises over an answer: what lowers it, holds it, stops it, and how soon.

material.py   what is said over the answer, and of which kind it is
player.py     one user who listens to a story and speaks over it, by the clock
room.py       what comes back of the story itself
measure.py    all of them, and the table
"""
