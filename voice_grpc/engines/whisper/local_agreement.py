"""Local agreement: what two interims have in common tends to stay (Liu et al. 2020, "Low-Latency
Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis Selection").

A file of its own: the embedded Whisper and those on a server both measure their interims by it.
"""

from itertools import takewhile

INTERIM_AT_LEAST_S = 0.4
"""Seconds of speech before the first interim: a text of less only flickers."""


def agreement(before: str, now: str) -> float:
    """The share of the words of `now` that stayed since `before`, 0 to 1; 0 of an empty text."""
    old, new = before.split(), now.split()
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    return same / len(new) if new else 0.0
