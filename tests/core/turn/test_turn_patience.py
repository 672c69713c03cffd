"""How long one silence lasts, as more is known of it: scores, interim and early transcripts, limits."""

from dataclasses import replace
from math import nan

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.text.endings import Expectation, TextEnding
from voice_grpc.core.turn.patience import Evidence, hold
from voice_grpc.core.turn.settings import Speculation, TurnSettings
from voice_grpc.core.turn.taker import TurnTaker

from .turn_script import (
    CANCEL,
    END,
    OVER,
    PATIENT,
    SILENT,
    START,
    THINKING,
    Talk,
    answering,
    prepare,
    say,
    score,
    scored,
    silent,
)


def due(evidence: Evidence, settings: TurnSettings = PATIENT, pauses: tuple[float, ...] = ()) -> float:
    return round(SILENT + hold(evidence, settings.bounds, pauses), 6)


# ---------------------------------------------------------------- one silence, weighed again


def test_nothing_is_known_yet() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]
    assert talk.deadline == due(Evidence())


def test_each_kind_of_evidence_moves_the_deadline() -> None:
    talk = silent()
    assert talk.at(1.05, e.SoundScored(1, 0.9)) == []
    assert talk.deadline == due(Evidence(acoustic_end=0.9)) < due(Evidence())
    assert talk.at(1.1, e.Transcribed(1, "turn it off", language="en")) == [score(1, "turn it off")]
    closed = Evidence(TextEnding.CLOSED, word_count=3, acoustic_end=0.9)
    assert talk.deadline == due(closed) < due(Evidence(acoustic_end=0.9))
    assert talk.at(1.15, scored("turn it off", 0.8)) == [prepare(1, 1, "turn it off")]
    assert talk.deadline == due(replace(closed, text_end=0.8)) < due(closed)


def test_a_late_low_score_makes_the_silence_longer() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it off", language="en"))
    before = talk.deadline
    assert talk.at(1.2, scored("turn it off", 0.001)) == []
    assert talk.deadline == due(Evidence(TextEnding.CLOSED, word_count=3, text_end=0.001))
    assert before is not None
    assert talk.deadline > before


def test_a_late_high_score_ends_a_silence_that_lasted_already() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it off", language="en"))
    talk.at(1.3, scored("turn it off", 0.99))
    assert talk.deadline == 1.3
    evidence = Evidence(TextEnding.CLOSED, word_count=3, text_end=0.99)
    commit, *more = talk.at(1.3, OVER)
    assert more == []
    assert isinstance(commit, c.CommitReply)
    assert commit.decision is not None
    assert commit.decision.evidence == evidence
    assert commit.decision.hold == hold(evidence, PATIENT.bounds)


def test_words_that_are_open_are_waited_for() -> None:
    closed, half = silent(), silent()
    closed.at(1.1, e.Transcribed(1, "I went to the city", language="en"))
    half.at(1.1, e.Transcribed(1, "I went to the", language="en"))
    assert closed.deadline is not None
    assert half.deadline is not None
    assert closed.deadline < due(Evidence()) < half.deadline


@pytest.mark.parametrize("probability", [None, nan, -1.0, 2.0])
def test_a_judge_that_cannot_say_changes_nothing(probability: float | None) -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it off", language="en"))
    before = talk.deadline
    talk.at(1.2, scored("turn it off", probability))
    talk.at(1.2, e.SoundScored(1, probability))
    assert talk.deadline == before
    decision = talk.taker.receive(OVER, 3.0)[-1]
    assert isinstance(decision, c.CommitReply)
    assert decision.decision is not None
    assert decision.decision.evidence == Evidence(TextEnding.CLOSED, word_count=3)


@pytest.mark.parametrize("speculation", [Speculation.OFF, Speculation.STT])
def test_a_score_of_another_silence_changes_nothing(speculation: Speculation) -> None:
    talk = silent(TurnSettings(speculation=speculation))
    talk.at(1.1, started(1.1))
    talk.at(2.0, ended(2.0))
    before = talk.deadline
    talk.at(2.1, e.SoundScored(1, 0.99))
    talk.at(2.1, scored("hello", 0.99))
    assert talk.deadline == before


