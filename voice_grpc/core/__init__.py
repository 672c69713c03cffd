"""Decides: turn-taking, text and playout as pure functions of events and time.

Nothing here awaits, reads a clock, opens a file or imports anything but the standard
library and numpy. Time is always an argument.
"""
