"""A voice over the answer: lowered, held, judged; a turn begins with the verdict and not before."""

from dataclasses import replace

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.audio import sample_count
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.interruption import (
    CERTAIN_AFTER,
    COVERING,
    HOLD_AFTER,
    VERDICT_WITHIN,
    WORDS_WITHIN,
    Interruption,
)
from voice_grpc.core.turn.settings import TurnSettings

from .turn_script import (
    ENDING,
    HEARING,
    LISTENING,
    OVER,
    SPEAKING,
    STOP,
    THINKING,
    TO_APOLOGY,
    YIELDING,
    Talk,
    talk_in,
)

YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True, turn_deadline=8.0)
ONSET = 3.0 - 0.064
"""Of the voice that is noticed at 3 s."""
CUT = c.CancelReply(1, e.CancelReason.SPEECH)


def yielding(settings: TurnSettings = YIELD) -> Talk:
    return talk_in(YIELDING, settings)


def held(settings: TurnSettings = YIELD) -> Talk:
    """The answer waits."""
    talk = yielding(settings)
    assert talk.at(ONSET + HOLD_AFTER, OVER) == [c.HoldReply(1)]
    talk.log.clear()
    return talk


def words(talk: Talk, text: str, now: float, *, failed: bool = False) -> list[c.Command]:
    asked = [command.revision for _, command in talk.log if isinstance(command, c.AskTranscript)]
    return talk.at(now, e.Transcribed(asked[-1], text, failed, "en"))


def silent(talk: Talk, at: float) -> list[c.Command]:
    """The voice ended 0.096 s before."""
    return talk.at(at, ended(at))


def test_the_first_sound_lowers_it_and_a_click_raises_it_again() -> None:
    talk = talk_in(SPEAKING, YIELD)
    assert talk.at(3.0, e.SpeechHinted(47_488, 0.032)) == [c.Duck(1)]
    assert talk.at(3.1, e.SpeechDismissed()) == [c.Unduck(1)]
    assert talk.state is SPEAKING


def test_it_is_lowered_once() -> None:
    talk = talk_in(SPEAKING, YIELD)
    talk.at(2.97, e.SpeechHinted(47_488, 0.032))
    assert talk.at(3.0, started()) == []
    assert talk_in(SPEAKING, YIELD).at(3.0, started()) == [c.Duck(1)]
    assert talk_in(SPEAKING, replace(YIELD, duck=False)).at(3.0, started()) == []


def test_it_waits_after_a_little_more_of_the_voice() -> None:
    talk = yielding()
    assert talk.deadline == pytest.approx(ONSET + HOLD_AFTER)
    held(YIELD)


def test_a_cough_is_over_before_it_waits() -> None:
    talk = yielding()
    assert silent(talk, ONSET + 0.096 + 0.1) == [c.Unduck(1), c.Forget()]
    assert talk.state is SPEAKING


def test_a_listener_makes_no_turn_and_the_answer_goes_on() -> None:
    talk = held()
    assert silent(talk, 3.5) == [c.AskTranscript(2)]
    assert talk.deadline == pytest.approx(3.5 - 0.096 + VERDICT_WITHIN)
    assert words(talk, "Yeah.", 3.6) == [c.ResumeReply(1), c.Forget("Yeah.")]
    assert (talk.state, talk.taker.turn, talk.deadline) == (SPEAKING, 1, None)


def test_words_open_a_turn_that_has_ended_already() -> None:
    talk = held()
    silent(talk, 3.5)
    assert words(talk, "But what about Rome?", 3.6)[0] == CUT
    assert (talk.state, talk.taker.turn) == (ENDING, 2)
    assert talk.deadline == pytest.approx(3.5 - 0.096 + 0.5)
    (prepared, committed) = talk.at(3.904, OVER)[-2:]
    assert isinstance(prepared, c.PrepareReply)
    assert (prepared.turn, prepared.text) == (2, "But what about Rome?")
    assert isinstance(committed, c.CommitReply)
    assert committed.spoken == "But what about Rome?"