def test_evidence_of_one_silence_is_not_the_next_ones() -> None:
    talk = silent()
    talk.at(1.1, e.SoundScored(1, 0.9))
    talk.at(1.2, started(1.2))
    talk.at(2.0, ended(2.0))
    assert talk.deadline == round(due(Evidence()) + 1.0, 6)


def test_a_fixed_hold_asks_nobody() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]
    assert talk.at(1.1, e.Transcribed(1, "I went to the", language="en")) == []
    assert talk.deadline == 1.404


@pytest.mark.parametrize(("words", "is_prepared"), [("turn it off", True), ("turn it off and", False)])
def test_who_answers_elsewhere_is_asked_beside_the_judge(words: str, is_prepared: bool) -> None:
    taker = TurnTaker(lambda: PATIENT, judges_first=False)
    taker.receive(started(), 0.0)
    taker.receive(ended(1.0), 1.0)
    asked = taker.receive(e.Transcribed(1, words, language="en"), 1.1)
    assert asked == [score(1, words), *([prepare(1, 1, words)] if is_prepared else [])]
    later = taker.receive(scored(words, 0.9), 1.2)
    assert (prepare(1, 1, words) in later) != is_prepared


@pytest.mark.parametrize("hears_first", [False, True])
def test_who_hears_and_who_answers_may_have_to_take_turns(hears_first: bool) -> None:
    """Words that an interim heard are prepared for at once, or once all that was said is known."""
    taker = TurnTaker(lambda: PATIENT, hears_first=hears_first)
    taker.receive(started(), 0.0)
    taker.receive(e.InterimHeard("turn it off", ended(1.0).position, "en"), 0.9)
    taker.receive(ended(1.0), 1.0)
    early = taker.receive(scored("turn it off", 0.9), 1.05)
    late = taker.receive(e.Transcribed(1, "Turn it off.", language="en"), 1.1)
    assert (prepare(1, 1, "turn it off") in early) is not hears_first
    assert (prepare(1, 1, "Turn it off.") in late) is hears_first


def test_of_words_that_never_come_an_interim_is_answered_where_they_take_turns() -> None:
    taker = TurnTaker(lambda: PATIENT, hears_first=True)
    taker.receive(started(), 0.0)
    taker.receive(e.InterimHeard("turn it off", ended(1.0).position, "en"), 0.9)
    taker.receive(ended(1.0), 1.0)
    assert taker.deadline is not None
    assert taker.receive(OVER, taker.deadline) == []
    found = taker.receive(e.Transcribed(1, "", failed=True), 8.0)
    assert prepare(1, 1, "turn it off") in found


@pytest.mark.parametrize(
    ("probability", "is_asked"), [(0.0001, False), (0.03, True), (None, True), (0.1, True), (0.9, False)]
)
def test_the_sound_is_judged_where_the_words_leave_it_open(probability: float, is_asked: bool) -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it off", language="en"))
    found = talk.at(1.2, scored("turn it off", probability))
    assert (c.ScoreSound(1) in found) == is_asked
    talk.at(1.3, e.SoundScored(1, 0.9))
    assert c.ScoreSound(1) not in talk.at(1.4, scored("turn it off", probability))


def test_the_sound_is_judged_again_in_the_next_silence() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it off", language="en"))
    assert c.ScoreSound(1) in talk.at(1.2, scored("turn it off", 0.05))
    talk.at(1.3, started(1.3))
    talk.at(2.0, ended(2.0))
    talk.at(2.1, e.Transcribed(2, "turn it off now", language="en"))
    assert c.ScoreSound(2) in talk.at(2.2, scored("turn it off now", 0.05))


def test_an_answer_is_prepared_for_what_is_known_when_patience_ends() -> None:
    """Whatever their score: the turn is over, and the transcript would only confirm them."""
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.9, e.InterimHeard("turn it", ended(1.0).position, "en"))
    talk.at(0.95, scored("turn it", 0.0001))
    talk.at(1.0, ended(1.0))
    assert talk.at(4.0, OVER) == [prepare(1, 1, "turn it")]
    assert talk.state is THINKING
    longer = e.InterimHeard("turn it off", ended(1.0).position, "en")
    assert talk.at(4.1, longer) == [c.CancelReply(1, e.CancelReason.SPEECH), prepare(2, 1, "turn it off")]
    commit = talk.at(4.2, e.Transcribed(1, "Turn it off.", language="en"))[0]
    assert isinstance(commit, c.CommitReply)
    assert (commit.number, commit.message) == (2, "Turn it off.")
    assert talk.at(4.3, longer) == []


