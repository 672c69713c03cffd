"""The user speaks over the answer.

The question ends at 1.28 and is answered from 1.78 on. Speech over the answer begins at 3.2, on the
grid; it is told apart from noise by `interrupt_after`, 0.25 s counted from its onset: at 3.45 the
answer has been audible for 1.67 s, 40,080 samples.
"""

from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Heard
from voice_grpc.core.events import CancelReason
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.engines.scripted import ScriptedAnswer

from ..harness import CONFIG, Client, Loudspeaker, Recording, changed, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
"""Two clauses of 35 and 51 characters: 2.1 s and 3.06 s."""
QUESTION = sound(user(1.28), pause(1.92))
INTERRUPTION = sound(QUESTION, user(0.96), pause(3.0))
"""From 3.2 to 4.16; its own turn is over at 4.66."""
ONSET = 3.2
CUT = ONSET + 0.25
PLAYED = round((CUT - 1.78) * 24_000)


def interrupted(*more: list[Action], client: Client | None = None, **settings: object) -> Recording:
    engines = scripted(["tell me a story", "stop it"], [STORY, "As you like."])
    config = replace(CONFIG, **settings)  # type: ignore[arg-type]
    talk = converse(script(microphone(INTERRUPTION), *more), engines, config, client=client)
    assert engines.llm.open == 0
    assert not talk.left_over
    return talk


def test_the_answer_stops_a_quarter_of_a_second_after_the_onset() -> None:
    talk = interrupted()
    check_rules(talk)
    when, cut = talk.only(o.Interrupted)
    assert when == at(CUT)
    assert cut == o.Interrupted(1, CancelReason.SPEECH, PLAYED, cut.heard_text, is_reported=False)
    assert talk.when(o.TurnPhase.INTERRUPTED, 1) == at(CUT)
    assert talk.when(o.TurnPhase.USER_SPEAKING, 2) == at(CUT)
    assert talk.audio(1)[-1][0] <= CUT
    assert talk.only(o.PlaybackControl)[1].turn == 1
    metrics = talk.all(o.TurnMetrics)[0][1]
    assert metrics.turn == 1
    assert metrics.seconds["interrupt_stop"] == at(0.25)


def test_what_was_heard_is_right_to_the_word() -> None:
    talk = interrupted()
    heard = talk.only(o.Interrupted)[1].heard_text
    # 2.1 s for 23.4 beats (half of one a word, one for each group of vowels, a fifth a letter, two for the
    # full stop): half of the second "a" was over at 1.62 s, half of "queen" would have been at 1.81 s.
    assert heard == "Once upon a time there was a"
    answer = talk.messages[1]
    assert (answer.text, answer.turn, answer.heard) == (heard, 1, Heard.ESTIMATED)


def test_the_interrupting_words_are_the_next_question_whole() -> None:
    talk = interrupted()
    assert talk.finals() == [(1, "tell me a story"), (2, "stop it")]
    # From the padding before the onset on, not from where the answer was cut.
    second = next(m for _, m in talk.all(o.Transcript) if m.turn == 2 and m.is_final)
    assert second.start <= ONSET * 16_000
    assert talk.when(o.TurnPhase.THINKING, 2) == at(4.16 + 0.5)
    assert [m.text for m in talk.script.llm.prompts[1].messages] == [
        "tell me a story",
        "Once upon a time there was a",
        "stop it",
    ]


def test_with_reports_the_cut_is_where_the_client_was() -> None:
    talk = interrupted(client=Client((), loudspeaker=Loudspeaker(delay=0.3)), has_playback_reports=True)
    check_rules(talk)
    cut = talk.only(o.Interrupted)[1]
    # 0.3 s later than by the server's clock.
    assert cut.is_reported
    assert cut.played == pytest.approx(PLAYED - 7_200, abs=24)
    assert cut.heard_text == "Once upon a time there"
    assert talk.messages[1].heard is Heard.REPORTED
    assert talk.messages[1].text == "Once upon a time there"


def test_a_late_report_corrects_the_memory_and_the_store() -> None:
    cleared = i.PlaybackReport(1, i.PlaybackState.CLEARED, 24_000)
    talk = interrupted([(CUT + 0.1, cleared)])
    check_rules(talk)
    assert talk.only(o.Interrupted)[1].played == PLAYED
    # 1 s of it.
    assert talk.messages[1].text == "Once upon a time"
    assert talk.messages[1].heard is Heard.REPORTED
    assert talk.script.llm.prompts[1].messages[1].text == "Once upon a time"


def test_nothing_heard_leaves_no_answer_in_the_memory() -> None:
    talk = interrupted([(CUT + 0.1, i.PlaybackReport(1, i.PlaybackState.CLEARED, 0))])
    assert talk.history[:2] == [("user", "tell me a story"), ("user", "stop it")]


def test_more_than_was_sent_counts_as_what_was_sent() -> None:
    talk = interrupted([(CUT + 0.1, i.PlaybackReport(1, i.PlaybackState.CLEARED, 10**12))])
    assert len(talk.messages[1].text) < len(STORY)


def test_a_report_on_an_unknown_turn_is_said() -> None:
    talk = interrupted([(CUT, i.PlaybackReport(77, i.PlaybackState.PROGRESS, 100, seq=5))])
    notice = talk.only(o.Notice)[1]
    assert (notice.reason, notice.field, notice.seq) == ("BAD_MESSAGE", "playback.turn", 5)
    assert "77" in notice.message


def test_nothing_of_the_turn_follows_also_when_it_was_queued() -> None:
    # A message takes 30 ms to leave, a chunk is 40 ms long: some always wait.
    talk = interrupted(client=Client((), send_seconds=0.03))
    check_rules(talk, lead=0.5)
    assert talk.only(o.Interrupted)[0] < CUT + 0.1


