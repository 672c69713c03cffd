"""Which sound of a stream belongs to which clause. The service's answer is bytes and says nothing of it.

Clauses share the sound in order, each as much as its text is long, at the pace this voice was measured
to have. Where a clause should be over, the next quiet moment ends it; where there is none it is given
a quarter more, so that a clause is rather said to be unfinished than to be over too soon: of an answer
that is cut, nobody remembers words that were not made yet. No sound goes to a clause that was not sent
when it came, and each clause that was sent has some by the end.

Decides; no clock, no waiting.
"""

import re
from typing import TypeAlias

import numpy as np

from ...core.audio import Samples, rms
from ...core.playout.heard_text import LETTERS_PER_SECOND
from ...core.text.segmentation import spoken_length
from ...ports import Clause

Placed: TypeAlias = list[tuple[int, Samples]]
"""Index of a clause and some sound of it, in order; never empty sound."""

USUAL_PACE = 1 / LETTERS_PER_SECOND
"""Seconds a letter, until a voice was measured."""

_HOP = 0.02
"""Seconds that are judged together."""
_EARLY, _LATE = 0.15, 0.25
"""Shares of a clause's expected length: how far its end may lie before and after where it is expected."""
_LEAST_SLACK = 0.2
"""Seconds of either, for short clauses."""
_PAUSE = 0.1
"""Seconds of quiet that may end a clause; the closures within words are shorter."""
_FULL_PAUSE = 0.4
"""Seconds of quiet that are more than a comma."""
_QUIET = 0.01
"""RMS of full scale, -40 dBFS, as in `core.audio.audible_from`."""
_TAIL = 0.06
"""Seconds that are kept back while another clause waits for sound, so that none goes without."""
_DIGIT = 3.0
"""Letters that a digit is longer when spoken than when written."""
_MARK = re.compile(r"[,;:.!?…—–](?=\s)|[、。，；：！？](?=.)")
"""Where a voice pauses within a text."""
_MEASURABLE = 30.0
"""Letters: of less, the silence around it is too much of it."""


class Alignment:
    def __init__(self, rate_hz: int, pace: float = USUAL_PACE) -> None:
        """`pace`: seconds a letter."""
        self._rate_hz, self._pace = rate_hz, pace
        self._clauses: list[Clause] = []
        self._current = 0
        """Position of the clause whose sound comes."""
        self._sounded = 0
        """Clauses that were given sound."""
        self._in_current = self._quiet = self._made = 0
        """Samples: of the current clause, of quiet up to here, of all."""
        self._pauses = 0
        """Within the current clause so far, not counting its head."""
        self._is_voiced = False
        self._held: Samples = np.zeros(0, np.int16)

    def send(self, clause: Clause, *, is_settled: bool = False) -> None:
        """It is given to the service now. `is_settled`: the service has been silent for so long that all
        sound of those before it must have come."""
        is_waiting_for_it = self._current == len(self._clauses) - 1 and self._sounded > self._current
        self._clauses.append(clause)
        if is_settled and is_waiting_for_it and self._in_current * 2 > self._expected:
            self._advance(0)

    def place(self, samples: Samples) -> Placed:
        """Some sound that came."""
        self._made += len(samples)
        sound = np.concatenate([self._held, samples])
        placed: Placed = []
        hop = max(1, round(_HOP * self._rate_hz))
        end = len(sound) - min(round(_TAIL * self._rate_hz), len(sound) // 2)
        start = at = 0
        while self._is_awaited and at + hop <= end:
            is_quiet = rms(sound[at : at + hop]) < _QUIET
            at += hop
            self._in_current += hop
            self._hear(hop, is_quiet)
            if (overshoot := self._over()) is not None:
                self._give(placed, sound[start:at])
                self._advance(overshoot)
                start = at
        if not self._is_awaited:
            self._in_current += len(sound) - at
            at = len(sound)
        self._give(placed, sound[start:at])
        self._held = sound[at:]
        return placed

    def finish(self) -> Placed:
        """No more sound will come: what was kept back."""
        placed: Placed = []
        if self._clauses:
            for part in np.array_split(self._held, max(1, len(self._clauses) - 1 - self._current)):
                self._current = min(self._current + 1, len(self._clauses) - 1)
                self._give(placed, part)
        self._held = self._held[:0]
        return placed

    @property
    def unsounded(self) -> list[Clause]:
        """Sent, and nothing of it has come."""
        return self._clauses[self._sounded :]

    @property
    def measured_pace(self) -> float | None:
        """Seconds a letter in a stream that was said to its end; None when that was too little to tell."""
        letters = sum(_spoken(clause.text) for clause in self._clauses)
        return self._made / self._rate_hz / letters if letters >= _MEASURABLE and self._made else None

    @property
    def _is_awaited(self) -> bool:
        """Whether there is a clause after the current one."""
        return self._current < len(self._clauses) - 1

    @property
    def _expected(self) -> float:
        """Samples of the current clause."""
        return _spoken(self._clauses[self._current].text) * self._pace * self._rate_hz

    def _over(self) -> int | None:
        """Samples by which the current clause is longer than expected, when it is over.

        A short pause that a comma within it explains is not its end, unless it is overdue.
        """
        expected = self._expected
        least = _LEAST_SLACK * self._rate_hz
        if self._in_current >= expected + max(_LATE * expected, least):
            return round(self._in_current - expected)
        earliest = expected - max(_EARLY * expected, least)
        if self._quiet < _PAUSE * self._rate_hz or self._in_current < earliest:
            return None
        is_full = self._quiet >= _FULL_PAUSE * self._rate_hz
        is_overdue = self._in_current >= expected
        return 0 if is_full or is_overdue or self._pauses > self._marks else None

    def _hear(self, samples: int, is_quiet: bool) -> None:
        before = self._quiet
        self._quiet = before + samples if is_quiet else 0
        self._is_voiced = self._is_voiced or not is_quiet
        least = _PAUSE * self._rate_hz
        self._pauses += self._is_voiced and before < least <= self._quiet

    @property
    def _marks(self) -> int:
        """Pauses to expect within the current clause."""
        return len(_MARK.findall(self._clauses[self._current].text))

    def _advance(self, overshoot: int) -> None:
        """The next clause is expected to have begun `overshoot` samples ago."""
        self._current += 1
        self._quiet = self._pauses = 0
        self._is_voiced = False
        self._in_current = min(overshoot, round(self._expected / 2))

    def _give(self, placed: Placed, sound: Samples) -> None:
        if len(sound):
            self._sounded = max(self._sounded, self._current + 1)
            placed.append((self._clauses[self._current].index, sound))


def _spoken(text: str) -> float:
    """How long it is when spoken, in Latin letters."""
    return max(1.0, spoken_length(text) + _DIGIT * sum(character.isdigit() for character in text))