def test_with_nothing_begun_early_the_sound_alone_is_judged() -> None:
    talk = Talk(TurnSettings(speculation=Speculation.OFF))
    talk.at(0.0, started())
    assert talk.at(0.9, e.SpeechFaded(ended(1.0).position)) == []
    assert talk.at(1.0, ended(1.0)) == [c.ScoreSound(1)]
    talk.at(1.1, e.SoundScored(1, 0.9))
    assert talk.deadline == due(Evidence(acoustic_end=0.9))


def test_the_button_and_typed_words_are_no_decision() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "hello"))
    commit = talk.at(1.2, END)[-1]
    assert isinstance(commit, c.CommitReply)
    assert commit.decision is None


def test_a_decision_is_of_the_last_silence() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(1.2, started(1.2))
    assert talk.at(2.0, END) == [c.AskTranscript(2)]
    commit = talk.at(2.1, e.Transcribed(2, "hello world"))[-1]
    assert isinstance(commit, c.CommitReply)
    assert commit.decision is None


def test_words_that_are_answered_because_the_next_were_not_meant_are_no_decision() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(2.9, OVER)
    talk.at(3.0, started(3.0))
    talk.at(4.0, ended(4.0))
    commit = talk.at(4.1, CANCEL)[-1]
    assert commit == c.CommitReply(2, 2, "hello", "")


# ---------------------------------------------------------------- pauses, questions


def test_the_users_own_pauses_are_given_again() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "well", language="en"))
    talk.at(2.264, started(2.264))
    talk.at(3.0, ended(3.0))
    pause = round(2.264 - 0.064 - SILENT, 6)
    talk.at(3.1, e.Transcribed(2, "turn it off", language="en"))
    evidence = Evidence(TextEnding.CLOSED, word_count=3)
    assert talk.deadline == round(due(evidence, pauses=(pause,)) + 2.0, 6)
    assert talk.deadline > round(due(evidence) + 2.0, 6)


def test_a_pause_that_was_taken_for_the_end_is_one_of_the_users_own() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it", language="en"))
    talk.at(2.1, OVER)
    assert talk.state is THINKING
    talk.at(2.264, started(2.264))
    talk.at(3.0, ended(3.0))
    talk.at(3.1, e.Transcribed(2, "off now", language="en"))
    words = Evidence(TextEnding.CLOSED, word_count=4)
    assert talk.deadline == round(due(words, pauses=(round(2.264 - 0.064 - SILENT, 6),)) + 2.0, 6)


# ---------------------------------------------------------------- nothing was understood


def wordless() -> Talk:
    talk = silent()
    talk.at(1.1, e.SoundScored(1, 0.99))
    talk.at(1.2, e.Transcribed(1, "", language="en"))
    return talk


def test_a_silence_behind_no_words_is_as_long_as_any() -> None:
    """Half of a sentence may be too short for a recogniser: who goes on has said all of it in one turn."""
    talk = wordless()
    assert talk.deadline == round(SILENT + PATIENT.bounds.max_hold, 6)
    talk.at(1.9, started(1.9))
    assert talk.at(2.5, ended(2.5)) == [c.AskTranscript(2)]
    talk.at(2.6, e.Transcribed(2, "where can I buy bread", language="en"))
    assert talk.deadline == round(due(Evidence(TextEnding.CLOSED, word_count=5)) + 1.5, 6)
    assert talk.taker.words == "where can I buy bread"


def test_a_voice_that_said_nothing_is_forgotten_in_the_end() -> None:
    talk = wordless()
    assert talk.at(SILENT + PATIENT.bounds.max_hold, OVER) == [c.DiscardTurn(1)]


def test_a_recogniser_that_fails_makes_no_silence_longer() -> None:
    talk = silent()
    talk.at(1.2, e.Transcribed(1, "", failed=True))
    assert talk.deadline == due(Evidence())


