"""The table of `turn.py`, row by row, and the cases beside it. Times are exact."""

import pytest

from tests.script import Part, ended, events, pause, spans, started, user
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import Kind
from voice_grpc.core.floor import State, TurnSettings
from voice_grpc.core.turn import TRANSITIONS, TurnTaker

LISTENING, HEARING, ENDING = State.LISTENING, State.HEARING, State.ENDING
THINKING, SPEAKING, YIELDING = State.THINKING, State.SPEAKING, State.YIELDING
AWAITING = "thinking, and the words are not known yet"

START, END, CANCEL = e.ActivityStarted(), e.ActivityEnded(), e.ActivityCancelled()
OVER, STOP = e.PatienceOver(), e.StopRequested()

HOLD, INTERRUPT = 0.404, 0.186
"""What is left of 0.5 and 0.25 s when silence and speech are noticed."""
TO_APOLOGY = 6.5
"""turn_deadline less apology_reserve."""


class Talk:
    """A TurnTaker, and what it said when."""

    def __init__(self, settings: TurnSettings | None = None) -> None:
        self.taker = TurnTaker(settings or TurnSettings())
        self.log: list[tuple[float, c.Command]] = []

    def at(self, now: float, event: e.Event) -> list[c.Command]:
        commands = self.taker.receive(event, now)
        self.log += [(round(now, 6), command) for command in commands]
        return commands

    @property
    def state(self) -> State:
        return self.taker.state

    @property
    def deadline(self) -> float | None:
        """To the microsecond."""
        return None if self.taker.deadline is None else round(self.taker.deadline, 6)

    def play(self, *script: Part, words_after: float = 0.1) -> None:
        """The script, its transcripts `words_after` they are asked for, and every deadline on time."""
        due = events(script)
        since = 0.0
        while due:
            due.sort(key=lambda item: item[0])
            now, event = due[0]
            if self.taker.deadline is not None and self.taker.deadline <= now:
                now, event = self.taker.deadline, OVER
            else:
                due.pop(0)
            for command in self.at(now, event):
                if isinstance(command, c.AskTranscript):
                    text = " ".join(s.words for s in spans(script) if since <= s.start and s.end <= now)
                    due.append((now + words_after, e.Transcribed(command.revision, text)))
                elif isinstance(command, c.CommitReply):
                    since = now


def talk_in(state: State | str, settings: TurnSettings | None = None) -> Talk:
    """Brought there by one turn, "hello", from 0 s on. SPEAKING begins at 2 s, YIELDING at 3 s."""
    talk = Talk(settings)
    steps: list[tuple[State | str, float, e.Event]] = [
        (HEARING, 0.0, started()),
        (ENDING, 1.0, ended()),
        (THINKING, 1.1, e.Transcribed(1, "hello")),
        (THINKING, 1.404, OVER),
        (SPEAKING, 2.0, e.ReplyAudible(1)),
        (YIELDING, 3.0, started()),
    ]
    if state == AWAITING:
        steps = [*steps[:2], (AWAITING, 1.404, OVER)]
    if state is LISTENING:
        return talk
    for reached, at, event in steps:
        if talk.state is not state or reached in (state, AWAITING):
            talk.at(at, event)
    talk.log.clear()
    assert state in (talk.state, AWAITING)
    return talk


def speaking(settings: TurnSettings, event: e.TextReceived) -> Talk:
    """Something typed is being answered, or said, audibly from 1 s on."""
    talk = Talk(settings)
    talk.at(0.0, event)
    talk.at(1.0, e.ReplyAudible(1))
    talk.log.clear()
    return talk


def typed(text: str, *, interrupts: bool = True) -> e.TextReceived:
    return e.TextReceived(text, interrupts=interrupts)


def say(text: str, *, interruptible: bool = True) -> e.TextReceived:
    return e.TextReceived(text, verbatim=True, interrupts=False, interruptible=interruptible)


def prepare(number: int, turn: int, text: str, kind: Kind = Kind.ANSWER) -> c.PrepareReply:
    return c.PrepareReply(number, turn, kind, text)