def test_a_cough_does_not_interrupt() -> None:
    # 0.15 s: heard as a start at 3.28, and as over only at 3.46, the third silent window.
    ears = sound(QUESTION, user(0.15), pause(6.01))
    talk = converse(microphone(ears), scripted(["tell me a story"], [STORY]))
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.78 + 0.06 * (26 + 59))
    assert talk.finals() == [(1, "tell me a story")]
    assert talk.history == [("user", "tell me a story"), ("assistant", STORY)]


def test_two_coughs_do_not_add_up() -> None:
    ears = sound(QUESTION, user(0.16), pause(0.32), user(0.16), pause(6.0))
    talk = converse(microphone(ears), scripted(["tell me a story"], [STORY]))
    check_rules(talk)
    assert not talk.all(o.Interrupted)


def test_interruptions_can_be_disabled() -> None:
    engines = scripted(["tell me a story", "stop it"], [STORY, "As you like."])
    talk = converse(
        microphone(INTERRUPTION),
        engines,
        changed(interruption=Interruption.DISABLED),
    )
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    # What was said over it is over before it ends, at 7.0: nobody answers that.
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.THINKING)] == [1]


def test_speech_that_goes_on_after_an_uninterruptible_answer_is_a_turn() -> None:
    # "Your taxi is here." lasts from 1.0 to 2.08; speech from 1.6 to 2.56.
    talk = converse(
        script(
            microphone(sound(pause(1.6), user(0.96), pause(2.0))),
            [(1.0, i.Say("Your taxi is here.", interruptible=False))],
        ),
        scripted(["thank you"]),
    )
    check_rules(talk)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(2.08)
    assert talk.when(o.TurnPhase.USER_SPEAKING, 2) == at(2.08)
    assert talk.when(o.TurnPhase.THINKING, 2) == at(3.06)
    final = next(m for _, m in talk.all(o.Transcript) if m.is_final)
    assert final.start <= 1.6 * 16_000
    assert talk.finals() == [(2, "thank you")]


def test_an_interruptible_say_is_interrupted() -> None:
    talk = converse(
        script(
            microphone(sound(pause(1.6), user(0.96), pause(2.0))), [(1.0, i.Say("Your taxi is here now."))]
        )
    )
    check_rules(talk)
    assert talk.only(o.Interrupted)[0] == at(1.85)


def test_half_duplex_does_not_listen_while_it_speaks() -> None:
    talk = interrupted(is_half_duplex=True)
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    assert talk.finals() == [(1, "tell me a story")]


def test_a_stop_button_stops_at_once() -> None:
    engines = scripted(["tell me a story"], [STORY])
    talk = converse(script(microphone(QUESTION), [(3.0, i.Interrupt(0))]), engines)
    check_rules(talk)
    when, cut = talk.only(o.Interrupted)
    assert (when, cut.reason, cut.played) == (at(3.0), CancelReason.REQUEST, round(1.22 * 24_000))
    assert talk.phases()[-1] == (at(3.0), 0, o.TurnPhase.LISTENING)


def test_a_stop_button_while_it_thinks() -> None:
    engines = scripted(["tell me a story"], [ScriptedAnswer(STORY, first_token=3.0)])
    talk = converse(script(microphone(QUESTION), [(3.0, i.Interrupt(1))]), engines)
    check_rules(talk)
    assert talk.when(o.TurnPhase.INTERRUPTED, 1) == at(3.0)
    assert not talk.audio(1)
    assert talk.history == [("user", "tell me a story")]
    assert engines.llm.open == 0


def test_a_stop_button_for_another_turn_is_refused() -> None:
    engines = scripted(["tell me a story"], [STORY])
    talk = converse(script(microphone(QUESTION), [(3.0, i.Interrupt(7, seq=3))]), engines)
    assert not talk.all(o.Interrupted)
    assert talk.only(o.Notice)[1].field == "interrupt.turn"


def test_typed_words_interrupt() -> None:
    engines = scripted(["tell me a story"], [STORY, "As you like."])
    talk = converse(script(microphone(QUESTION), [(3.0, i.TextInput("stop"))]), engines)
    check_rules(talk)
    assert talk.only(o.Interrupted)[1].reason is CancelReason.TEXT
    assert talk.when(o.TurnPhase.THINKING, 2) == at(3.0)
    assert talk.history[-2:] == [("user", "stop"), ("assistant", "As you like.")]


def test_typed_words_that_wait() -> None:
    engines = scripted(["tell me a story"], [STORY, "As you like."])
    talk = converse(script(microphone(QUESTION), [(3.0, i.TextInput("and then", interrupts=False))]), engines)
    check_rules(talk)
    assert not talk.all(o.Interrupted)
    assert talk.when(o.TurnPhase.THINKING, 2) == talk.when(o.TurnPhase.COMPLETED, 1)
    assert talk.history[1] == ("assistant", STORY)


def test_an_interrupted_text_answer_was_read_as_far_as_it_was_shown() -> None:
    engines = scripted(answers=[ScriptedAnswer(STORY, a_token=0.25), "As you like."])
    # A word every 0.25 s: the first clause is whole with its eighth word, at 1.75, and shown with the
    # space after it, at 2.0.
    actions: list[Action] = [(0.0, i.TextInput("a story", text_only=True)), (3.0, i.Interrupt(0))]
    talk = converse(actions, engines, ends_at=10.0)
    check_rules(talk)
    shown = talk.words(1)
    assert shown == "Once upon a time there was a queen."
    assert talk.only(o.Interrupted)[1].heard_text == shown
    assert talk.history == [("user", "a story"), ("assistant", shown)]