def test_typed_words_do_not_wait_for_a_voice_that_said_nothing() -> None:
    talk = wordless()
    talk.at(1.3, e.TextReceived("turn it off"))
    words = Evidence(TextEnding.CLOSED, word_count=3, acoustic_end=0.99)
    assert talk.deadline == max(1.3, due(words)) < SILENT + PATIENT.bounds.max_hold


def test_who_waits_for_the_answer_longer_than_any_hold_did_not_pause() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "turn it", language="en"))
    talk.at(3.3, OVER)
    talk.at(5.0, started(5.0))
    talk.at(6.0, ended(6.0))
    talk.at(6.1, e.Transcribed(2, "off now", language="en"))
    assert talk.deadline == round(due(Evidence(TextEnding.CLOSED, word_count=4)) + 5.0, 6)


@pytest.mark.parametrize(
    ("said", "expects"),
    [
        ("Shall I?", Expectation.SHORT),
        ("What is your number?", Expectation.LONG),
        ("I shall.", Expectation.NOTHING),
    ],
)
def test_what_the_assistant_asked_counts(said: str, expects: Expectation) -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "hello", language="en"))
    talk.at(3.4, OVER)
    talk.at(4.0, e.ReplyAudible(1))
    talk.at(6.0, e.ReplyEnded(1, said))
    talk.at(7.0, started(7.0))
    talk.at(8.0, ended(8.0))
    talk.at(8.1, e.Transcribed(2, "yes", language="en"))
    assert talk.deadline == round(due(Evidence(TextEnding.CLOSED, expects, 1)) + 7.0, 6)


def test_a_question_that_ends_under_the_first_word_of_its_answer_was_asked() -> None:
    talk = silent()
    talk.at(1.1, e.Transcribed(1, "hello", language="en"))
    talk.at(3.4, OVER)
    talk.at(4.0, e.ReplyAudible(1))
    talk.at(6.0, started(6.0))
    talk.at(6.01, e.ReplyEnded(1, "Shall I?"))
    talk.at(7.0, ended(7.0))
    talk.at(7.1, e.Transcribed(2, "yes", language="en"))
    assert talk.deadline == round(due(Evidence(TextEnding.CLOSED, Expectation.SHORT, 1)) + 6.0, 6)


def test_a_question_that_was_cut_asks_nothing() -> None:
    talk = answering("hello")
    talk.at(4.0, e.ReplyEnded(1, "Shall I?"))
    talk.at(5.0, started(5.0))
    talk.at(6.0, ended(6.0))
    talk.at(6.1, e.Transcribed(2, "no", language="en"))
    talk.at(9.0, OVER)
    talk.at(9.5, e.ReplyAudible(2))
    talk.at(11.0, started(11.0))
    talk.at(11.2, OVER)
    talk.at(12.0, ended(12.0))
    talk.at(12.1, e.Transcribed(3, "yes", language="en"))
    assert talk.deadline == round(due(Evidence(TextEnding.CLOSED, word_count=1)) + 11.0, 6)


# ---------------------------------------------------------------- interim and early transcripts


def test_an_interim_that_covers_the_end_is_scored_at_once_and_kept_by_the_same_final() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    interim = e.InterimHeard("turn it off", ended(1.0).position, "en")
    assert talk.at(0.9, interim) == [score(1, "turn it off", is_early=True)]
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]
    assert talk.at(1.05, scored("turn it off", 0.9)) == [prepare(1, 1, "turn it off")]
    assert talk.at(1.2, e.Transcribed(1, "Turn it off.", language="en")) == []
    commit, *more = talk.at(1.4, OVER)
    assert more == []
    assert isinstance(commit, c.CommitReply)
    assert (commit.number, commit.message) == (1, "Turn it off.")


def test_a_final_that_says_other_words_is_scored_again() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.9, e.InterimHeard("turn it", ended(1.0).position, "en"))
    talk.at(1.0, ended(1.0))
    talk.at(1.05, scored("turn it", 0.9))
    assert talk.at(1.2, e.Transcribed(1, "turn it off", language="en")) == [
        c.CancelReply(1, e.CancelReason.SPEECH),
        score(1, "turn it off"),
    ]
    assert talk.deadline == due(Evidence(TextEnding.CLOSED, word_count=3))
    assert talk.at(1.25, scored("turn it", 0.9)) == []
    assert talk.at(1.3, scored("turn it off", 0.9)) == [prepare(2, 1, "turn it off")]