def given_back(number: int, why: e.Why = e.Why.SPEECH) -> c.CancelReply:
    return c.CancelReply(number, why, returns_words=True)


ANSWER_HELLO = [prepare(1, 1, "hello"), c.CommitReply(1, 1, "hello", "hello")]


# ---------------------------------------------------------------- LISTENING


def test_listening_speech_started() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(0.0, started()) == []
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 1, None)


def test_listening_text() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(5.0, typed("hello")) == [prepare(1, 1, "hello"), c.CommitReply(1, 1, "hello", None)]
    assert (talk.state, talk.deadline) == (THINKING, 5.0 + TO_APOLOGY)


def test_listening_text_alone() -> None:
    talk = talk_in(LISTENING)
    prepared, _ = talk.at(5.0, e.TextReceived("hello", text_only=True))
    assert prepared == c.PrepareReply(1, 1, Kind.ANSWER, "hello", text_only=True)


def test_listening_say() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(5.0, say("welcome")) == [
        prepare(1, 1, "welcome", Kind.VERBATIM),
        c.CommitReply(1, 1, "", None),
    ]
    assert talk.state is THINKING


def test_listening_button() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(1.0, START) == []
    assert (talk.state, talk.taker.turn) == (HEARING, 1)


# ---------------------------------------------------------------- HEARING


def test_hearing_speech_ended() -> None:
    talk = talk_in(HEARING)
    assert talk.at(1.0, ended()) == [c.AskTranscript(1)]
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)


def test_hearing_speech_ended_long_ago() -> None:
    talk = talk_in(HEARING)
    talk.at(1.0, ended(silence=0.9))
    assert talk.deadline == 1.0


def test_hearing_transcribed() -> None:
    talk = talk_in(ENDING)
    talk.at(1.2, started())
    assert talk.at(1.3, e.Transcribed(1, "hello")) == []
    assert (talk.state, talk.taker.words) == (HEARING, "hello")


def test_hearing_audio_ended() -> None:
    talk = talk_in(HEARING)
    assert talk.at(1.0, END) == [c.AskTranscript(1)]
    assert (talk.state, talk.deadline) == (THINKING, 1.0 + TO_APOLOGY)


def test_hearing_text_is_answered_with_what_is_said() -> None:
    talk = talk_in(HEARING)
    assert talk.at(0.5, typed("look:")) == []
    talk.at(1.0, ended())
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.404, OVER) == [
        prepare(1, 1, "look: hello"),
        c.CommitReply(1, 1, "look: hello", "hello"),
    ]


# ---------------------------------------------------------------- ENDING


def test_ending_speech_started() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, started()) == []
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 1)
    assert talk.taker.words == "hello"


def test_ending_transcribed_without_speculation() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == []
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)


def test_ending_patience_over() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.404, OVER) == ANSWER_HELLO
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_ending_patience_over_and_nothing_was_said() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, ""))
    assert talk.at(1.404, OVER) == [c.DiscardTurn(1)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_ending_patience_over_before_the_words_are_known() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.404, OVER) == []
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_ending_audio_ended_commits_at_once() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, END) == ANSWER_HELLO


def test_ending_text_is_answered_with_what_was_said() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, typed("quickly")) == []
    assert talk.at(1.404, OVER)[1] == c.CommitReply(1, 1, "quickly hello", "hello")


# ---------------------------------------------------------------- THINKING


def test_thinking_speech_started_gives_the_words_to_the_next_turn() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, started()) == [given_back(1)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 2, "hello")
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "world"))
    assert talk.at(2.404, OVER) == [
        prepare(2, 2, "hello world"),
        c.CommitReply(2, 2, "hello world", "world"),
    ]


def test_thinking_transcribed() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.6, e.Transcribed(1, "hello")) == ANSWER_HELLO
    assert talk.state is THINKING