def test_an_order_is_obeyed_while_it_is_said() -> None:
    talk = held()
    assert talk.at(3.4, e.InterimHeard("stop", sample_count(3.4), "en")) == [CUT]
    assert (talk.state, talk.taker.turn) == (HEARING, 2)


def test_a_voice_that_goes_on_takes_the_turn() -> None:
    talk = held()
    assert talk.deadline == pytest.approx(ONSET + CERTAIN_AFTER)
    assert talk.at(ONSET + CERTAIN_AFTER, OVER) == [CUT]
    assert talk.state is HEARING


def test_a_listener_who_goes_on_has_more_time() -> None:
    talk = held()
    talk.at(3.5, e.InterimHeard("yeah", sample_count(3.5), "en"))
    assert talk.at(ONSET + CERTAIN_AFTER, OVER) == []
    assert talk.state is YIELDING
    assert silent(talk, 4.2) == [c.AskTranscript(2)]
    assert words(talk, "yeah, I see", 4.3)[0] == c.ResumeReply(1)


def test_who_speaks_on_is_waited_for() -> None:
    talk = held()
    silent(talk, 3.5)
    assert talk.at(3.55, started(3.55)) == []
    assert words(talk, "Yeah.", 3.6) == [], "it is not all of it"
    silent(talk, 3.9)
    assert words(talk, "Yeah, stop.", 4.0)[0] == CUT


def test_words_that_were_asked_for_early_are_taken_when_the_voice_ends() -> None:
    talk = held()
    position = ended(3.5).position
    assert talk.at(3.43, e.SpeechFaded(position)) == [c.AskTranscript(2, is_early=True)]
    assert words(talk, "Okay.", 3.48) == []
    assert silent(talk, 3.5) == [c.ResumeReply(1), c.Forget("Okay.")]


@pytest.mark.parametrize("failed", [False, True])
def test_who_says_nothing_gives_the_floor_back(failed: bool) -> None:
    talk = held()
    silent(talk, 3.5)
    assert words(talk, "", 3.6, failed=failed) == [c.ResumeReply(1), c.Forget()]
    assert talk.state is SPEAKING


def let_on(since: float = 3.5) -> Talk:
    """The voice ended, its words are late, and the answer goes on."""
    talk = held()
    silent(talk, since)
    assert talk.at(since - 0.096 + VERDICT_WITHIN, OVER) == [c.ResumeReply(1)]
    assert talk.state is YIELDING
    return talk


def test_an_answer_does_not_wait_long_for_words() -> None:
    talk = let_on()
    assert talk.at(3.404 + WORDS_WITHIN, OVER) == [c.Forget()]
    assert (talk.state, talk.deadline) == (SPEAKING, None)


@pytest.mark.parametrize(("text", "told"), [("Yeah.", "Yeah."), ("", "")])
def test_late_words_of_a_listener_change_nothing_more(text: str, told: str) -> None:
    assert words(let_on(), text, 4.2) == [c.Forget(told)]


def test_late_words_that_mean_it_stop_the_answer_all_the_same() -> None:
    talk = let_on()
    assert words(talk, "Stop!", 4.2)[0] == CUT
    assert (talk.state, talk.taker.turn) == (ENDING, 2)


def test_a_transcript_that_fails_late_leaves_the_answer_alone() -> None:
    talk = let_on()
    assert words(talk, "", 4.2, failed=True) == [c.Forget()]
    assert talk.state is SPEAKING


def test_a_second_voice_while_the_words_of_the_first_are_late_is_yielded_to_anew() -> None:
    talk = let_on()
    assert talk.at(4.0, started(4.0)) == [c.Duck(1)]
    assert talk.at(4.0 - 0.064 + HOLD_AFTER, OVER) == [c.HoldReply(1)]
    assert words(talk, "Yeah.", 4.1) == [], "it is not all of it"
    silent(talk, 4.5)
    assert words(talk, "Yeah, stop.", 4.6)[0] == CUT


def test_late_words_stop_the_answer_while_a_second_voice_is_heard() -> None:
    talk = let_on()
    talk.at(4.0, started(4.0))
    assert words(talk, "Stop!", 4.1)[0] == CUT
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 2, "Stop!")


