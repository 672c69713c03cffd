"""When things happened in one turn, and the waits between them that people feel.

What lives here: marks on one monotonic clock. What must not: the clock itself, and statistics
over many turns.
"""

from enum import Enum, auto


class Mark(Enum):
    """In the order in which a turn usually passes them."""

    SPEECH_START = auto()
    """The first voiced sample of the turn."""
    SPEECH_END = auto()
    """The last voiced sample of the user."""
    SOFT_END = auto()
    """The endpointer noticed."""
    COMMIT = auto()
    """The turn was taken to be over."""
    STT_FINAL = auto()
    LLM_REQUEST = auto()
    LLM_FIRST_TOKEN = auto()
    LLM_END = auto()
    """The model had written all of it."""
    FIRST_CLAUSE = auto()
    """The first clause was complete."""
    TTS_REQUEST = auto()
    TTS_FIRST_AUDIO = auto()
    FIRST_FRAME_OUT = auto()
    """The first audible frame left the server."""
    FIRST_PLAYED = auto()
    """The client reported that it plays."""
    ENDED = auto()


class Timeline:
    """The first report of a mark counts; latencies are seconds, None while one of their marks is missing.

    A latency may be negative: work that was done on speculation ends before the commit.
    """

    def __init__(self) -> None:
        self._at: dict[Mark, float] = {}

    def mark(self, mark: Mark, at: float) -> None:
        """`at` is monotonic seconds, of the same clock for all marks."""
        self._at.setdefault(mark, at)

    def add(self, other: "Timeline") -> None:
        """What `other` has and this one has not."""
        for mark in Mark:
            if (at := other.at(mark)) is not None:
                self.mark(mark, at)

    def at(self, mark: Mark) -> float | None:
        return self._at.get(mark)

    def between(self, start: Mark, end: Mark) -> float | None:
        if start not in self._at or end not in self._at:
            return None
        return self._at[end] - self._at[start]

    @property
    def end_of_turn_delay(self) -> float | None:
        """How long it took to be sure that the user was done."""
        return self.between(Mark.SPEECH_END, Mark.COMMIT)

    @property
    def stt_final_delay(self) -> float | None:
        """From the end of speech to the words that the answer is made from."""
        return self.between(Mark.SPEECH_END, Mark.STT_FINAL)

    @property
    def llm_first_token(self) -> float | None:
        return self.between(Mark.LLM_REQUEST, Mark.LLM_FIRST_TOKEN)

    @property
    def tts_first_audio(self) -> float | None:
        return self.between(Mark.TTS_REQUEST, Mark.TTS_FIRST_AUDIO)

    @property
    def voice_to_voice(self) -> float | None:
        """From the user's last sound to the answer's first, at the server's edge."""
        return self.between(Mark.SPEECH_END, Mark.FIRST_FRAME_OUT)

    @property
    def mouth_to_ear(self) -> float | None:
        """The same, as the user hears it."""
        return self.between(Mark.SPEECH_END, Mark.FIRST_PLAYED)