def test_thinking_transcribed_and_nothing_was_said() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.6, e.Transcribed(1, "")) == [c.DiscardTurn(1)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_thinking_the_wait_for_the_words_counts_against_the_deadline() -> None:
    talk = talk_in(AWAITING)
    talk.at(6.0, e.Transcribed(1, "hello"))
    assert talk.deadline == 1.404 + TO_APOLOGY


def test_thinking_speech_started_before_the_words_are_known_goes_on_with_the_turn() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, started()) == []
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 1, None)
    assert talk.at(2.0, ended()) == [c.AskTranscript(2)]
    assert talk.at(2.1, e.Transcribed(1, "hello")) == []
    talk.at(2.2, e.Transcribed(2, "hello world"))
    assert talk.at(2.404, OVER)[1] == c.CommitReply(1, 1, "hello world", "hello world")


def test_thinking_patience_over_is_an_apology() -> None:
    talk = talk_in(THINKING)
    at = 1.404 + TO_APOLOGY
    assert talk.at(at, OVER) == [
        c.CancelReply(1, e.Why.DEADLINE),
        prepare(2, 1, "", Kind.APOLOGY),
        c.CommitReply(2, 1, "", None),
    ]
    assert (talk.state, talk.deadline) == (THINKING, at + 1.5)
    assert talk.at(at + 0.1, e.ReplyAudible(2)) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_thinking_patience_over_twice_is_a_failure() -> None:
    talk = talk_in(THINKING)
    talk.at(7.904, OVER)
    assert talk.at(9.404, OVER) == [c.CancelReply(2, e.Why.DEADLINE), c.DiscardTurn(1, failed=True)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_thinking_reply_audible() -> None:
    talk = talk_in(THINKING)
    assert talk.at(2.0, e.ReplyAudible(1)) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_thinking_reply_ended() -> None:
    talk = talk_in(THINKING)
    assert talk.at(2.0, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline) == (LISTENING, None)


# ---------------------------------------------------------------- SPEAKING


def test_speaking_speech_started() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, started()) == []
    assert (talk.state, talk.deadline) == (YIELDING, 3.0 + INTERRUPT)


def test_speaking_speech_that_is_noticed_late_interrupts_sooner() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, started(speech=0.2))
    assert talk.deadline == 3.05
    talk = talk_in(SPEAKING)
    talk.at(3.0, started(speech=2.0))
    assert talk.deadline == 3.0


def test_speaking_reply_ended() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, e.ReplyEnded(1)) == []
    assert talk.state is LISTENING


# ---------------------------------------------------------------- YIELDING


def test_yielding_speech_ended_is_a_cough() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, ended()) == [c.Forget()]
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_yielding_patience_over_interrupts() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.186, OVER) == [c.CancelReply(1, e.Why.SPEECH)]
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)
    assert talk.taker.words == ""


def test_yielding_reply_ended() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (LISTENING, e.Transcribed(0, "late")),
        (LISTENING, OVER),
        (LISTENING, e.ReplyAudible(1)),
        (LISTENING, e.ReplyEnded(1)),
        (LISTENING, END),
        (LISTENING, CANCEL),
        (LISTENING, STOP),
        (HEARING, started()),
        (HEARING, OVER),
        (HEARING, e.ReplyAudible(1)),
        (HEARING, e.ReplyEnded(1)),
        (HEARING, STOP),
        (ENDING, ended()),
        (ENDING, e.ReplyAudible(1)),
        (ENDING, e.ReplyEnded(1)),
        (ENDING, STOP),
        (THINKING, e.Transcribed(1, "again")),
        (THINKING, END),
        (THINKING, CANCEL),
        (SPEAKING, e.Transcribed(1, "again")),
        (SPEAKING, OVER),
        (SPEAKING, e.ReplyAudible(1)),
        (SPEAKING, END),
        (SPEAKING, CANCEL),
        (YIELDING, started()),
        (YIELDING, e.Transcribed(1, "again")),
        (YIELDING, e.ReplyAudible(1)),
        (YIELDING, END),
        (YIELDING, CANCEL),
        (AWAITING, ended()),
        (AWAITING, END),
    ],
)
def test_empty_cells_are_ignored(state: State | str, event: e.Event) -> None:
    talk = talk_in(state)
    before = (talk.state, talk.deadline, talk.taker.turn, talk.taker.words, talk.taker.waiting)
    assert talk.at(10.0 if event is not OVER else 3.1, event) == []
    assert (talk.state, talk.deadline, talk.taker.turn, talk.taker.words, talk.taker.waiting) == before


