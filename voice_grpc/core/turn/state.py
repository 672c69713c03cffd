"""The facts of a turn: what is known of it. `actions.py` changes them.

Every reply has a number, the generation: whatever arrives for a dead number is dropped by number, never by
timing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from .. import commands as c
from .. import events as e
from ..audio import seconds
from ..commands import Command, PrepareReply, ReplyKind
from ..text.backchannels import is_backchannel, is_invitation
from ..text.endings import Expectation, asks, expectation
from .interruption import Overlap
from .patience import Decision, Evidence
from .settings import TurnSettings
from .user_level import UserLevel

PAUSES = 8
"""Of the user's own pauses, those that are remembered."""

FRESH = 0.25
"""Seconds before the end of speech up to which an interim transcript may be all of it."""

MAX_MESSAGE = 16_000
"""Characters of the user's words that are kept of one turn, typed, given back and spoken: a quarter of an
hour of talk. All of them are sent to the model with every answer that is prepared, and paid for there."""

MAX_SPLITS = 10
"""Times that a turn of the button is split at `turn_limit`. Then its END was lost, and the turn is over."""

_LONGEST_WORD = 100
"""Characters: what is cut is cut at the end of a word, unless that word is longer."""


TIMER_SLACK = 0.001
"""Seconds. Timers round: a PatienceOver that is no earlier than this is on time."""


class State(Enum):
    LISTENING = "listening"
    HEARING = "hearing"
    ENDING = "ending"
    THINKING = "thinking"
    SPEAKING = "speaking"
    YIELDING = "yielding"


@dataclass(slots=True)
class VoiceOver:
    """A voice over the answer, from its first sound to the verdict on it."""

    since: float
    """When it began, in monotonic seconds."""
    at: int
    """Position of its onset, in samples."""
    settings: TurnSettings
    """By which it is judged, those in force when it began: others count for the next voice."""
    heard: Overlap = Overlap(0.0, is_over=False)
    is_ducked: bool = False
    is_held: bool = False
    """The answer waits."""
    is_let_on: bool = False
    """The voice is over and its words are late: the answer goes on until they are known."""
    interim: e.InterimHeard | None = None
    transcript: e.Transcribed | None = None
    is_again: bool = False
    """The words of a voice just before it are late, and count."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What was not heard of an answer that speech cut."""

    turn: int
    """The one that cut it: while nothing is said in it, the answer has the floor again."""
    text: str
    is_whole: bool = True
    """The model had written all of it."""
    lost: int = 0
    """The turn of the answer."""
    said: str = ""
    """All that was written of it, heard or not."""