def test_late_words_are_kept_when_text_is_typed_under_a_second_voice() -> None:
    talk = let_on()
    talk.at(4.0, started(4.0))
    words(talk, "Yeah.", 4.1)
    talk.at(4.2, e.TextReceived("and tomorrow?"))
    assert talk.taker.words == "and tomorrow? Yeah."


@pytest.mark.parametrize(("db", "first"), [(-29.0, c.ResumeReply(1)), (-24.0, CUT)])
def test_how_soft_a_voice_is_against_the_users_own_tells_a_murmur(db: float, first: c.Command) -> None:
    talk = Talk(YIELD)
    steps: list[tuple[float, e.Event]] = [
        (0.0, started()),
        (0.5, e.LevelHeard(-20.0)),
        (1.0, ended()),
        (1.1, e.Transcribed(1, "hello")),
        (1.404, OVER),
        (2.0, e.ReplyAudible(1)),
        (3.0, started(3.0)),
        (ONSET + HOLD_AFTER, OVER),
        (3.3, e.LevelHeard(db)),
    ]
    for now, event in steps:
        talk.at(now, event)
    silent(talk, 3.5)
    assert words(talk, "Bye.", 3.6)[0] == first


def test_an_interim_of_all_of_a_listener_lets_the_answer_go_on_at_once() -> None:
    before, after = held(), held()
    before.at(3.45, e.InterimHeard("yeah", ended(3.5).position - sample_count(0.1), "en"))
    assert silent(before, 3.5) == [c.AskTranscript(2), c.ResumeReply(1)]
    silent(after, 3.5)
    assert after.at(3.55, e.InterimHeard("", ended(3.5).position, "en")) == [c.ResumeReply(1)]
    for talk in (before, after):
        assert words(talk, "Yeah, but what about Rome?", 3.7)[0] == CUT


def test_an_interim_of_less_does_not() -> None:
    talk = held()
    talk.at(3.3, e.InterimHeard("yeah", ended(3.5).position - sample_count(COVERING + 0.01), "en"))
    assert silent(talk, 3.5) == [c.AskTranscript(2)]
    one = held()
    one.at(3.45, e.InterimHeard("Rome", ended(3.5).position, "en"))
    assert silent(one, 3.5) == [c.AskTranscript(2)], "a listener does not say that"


@pytest.mark.parametrize("failed", [False, True])
def test_an_interruption_without_words_gives_the_floor_back(failed: bool) -> None:
    talk = held()
    talk.at(ONSET + CERTAIN_AFTER, OVER)
    talk.at(3.75, e.AnswerCut(1, "and the rest of it."))
    silent(talk, 4.5)
    talk.at(4.6, OVER)
    talk.log.clear()
    talk.at(4.904, OVER)
    commands = words_or(talk, failed)
    rest = c.PrepareReply(2, 2, ReplyKind.VERBATIM, "and the rest of it.")
    assert rest in commands
    assert talk.state is THINKING
    assert not [command for command in commands if isinstance(command, c.DiscardTurn)]


def words_or(talk: Talk, failed: bool) -> list[c.Command]:
    revision = talk.taker._turn.asked  # noqa: SLF001 - whichever was asked last
    return talk.at(5.0, e.Transcribed(revision, "", failed)) or [command for _, command in talk.log]


def test_an_interruption_whose_words_never_come_gives_the_floor_back_too() -> None:
    talk = held()
    talk.at(ONSET + CERTAIN_AFTER, OVER)
    talk.at(3.75, e.AnswerCut(1, "and the rest of it."))
    silent(talk, 4.5)
    talk.at(4.904, OVER)
    assert talk.state is THINKING
    commands = talk.at(4.904 + TO_APOLOGY, OVER)
    assert commands[0] == c.PrepareReply(2, 2, ReplyKind.VERBATIM, "and the rest of it.")
    assert talk.state is THINKING