def test_no_state_lacks_a_row() -> None:
    assert set(TRANSITIONS) == set(State)


# ---------------------------------------------------------------- whole conversations


def test_a_turn_from_a_script() -> None:
    talk = Talk()
    talk.play(user(0.5, 1.2, "hello"), pause(0.3), user(0.0, 0.5, "there"))
    assert talk.log == [
        (1.796, c.AskTranscript(1)),
        (2.596, c.AskTranscript(2)),
    ]
    talk.at(2.7, e.Transcribed(2, "hello there"))
    assert talk.deadline == 3.0
    talk = Talk()
    talk.play(user(0.5, 1.2, "hello"), pause(0.3), user(0.0, 0.5, "there"), user(9.0, 0.1, "bye"))
    assert talk.log[2:5] == [
        (3.0, prepare(1, 1, "hello there")),
        (3.0, c.CommitReply(1, 1, "hello there", "hello there")),
        (9.5, c.CancelReply(1, e.Why.DEADLINE)),
    ]


def test_a_pause_longer_than_the_hold_makes_two_turns_of_which_the_second_has_all_words() -> None:
    talk = Talk()
    talk.play(user(0.0, 1.0, "what is"), pause(0.7), user(0.0, 1.0, "the time"), user(9.0, 1.0, ""))
    commits = [(at, command) for at, command in talk.log if isinstance(command, c.CommitReply)]
    assert commits[:2] == [
        (1.5, c.CommitReply(1, 1, "what is", "what is")),
        (3.2, c.CommitReply(2, 2, "what is the time", "the time")),
    ]
    assert (1.764, given_back(1)) in talk.log


def test_two_turns() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, e.ReplyEnded(1))
    talk.at(4.0, started())
    assert talk.at(5.0, ended()) == [c.AskTranscript(2)]
    talk.at(5.1, e.Transcribed(2, "again"))
    assert talk.at(5.404, OVER) == [prepare(2, 2, "again"), c.CommitReply(2, 2, "again", "again")]
    talk.at(6.0, e.ReplyAudible(2))
    assert talk.state is SPEAKING


def test_a_barge_in_from_a_script() -> None:
    talk = talk_in(SPEAKING)
    for at, event in events([user(3.0, 1.0, "stop it")]):
        if talk.taker.deadline is not None and talk.taker.deadline < at:
            talk.at(talk.taker.deadline, OVER)
        talk.at(at, event)
    assert talk.log == [(3.25, c.CancelReply(1, e.Why.SPEECH)), (4.096, c.AskTranscript(2))]


# ---------------------------------------------------------------- typed words


def test_text_while_thinking_joins_what_was_not_answered_yet() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, typed("quickly")) == [
        given_back(1, e.Why.TEXT),
        prepare(2, 2, "hello quickly"),
        c.CommitReply(2, 2, "hello quickly", None),
    ]
    assert talk.taker.words == ""
    assert talk.deadline == 1.5 + TO_APOLOGY


def test_text_before_the_words_are_known_joins_them() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, typed("quickly")) == []
    assert talk.at(1.6, e.Transcribed(1, "hello"))[1] == c.CommitReply(1, 1, "quickly hello", "hello")


@pytest.mark.parametrize("state", [SPEAKING])
def test_text_interrupts_an_answer_at_once(state: State) -> None:
    talk = talk_in(state)
    assert talk.at(3.5, typed("stop")) == [
        c.CancelReply(1, e.Why.TEXT),
        prepare(2, 2, "stop"),
        c.CommitReply(2, 2, "stop", None),
    ]
    assert talk.state is THINKING


def test_text_while_yielding_is_answered_with_what_is_being_said() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, typed("stop")) == [c.CancelReply(1, e.Why.TEXT)]
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 2, None)
    talk.at(3.5, ended())
    talk.at(3.6, e.Transcribed(2, "please"))
    assert talk.at(3.904, OVER)[1] == c.CommitReply(2, 2, "stop please", "please")