def test_words_scored_while_the_user_speaks_are_answered_as_soon_as_they_end() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.9, e.InterimHeard("turn it off", ended(1.0).position, "en"))
    assert talk.at(0.95, scored("turn it off", 0.9)) == []
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1), prepare(1, 1, "turn it off")]
    assert talk.deadline == due(Evidence(TextEnding.CLOSED, word_count=3, text_end=0.9))


def test_words_that_nobody_could_score_while_the_user_spoke_are_scored_at_the_end() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.9, e.InterimHeard("turn it off", ended(1.0).position, "en"))
    talk.at(0.95, scored("turn it off", None))
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1), score(1, "turn it off")]


def test_an_interim_that_comes_in_the_silence_is_prepared_for_before_the_transcript() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]
    interim = e.InterimHeard("turn it off", ended(0.9).position, "en")
    assert talk.at(1.05, interim) == [score(1, "turn it off")]
    assert talk.at(1.1, scored("turn it off", 0.9)) == [prepare(1, 1, "turn it off")]
    assert talk.at(1.2, e.Transcribed(1, "Turn it off.", language="en")) == []
    assert talk.at(1.22, e.InterimHeard("turn it", ended(0.9).position, "en")) == []
    commit = talk.at(1.4, OVER)[0]
    assert isinstance(commit, c.CommitReply)
    assert (commit.number, commit.message) == (1, "Turn it off.")


def test_an_interim_of_long_before_the_end_is_not_scored() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.6, e.InterimHeard("turn it", ended(0.6).position, "en"))
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]


def test_an_early_transcript_is_not_asked_for_again_at_the_same_end() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    end = ended(1.0)
    assert talk.at(0.93, e.SpeechFaded(end.position)) == [c.AskTranscript(1, is_early=True)]
    assert talk.at(1.0, end) == []
    assert talk.at(1.1, e.Transcribed(1, "turn it off", language="en")) == [score(1, "turn it off")]


def test_an_early_transcript_that_came_before_the_end_is_scored_at_it() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.93, e.SpeechFaded(ended(1.0).position))
    assert talk.at(0.98, e.Transcribed(1, "turn it off", language="en")) == []
    assert talk.at(1.0, ended(1.0)) == [score(1, "turn it off")]


def test_an_early_transcript_of_a_stop_within_a_word_is_asked_for_again() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.5, e.SpeechFaded(ended(0.5).position))
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(2)]
    assert talk.at(1.1, e.Transcribed(1, "turn it", language="en")) == []


def test_who_goes_on_after_a_stop_is_scored_by_what_they_say_now() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.5, e.SpeechFaded(ended(0.5).position))
    talk.at(0.6, e.Transcribed(1, "turn it", language="en"))
    said = talk.at(0.8, e.InterimHeard("turn it off", ended(0.8).position, "en"))
    assert said == [score(1, "turn it off", is_early=True)]


def test_an_interim_of_the_silence_leaves_the_early_transcript_in_force() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, started())
    talk.at(0.93, e.SpeechFaded(ended(1.0).position))
    talk.at(0.95, e.InterimHeard("turn it", ended(1.0).position + 512, "en"))
    assert talk.at(1.0, ended(1.0)) == []
    assert talk.at(1.1, e.Transcribed(1, "turn it off", language="en")) == [score(1, "turn it off")]


def test_no_fade_is_transcribed_while_the_button_is_held() -> None:
    talk = Talk(PATIENT)
    talk.at(0.0, START)
    talk.at(0.1, started(0.1))
    assert talk.at(0.9, e.SpeechFaded(ended(1.0).position)) == []


def test_a_text_that_waits_is_said_once_a_voice_that_said_nothing_is_silent() -> None:
    talk = wordless()
    talk.at(1.3, say("Good morning."))
    assert talk.deadline == due(Evidence(acoustic_end=0.99)) < SILENT + PATIENT.bounds.max_hold
