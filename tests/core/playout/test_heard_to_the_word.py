"""What is taken to have been heard of known sentences, against where their words truly lie."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.word_places import SpokenSentence, by_espeak, by_piper
from voice_grpc.core.audio import silence
from voice_grpc.core.playout.heard_text import SpokenClause, heard_text

SENTENCES = (
    "Once upon a time there was a queen who had a very long story to tell.",
    "The bakery on the corner closes at six, and the butcher's shop at seven.",
    "If you take the train from Vienna, you will arrive in Rome a little after midnight.",
    "It was a dark and stormy night; nobody knew who had left the door open.",
    "She asked him whether he had seen the keys, but he was already asleep.",
    "My grandfather bought the house in nineteen fifty, before the bridge was built.",
)
PLACES = 200
PIECE = 1_000
"""Samples that are made at once."""
SHARE = 0.985
"""Of all places within one word. Two short words of one breath ("there was a") are told apart by nobody."""


TAILS = (0.0, 0.3, 0.6)
"""Seconds that a voice stops behind a sentence, beside what these two do."""


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("by", [by_piper, by_espeak])
def test_within_one_word(by: Callable[[str], SpokenSentence], tail: float) -> None:
    errors = []
    for text in SENTENCES:
        spoken = by(text)
        samples = np.concatenate((spoken.samples, silence(tail, spoken.rate_hz)))
        clause = SpokenClause(0, text, 0, 0, is_whole=True)
        for at in range(0, len(samples), PIECE):
            clause = clause.extended(samples[at : at + PIECE], spoken.rate_hz)
        for n in range(PLACES):
            played = n * len(samples) // PLACES
            guess = heard_text([clause], played, spoken.rate_hz).split()
            assert guess == text.split()[: len(guess)]
            errors.append(abs(len(guess) - len(spoken.heard(played))))
    assert max(errors) <= 2
    assert sum(error <= 1 for error in errors) >= SHARE * len(errors)