@pytest.mark.parametrize("state", [THINKING, SPEAKING, YIELDING])
def test_text_that_does_not_interrupt_waits_for_the_end(state: State) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, typed("next", interrupts=False)) == []
    assert (talk.state, talk.taker.waiting) == (state, 1)
    if state is YIELDING:
        talk.at(3.15, ended())
    assert talk.at(5.0, e.ReplyEnded(1)) == [prepare(2, 2, "next"), c.CommitReply(2, 2, "next", None)]
    assert (talk.state, talk.taker.waiting, talk.deadline) == (THINKING, 0, 5.0 + TO_APOLOGY)


@pytest.mark.parametrize("state", [HEARING, ENDING, THINKING, AWAITING, SPEAKING, YIELDING])
def test_say_waits(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, say("by the way")) == []
    assert (talk.state, talk.taker.waiting) == (THINKING if state == AWAITING else state, 1)


@pytest.mark.parametrize("state", [THINKING, AWAITING])
def test_even_a_greeting_does_not_take_an_unheard_answer_from_the_user(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(1.5, e.TextReceived("welcome", verbatim=True)) == []
    assert talk.taker.waiting == 1


def test_say_is_spoken_after_the_answer() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("by the way"))
    assert talk.at(5.0, e.ReplyEnded(1)) == [
        prepare(2, 2, "by the way", Kind.VERBATIM),
        c.CommitReply(2, 2, "", None),
    ]


def test_say_is_spoken_after_a_turn_that_was_none() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, say("by the way"))
    talk.at(1.1, e.Transcribed(1, ""))
    assert talk.at(1.404, OVER) == [
        c.DiscardTurn(1),
        prepare(1, 2, "by the way", Kind.VERBATIM),
        c.CommitReply(1, 2, "", None),
    ]


def test_what_waits_is_said_one_at_a_time_and_the_user_comes_first() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("one"))
    talk.at(3.1, say("two"))
    talk.at(3.2, started())
    talk.at(3.3, e.ReplyEnded(1))
    assert (talk.state, talk.taker.waiting) == (HEARING, 2)
    talk.at(3.4, ended())
    talk.at(3.5, e.Transcribed(2, ""))
    commands = talk.at(3.804, OVER)
    assert commands[1] == prepare(2, 3, "one", Kind.VERBATIM)
    assert talk.taker.waiting == 1


# ---------------------------------------------------------------- the button


@pytest.mark.parametrize(
    ("state", "commands", "turn"),
    [
        (HEARING, [], 1),
        (ENDING, [], 1),
        (THINKING, [given_back(1, e.Why.ACTIVITY)], 2),
        (AWAITING, [], 1),
        (SPEAKING, [c.CancelReply(1, e.Why.ACTIVITY)], 2),
        (YIELDING, [c.CancelReply(1, e.Why.ACTIVITY)], 2),
    ],
)
def test_start_takes_the_floor_at_once(state: State | str, commands: list[c.Command], turn: int) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, START) == commands
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, turn, None)


def test_start_stops_even_what_speech_may_not() -> None:
    talk = speaking(TurnSettings(interruptions=False), say("listen", interruptible=False))
    assert talk.at(1.5, START) == [c.CancelReply(1, e.Why.ACTIVITY)]


def test_between_start_and_end_no_silence_ends_the_turn() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    for at in (1.0, 3.0, 5.0):
        talk.at(at, started())
        assert talk.at(at + 1.0, ended()) == []
        assert (talk.state, talk.deadline) == (HEARING, None)
    assert talk.at(9.0, END) == [c.AskTranscript(1)]
    assert talk.at(9.1, e.Transcribed(1, "hello")) == ANSWER_HELLO


def test_after_end_silence_ends_turns_again() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    talk.at(1.0, END)
    talk.at(1.1, e.Transcribed(1, ""))
    talk.at(2.0, started())
    assert talk.at(3.0, ended()) == [c.AskTranscript(2)]
    assert talk.state is ENDING