@dataclass(slots=True)
class TurnState:
    """What is known of the turn. The actions below change it, and `TurnTaker` what is true in every state."""

    read_settings: Callable[[], TurnSettings]
    """The settings in force: they may change while a turn goes on; a deadline that is set stays."""
    judges_first: bool = True
    """An answer is prepared for words that were scored: who answers computes where who judges does. Else both
    work side by side, and what the words say by themselves is enough."""
    hears_first: bool = False
    """An answer is prepared for the transcript of all that was said, not for an interim one: who answers and
    who hears want the same cores, and side by side both take longer than one after the other."""
    state: State = State.LISTENING
    number: int = 0
    """The last turn that began."""
    revision: int = 0
    """The last that was given to a question."""
    asked: int = 0
    """Revision of the last transcript of this turn that was asked for, and not of a part; 0: none was."""
    is_asked: bool = False
    """Nothing was said since."""
    transcript: e.Transcribed | None = None
    """The last transcript that came of this turn."""
    carried: str = ""
    """Words given back by a turn whose answer nobody heard, or typed while the user spoke."""
    kept: str = ""
    """The beginning of this turn that is a message already."""
    parts: deque[str] = field(default_factory=deque)
    """Beginnings of this turn that are being transcribed by themselves: the words that are known of each."""
    is_overlong: bool = False
    """The limit was reached in a silence: if the turn goes on, what was said before is a part."""
    reply: PrepareReply | None = None
    """The reply that is alive."""
    reply_number: int = 0
    """Number of the last reply that was prepared."""
    is_committed: bool = False
    """`reply` was let out."""
    deadline: float | None = None
    silent_since: float = 0.0
    """When the last voiced sample of an ENDING turn was, in monotonic seconds."""
    silent_at: int = 0
    """Position just after it."""
    faded_at: int = -1
    """Where the sound ended of which an early transcript was asked for."""
    evidence: Evidence = field(default_factory=Evidence)
    """Of the silence that goes on."""
    decision: Decision | None = None
    """The one by which the deadline of this silence was set; None: by a fixed hold."""
    interim: e.InterimHeard | None = None
    language: str = ""
    """ISO 639-1, of the user's last words."""
    pauses: deque[float] = field(default_factory=lambda: deque(maxlen=PAUSES))
    """Seconds, of this user so far, within turns."""
    expects: Expectation = Expectation.NOTHING
    """What the assistant's last words ask for."""
    scoring: str = ""
    """The words of this turn of which it was asked last whether they are finished."""
    is_scored: bool = False
    """That was answered."""
    score: float | None = None
    """What was answered; None: nobody could say."""
    is_sound_asked: bool = False
    """It was asked in this silence how the turn sounds."""
    tries: int = 0
    """Answers prepared in this turn."""
    is_refused: bool = False
    """A vendor was at its limit: nothing is prepared any more."""
    audible_at: float | None = None
    """When the answer that is or was last alive became audible, in monotonic seconds."""
    told_at: float | None = None
    """When the last answer came to its end, in monotonic seconds; None: it asked something, or was cut."""
    is_aside: bool = False
    """This turn began while an answer was still audible that asked nothing."""
    user_level: UserLevel = field(default_factory=UserLevel)
    level: float | None = None
    """Of the loudest stretch of speech of this turn, in dBFS; None: not known."""
    is_pressed: bool = False
    """The button says that this turn is the user's."""
    voice: VoiceOver | None = None
    """The one over the answer that is audible; None: nobody speaks over it."""
    rest: Rest | None = None
    """Of the last answer that speech cut."""
    continues: int = 0
    """As in `PrepareReply`."""
    user_speaks: bool = False
    is_held: bool = False
    """Between the button's START and END no silence ends the turn."""
    splits: int = 0
    """Times that this turn was split."""
    is_full_told: bool = False
    """It was told that not all words of this turn are kept."""
    waiting: deque[e.TextReceived] = field(default_factory=deque)

    @property
    def settings(self) -> TurnSettings:
        return self.read_settings()

    @property
    def message(self) -> str:
        return joined(self.carried, self.kept, *self.parts, self.spoken)

    @property
    def spoken(self) -> str:
        """By the transcript that is known, which may not be of all that was said."""
        return self.transcript.text if self.transcript else ""

    @property
    def awaits_transcript(self) -> bool:
        return not self.has_newest or not self.is_asked or bool(self.parts)

    @property
    def has_newest(self) -> bool:
        """The transcript that was asked for last came."""
        return self.transcript is not None and self.transcript.revision >= self.asked

    @property
    def awaits_words(self) -> bool:
        """The turn is over, and what was said in it is not known yet."""
        return self.state is State.THINKING and self.committed is None

    @property
    def committed(self) -> PrepareReply | None:
        """The reply that was let out and is alive."""
        return self.reply if self.is_committed else None

    @property
    def provisional(self) -> str:
        """The message as far as this silence knows it: by its transcript, else by a fresh interim one."""
        return joined(*provisional_parts(self))

    @property
    def fresh_interim(self) -> str:
        """The interim transcript that may be all that was said before the silence; empty: there is none."""
        if self.interim is None or seconds(self.silent_at - self.interim.end) > FRESH:
            return ""
        return self.interim.text

    def ask(self, *, is_early: bool = False) -> c.AskTranscript:
        self.revision += 1
        self.asked, self.is_asked = self.revision, True
        return c.AskTranscript(self.revision, is_early)

    def begin_turn(self) -> None:
        self.number += 1
        self.tries, self.asked, self.faded_at = 0, 0, -1
        self.scoring, self.is_scored = "", False
        self.interim, self.is_overlong = None, False
        self.level, self.is_pressed, self.is_aside = None, False, False
        self.splits, self.is_full_told = 0, False
        self.hear_on()

    def hear_on(self) -> None:
        self.state, self.deadline, self.decision = State.HEARING, None, None
        self.is_asked = False

    def drop_words(self, *, with_carried: bool = True) -> None:
        """They became a message, or are not meant; what an earlier turn gave back may stay."""
        self.kept, self.transcript = "", None
        self.parts.clear()
        if with_carried:
            self.carried, self.continues = "", 0

    def new_reply(
        self,
        kind: ReplyKind,
        text: str,
        source: e.TextReceived | e.AnswerLost | PrepareReply | None = None,
    ) -> PrepareReply:
        """`source` says whether it is spoken and may be interrupted."""
        self.reply_number += 1
        self.reply = PrepareReply(
            self.reply_number,
            self.number,
            kind,
            text,
            text_only=source is not None and source.text_only,
            interruptible=source is None or source.interruptible,
            ssml=source.ssml if source is not None and kind is ReplyKind.VERBATIM else "",
            continues=continued(self, text) if kind is ReplyKind.ANSWER else 0,
        )
        self.is_committed = False
        return self.reply

    def cancel(self, reason: e.CancelReason, *, returns_words: bool = False) -> Iterator[Command]:
        """Words are returned of an answer that was let out only, and carried to the next turn."""
        reply, was_committed = self.reply, self.is_committed
        if self.audible_at is not None:
            self.expects, self.told_at = Expectation.NOTHING, None
        self.reply, self.is_committed, self.audible_at = None, False, None
        self.voice = None
        if reply is None:
            return
        returns_words = returns_words and was_committed and reply.kind is ReplyKind.ANSWER
        if returns_words:
            self.carried, self.continues = reply.text, reply.continues
        yield c.CancelReply(reply.number, reason, returns_words)


