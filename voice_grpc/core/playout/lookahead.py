"""How far a voice may be ahead of the ear: when it is given the next clause, and when more of its sound is
taken.

A pure account of what one voice was given of one text, and of what of it has sounded; times are monotonic
seconds. What was heard is not known here (`pacer.py`), and nobody waits here (`session/answering/speech.py`).

What nobody hears is not made: an interrupted answer costs memory, a core's time and a vendor's bill only for
what is ahead. At most `TAKE_BELOW` seconds of sound are taken ahead of the ear, and the piece that crosses
it; a voice that makes a clause in one piece has that piece (a clause is a sentence of at most 200 Latin
letters where it has spaces, `text/segmentation.py`) behind at most `GIVE_BELOW` seconds. Of what is not
sound yet a voice has no more than the clause that is to sound next, and one: so nothing runs dry, since the
next clause is made while the last `GIVE_BELOW` seconds play.
"""

from ..text.segmentation import spoken_length

GIVE_BELOW = 5.0
"""Seconds that the ear still has, at which a voice is given another clause. It makes its first sound of one
in 3.5 s or fails (`engines/timeouts.py`)."""

TAKE_BELOW = 8.0
"""Seconds that the ear still has, at which no more sound is taken: with what an engine keeps ready itself
(Piper three chunks, each less than a second) it is less than ten."""

CHARACTERS_A_SECOND = 25.0
"""Half as fast again as an unhurried speaker: what lasts shorter is not all of a clause."""

SILENT_SECONDS = 1.0
"""Without a sound of a clause, and hardly more left to hear, after which the next is given all the same: of
some text a voice says nothing."""


class Lookahead:
    """One text on its way through one voice."""

    def __init__(self, rate: float = 1.0) -> None:
        """`rate`: at which the voice speaks; 1 is normal."""
        self._fastest = CHARACTERS_A_SECOND * rate
        self._left: dict[int, float] = {}
        """Seconds that are still to come at least, by the index of a clause that was given, in their
        order."""
        self._silent = 0
        """Clauses at the end of `_left` of which nothing has sounded."""
        self.has_sounded = False
        self._moved_at = 0.0
        """When a clause was given or sounded last."""

    def gave(self, index: int, text: str, now: float) -> None:
        """The voice has the clause `index`."""
        self._left[index] = spoken_length(text) / self._fastest
        self._silent += 1
        self._moved_at = now

    def sounded(self, index: int, seconds: float, now: float) -> None:
        """So much more sound of it was taken; the clauses before it are done."""
        self._left = {each: left for each, left in self._left.items() if each >= index}
        if index in self._left:
            self._left[index] = max(0.0, self._left[index] - seconds)
        self._silent = sum(each > index for each in self._left)
        self.has_sounded, self._moved_at = True, now

    def gives_at(self, unheard: float, now: float) -> float | None:
        """When the next clause may be given, while `unheard` seconds of sound are still to be heard and no
        more of it comes; None: not before more has sounded."""
        owed = sum(self._left.values())
        if owed > GIVE_BELOW:
            return None
        at = now + max(0.0, unheard + owed - GIVE_BELOW)
        if self._silent >= (1 if self.has_sounded else 2):
            return max(at, now + unheard - SILENT_SECONDS, self._moved_at + SILENT_SECONDS)
        return at

    def takes_at(self, unheard: float, now: float) -> float:
        """When more sound may be taken, while `unheard` seconds of it are still to be heard."""
        return now + max(0.0, unheard - TAKE_BELOW)