@pytest.mark.parametrize("state", [HEARING, ENDING, AWAITING])
def test_cancel_forgets_what_was_said(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(1.5, CANCEL) == [c.DiscardTurn(1)]
    assert (talk.state, talk.deadline, talk.taker.words) == (LISTENING, None, "")


def test_cancel_still_answers_what_an_earlier_turn_gave_back() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, START)
    talk.at(2.0, CANCEL)
    assert talk.log[1:] == [(2.0, prepare(2, 2, "hello")), (2.0, c.CommitReply(2, 2, "hello", ""))]
    assert (talk.state, talk.deadline) == (THINKING, 2.0 + TO_APOLOGY)


def test_cancel_forgets_what_is_known_already() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, started())
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "not meant"))
    assert talk.at(2.2, CANCEL)[1] == c.CommitReply(2, 2, "hello", "")


def test_cancel_ends_the_hold_of_the_button() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    talk.at(1.0, CANCEL)
    talk.at(2.0, started())
    talk.at(3.0, ended())
    assert talk.state is ENDING


def test_the_rest_of_what_was_cancelled_is_forgotten() -> None:
    talk = talk_in(HEARING)
    talk.at(0.5, CANCEL)
    assert talk.at(1.0, ended()) == [c.Forget()]
    assert (talk.state, talk.taker.turn) == (LISTENING, 1)


def test_a_transcript_of_a_cancelled_turn_is_not_the_next_ones() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, CANCEL)
    talk.at(1.1, started())
    assert talk.at(1.2, e.Transcribed(1, "not meant")) == []
    assert talk.taker.words == ""


# ---------------------------------------------------------------- the stop button


def test_stop_before_the_answer_is_heard() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, STOP) == [c.CancelReply(1, e.Why.REQUEST)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_stop_before_the_words_are_known() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, STOP) == [c.DiscardTurn(1)]
    assert talk.state is LISTENING
    assert talk.at(1.6, e.Transcribed(1, "hello")) == []


def test_stop_keeps_the_words_that_are_known_and_answers_none() -> None:
    talk = talk_in(AWAITING)
    talk.at(1.5, typed("quickly"))
    assert talk.at(1.6, STOP) == [
        prepare(1, 1, "quickly"),
        c.CommitReply(1, 1, "quickly", ""),
        c.CancelReply(1, e.Why.REQUEST),
    ]
    assert (talk.state, talk.taker.words, talk.deadline) == (LISTENING, "", None)


def test_stop_while_speaking() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, STOP) == [c.CancelReply(1, e.Why.REQUEST)]
    assert talk.state is LISTENING


def test_stop_while_yielding_leaves_the_floor_to_the_user() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, STOP) == [c.CancelReply(1, e.Why.REQUEST)]
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)


def test_stop_lets_the_next_be_said() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("by the way"))
    assert talk.at(3.1, STOP)[1:] == [
        prepare(2, 2, "by the way", Kind.VERBATIM),
        c.CommitReply(2, 2, "", None),
    ]


@pytest.mark.parametrize("audible", [False, True])
def test_stop_of_what_speech_may_not_interrupt_while_the_user_speaks(audible: bool) -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    if audible:
        talk.at(0.5, e.ReplyAudible(1))
    talk.at(1.0, started())
    assert talk.at(1.5, STOP) == [c.CancelReply(1, e.Why.REQUEST)]
    assert (talk.state, talk.taker.turn) == (HEARING, 2)


# ---------------------------------------------------------------- what may not be interrupted


def test_speech_over_an_uninterruptible_say_is_forgotten() -> None:
    talk = speaking(TurnSettings(), say("listen", interruptible=False))
    assert talk.at(2.0, started()) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)
    assert talk.at(3.0, ended()) == [c.Forget()]
    assert talk.state is SPEAKING


def test_speech_before_an_uninterruptible_say_is_forgotten_too() -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    assert talk.at(0.2, started()) == []
    assert talk.at(0.4, ended()) == [c.Forget()]
    assert (talk.state, talk.deadline) == (THINKING, TO_APOLOGY)