def test_the_floor_goes_back_once_and_only_to_the_answer_that_was_cut() -> None:
    talk = held()
    talk.at(ONSET + CERTAIN_AFTER, OVER)
    talk.at(3.75, e.AnswerCut(1, ""))
    silent(talk, 4.5)
    talk.at(4.904, OVER)
    words_or(talk, failed=False)
    assert talk.state is LISTENING, "nothing of it was left"


def test_a_stop_button_stops_the_rest_too() -> None:
    talk = held()
    talk.at(ONSET + CERTAIN_AFTER, OVER)
    talk.at(3.75, e.AnswerCut(1, "and the rest of it."))
    talk.at(3.8, e.ActivityStarted())
    talk.at(3.9, STOP)
    talk.at(4.0, e.ActivityCancelled())
    assert not [one for _, one in talk.log if isinstance(one, c.PrepareReply)] or talk.state is not SPEAKING


def test_an_answer_that_ends_under_a_voice_leaves_the_turn_to_it() -> None:
    talk = yielding()
    assert talk.at(3.05, e.ReplyEnded(1)) == []
    assert (talk.state, talk.taker.turn) == (HEARING, 2)
    over = held()
    silent(over, 3.5)
    over.at(3.55, e.ReplyEnded(1))
    assert (over.state, over.taker.turn) == (ENDING, 2)
    words(over, "Thanks a lot.", 3.6)
    assert over.taker.words == "Thanks a lot."


def test_with_min_words_the_answer_goes_on_until_they_are_said() -> None:
    talk = yielding(replace(YIELD, interruption=Interruption.MIN_WORDS, min_words=3))
    assert talk.at(ONSET + HOLD_AFTER, OVER) == []
    assert talk.at(3.5, e.InterimHeard("and then", sample_count(3.5), "en")) == []
    assert talk.at(3.9, e.InterimHeard("and then what", sample_count(3.9), "en")) == [CUT]


def test_disabled_it_is_not_even_lowered() -> None:
    talk = talk_in(SPEAKING, replace(YIELD, interruption=Interruption.DISABLED))
    assert talk.at(3.0, e.SpeechHinted(47_488, 0.032)) == []
    assert talk.at(3.0, started()) == []
    assert talk.state is SPEAKING


def test_who_goes_on_at_once_had_not_finished() -> None:
    talk = talk_in(SPEAKING, YIELD)
    talk.at(2.3, started(2.3))
    talk.at(2.3 - 0.064 + HOLD_AFTER, OVER)
    talk.at(2.3 - 0.064 + CERTAIN_AFTER, OVER)
    silent(talk, 3.6)
    words(talk, "of France", 3.7)
    prepared = [one for _, one in talk.log if isinstance(one, c.PrepareReply)] + [
        one for one in talk.at(4.1, OVER) if isinstance(one, c.PrepareReply)
    ]
    assert prepared[-1].continues == 1


def test_an_answer_that_waits_for_the_floor_is_not_kept_waiting_by_a_silence_without_words() -> None:
    talk, patient = held(), replace(YIELD, hold=None)
    talk.settings = patient
    talk.at(ONSET + CERTAIN_AFTER, OVER)
    talk.at(3.75, e.AnswerCut(1, "and the rest of it."))
    silent(talk, 4.5)
    words(talk, "", 4.6)
    assert talk.state is ENDING
    assert talk.deadline is not None
    assert talk.deadline < 4.5 + patient.bounds.max_hold - 1.0
    assert c.PrepareReply(2, 2, ReplyKind.VERBATIM, "and the rest of it.") in talk.at(talk.deadline, OVER)


def test_an_order_whose_words_are_late_counts_though_a_click_follows_it() -> None:
    talk = yielding(replace(YIELD, interruption=Interruption.MIN_WORDS, min_words=1))
    talk.at(ONSET + HOLD_AFTER, OVER)
    silent(talk, 3.5)
    assert talk.deadline is not None
    talk.at(talk.deadline, OVER)
    talk.at(3.9, started(3.9))
    talk.at(4.0, ended(4.0))
    words(talk, "Stop.", 4.2)
    assert talk.taker.turn == 2
    assert any(isinstance(command, c.CancelReply) for _, command in talk.log)