def go_on_with(turn: TurnState, rest: Rest) -> PrepareReply:
    """The rest of an answer that was cut, in a turn of its own."""
    if rest.is_whole:
        return turn.new_reply(ReplyKind.VERBATIM, rest.text)
    reply = turn.new_reply(ReplyKind.CONTINUATION, rest.text)
    turn.reply = replace(reply, lost=rest.lost, said=rest.said)
    return turn.reply


def has_rest(turn: TurnState) -> bool:
    """This turn cut an answer that was not heard to its end."""
    return turn.rest is not None and turn.rest.turn == turn.number


def is_far(turn: TurnState, now: float) -> bool:
    """Who speaks is too far away to be the user."""
    may_be_others = turn.settings.near_field_only and not turn.is_pressed
    return may_be_others and turn.user_level.is_far(turn.level, now)


def continued(turn: TurnState, words: str) -> int:
    """The turn that these words go on with; somebody who only listens does not. 0: none."""
    return turn.continues if turn.continues and words and not is_backchannel(words, turn.language) else 0


def provisional_parts(turn: TurnState) -> tuple[str, ...]:
    """What `provisional` is joined of."""
    if not turn.awaits_transcript:
        return turn.carried, turn.kept, *turn.parts, turn.spoken
    heard = "" if turn.parts else turn.fresh_interim
    return (turn.carried, turn.kept, heard) if heard else ()


def end_told(turn: TurnState, said: str, now: float) -> None:
    """The answer that is audible came to its end; these were its words."""
    turn.reply, turn.audible_at = None, None
    turn.expects = expectation(said, turn.language)
    turn.told_at = None if asks(said) else now


def begin_turn_under(turn: TurnState, since: float) -> None:
    """A turn whose voice began at `since`, perhaps before the end of the answer."""
    turn.begin_turn()
    turn.is_aside = turn.told_at is not None and since <= turn.told_at


def wants_nothing(turn: TurnState) -> bool:
    """All that was said is a word to the answer that has just ended, as a listener has it."""
    said = turn.spoken
    is_all = turn.is_aside and not turn.is_pressed and turn.message == said
    return is_all and is_backchannel(said, turn.language) and not (asks(said) or is_invitation(said))


def is_full(turn: TurnState, more: str = "") -> bool:
    """With `more` of them the words that were not answered are too many for a message."""
    reply = turn.committed
    if reply is not None and reply.kind is ReplyKind.ANSWER:
        texts = [reply.text]
    else:
        texts = [turn.carried, turn.kept, *turn.parts, turn.spoken]
    return sum(len(text) + 1 for text in (*texts, more) if text) > MAX_MESSAGE + 1


def joined(*texts: str) -> str:
    """As one message. What is beyond `MAX_MESSAGE` is left out, from the end of a word on."""
    text = " ".join(text for text in texts if text).strip()
    if len(text) <= MAX_MESSAGE:
        return text
    end = text.rfind(" ", MAX_MESSAGE - _LONGEST_WORD, MAX_MESSAGE + 1)
    return text[: end if end > 0 else MAX_MESSAGE].rstrip()