def test_speech_that_outlasts_an_uninterruptible_say_is_a_turn() -> None:
    talk = speaking(TurnSettings(), say("listen", interruptible=False))
    talk.at(2.0, started())
    assert talk.at(2.5, e.ReplyEnded(1)) == []
    assert (talk.state, talk.taker.turn) == (HEARING, 2)
    assert talk.at(3.0, ended()) == [c.AskTranscript(1)]


def test_an_uninterruptible_say_that_fails_leaves_the_floor_to_who_speaks() -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    talk.at(1.0, started())
    apology = c.PrepareReply(2, 1, Kind.APOLOGY, "", interruptible=False)
    assert talk.at(TO_APOLOGY, OVER)[1] == apology
    assert talk.at(TO_APOLOGY + 1.5, OVER)[1] == c.DiscardTurn(1, failed=True)
    assert (talk.state, talk.taker.turn) == (HEARING, 2)


def test_with_interruptions_off_speech_over_an_answer_is_forgotten() -> None:
    talk = talk_in(SPEAKING, TurnSettings(interruptions=False))
    assert talk.at(3.0, started()) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)
    assert talk.at(4.0, ended()) == [c.Forget()]
    talk.at(5.0, started())
    talk.at(5.5, e.ReplyEnded(1))
    assert talk.state is HEARING


def test_text_interrupts_with_interruptions_off() -> None:
    talk = talk_in(SPEAKING, TurnSettings(interruptions=False))
    assert talk.at(3.0, typed("stop"))[0] == c.CancelReply(1, e.Why.TEXT)


# ---------------------------------------------------------------- what comes too late


def test_a_dead_reply_changes_nothing() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, typed("quickly"))
    assert talk.at(1.6, e.ReplyAudible(1)) == []
    assert talk.at(1.7, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline) == (THINKING, 1.5 + TO_APOLOGY)
    talk.at(2.0, e.ReplyAudible(2))
    assert talk.at(2.1, e.ReplyEnded(1)) == []
    assert talk.state is SPEAKING


def test_a_transcript_that_was_overtaken_changes_nothing() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, started())
    talk.at(1.5, ended())
    assert talk.at(1.6, e.Transcribed(1, "hel")) == []
    assert talk.taker.words == ""
    talk.at(1.7, e.Transcribed(2, "hello"))
    assert talk.taker.words == "hello"


def test_a_transcript_that_comes_twice_counts_once() -> None:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == [prepare(1, 1, "hello")]
    assert talk.at(1.2, e.Transcribed(1, "yellow")) == []
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "hello", "hello")]


def test_a_timer_that_was_overtaken_changes_nothing() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.4, OVER) == []
    assert talk.state is ENDING


def test_a_timer_that_rounds_is_on_time() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1859999, OVER) == [c.CancelReply(1, e.Why.SPEECH)]


# ---------------------------------------------------------------- transcripts that fail


def test_a_failed_transcript_keeps_what_an_earlier_one_knew() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(1.2, started())
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "", failed=True))
    assert talk.at(2.404, OVER) == ANSWER_HELLO


def test_a_failed_transcript_and_nothing_known_is_an_apology() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "", failed=True))
    assert talk.at(1.404, OVER) == [prepare(1, 1, "", Kind.APOLOGY), c.CommitReply(1, 1, "", "")]


def test_a_failed_transcript_that_comes_late_leaves_time_for_the_apology() -> None:
    talk = talk_in(AWAITING)
    talk.at(7.8, e.Transcribed(1, "", failed=True))
    assert talk.log == [(7.8, prepare(1, 1, "", Kind.APOLOGY)), (7.8, c.CommitReply(1, 1, "", ""))]
    assert talk.deadline == 1.404 + 8.0


def test_words_that_are_never_known_end_in_an_apology() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(7.904, OVER) == [prepare(1, 1, "", Kind.APOLOGY), c.CommitReply(1, 1, "", "")]
    assert talk.deadline == 9.404
    assert talk.at(8.0, e.Transcribed(1, "hello")) == []


def test_an_apology_for_a_late_transcript_remembers_what_was_known() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(1.2, started())
    talk.at(2.0, ended())
    talk.at(2.404, OVER)
    assert talk.at(8.904, OVER)[1] == c.CommitReply(1, 1, "hello", "hello")
    assert talk.taker.words == ""


def test_an_apology_keeps_to_text_where_the_answer_would_have() -> None:
    talk = Talk()
    talk.at(0.0, e.TextReceived("hello", text_only=True))
    apology = c.PrepareReply(2, 1, Kind.APOLOGY, "", text_only=True)
    assert talk.at(TO_APOLOGY, OVER)[1] == apology


def test_the_user_may_speak_over_an_apology_nobody_heard_yet() -> None:
    talk = talk_in(THINKING)
    talk.at(7.904, OVER)
    assert talk.at(8.0, started()) == [c.CancelReply(2, e.Why.SPEECH)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 2, "")


# ---------------------------------------------------------------- speculation

EAGER = TurnSettings(speculate=True)


def speculating() -> Talk:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == [prepare(1, 1, "hello")]
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)
    return talk


def test_a_prepared_reply_is_committed_and_not_prepared_again() -> None:
    talk = speculating()
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "hello", "hello")]
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_a_prepared_reply_is_dropped_in_silence_when_the_user_goes_on() -> None:
    talk = speculating()
    assert talk.at(1.2, started()) == [c.CancelReply(1, e.Why.SPEECH)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 1, "hello")
    talk.at(2.0, ended())
    assert talk.at(2.1, e.Transcribed(2, "hello world")) == [prepare(2, 1, "hello world")]
    assert talk.at(2.404, OVER) == [c.CommitReply(2, 1, "hello world", "hello world")]


def test_a_prepared_reply_is_dropped_when_typed_words_join() -> None:
    talk = speculating()
    assert talk.at(1.2, typed("quickly")) == [c.CancelReply(1, e.Why.TEXT)]
    assert talk.at(1.404, OVER) == [
        prepare(2, 1, "quickly hello"),
        c.CommitReply(2, 1, "quickly hello", "hello"),
    ]


@pytest.mark.parametrize(
    ("event", "why", "state"), [(START, e.Why.ACTIVITY, HEARING), (CANCEL, e.Why.ACTIVITY, LISTENING)]
)
def test_a_prepared_reply_is_dropped_by_the_button(event: e.Event, why: e.Why, state: State) -> None:
    talk = speculating()
    assert talk.at(1.2, event)[0] == c.CancelReply(1, why)
    assert talk.state is state


def test_nothing_is_prepared_for_nothing() -> None:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "")) == []


def test_words_that_come_after_the_hold_are_prepared_and_committed_at_once() -> None:
    talk = talk_in(AWAITING, EAGER)
    assert talk.at(1.6, e.Transcribed(1, "hello")) == ANSWER_HELLO


def test_a_prepared_reply_cannot_be_heard_or_end() -> None:
    talk = speculating()
    assert talk.at(1.2, e.ReplyAudible(1)) == []
    assert talk.at(1.3, e.ReplyEnded(1)) == []
    assert talk.state is ENDING


# ---------------------------------------------------------------- ducking

DUCKING = TurnSettings(duck=True)


def test_the_voice_is_lowered_while_it_is_not_known_whether_the_user_interrupts() -> None:
    talk = talk_in(SPEAKING, DUCKING)
    assert talk.at(3.0, started()) == [c.Duck(1)]
    assert talk.at(3.1, ended()) == [c.Unduck(1), c.Forget()]
    assert talk.at(4.0, started()) == [c.Duck(1)]
    assert talk.at(4.186, OVER) == [c.CancelReply(1, e.Why.SPEECH)]


# ---------------------------------------------------------------- settings


def test_new_settings_count_from_the_next_decision() -> None:
    talk = talk_in(ENDING)
    talk.taker.adjust(TurnSettings(hold=2.0))
    assert talk.deadline == 1.0 + HOLD
    talk.at(1.1, started())
    talk.at(2.0, ended())
    assert talk.deadline == 2.0 + 2.0 - 0.096


def test_turns_go_on_from_the_last_one_of_the_session() -> None:
    taker = TurnTaker(TurnSettings(), last_turn=41)
    taker.receive(started(), 0.0)
    assert taker.turn == 42
