"""A question and its answer.

Times: a window of 32 ms is heard when the 20 ms frame with its end has come. Speech that ends at
E on the grid of 160 ms has its third silent window (the soft end) at E + 0.096, heard at
E + 0.1; the turn is the user's no more at E + 0.5, the hold.
"""

from dataclasses import replace

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Message, Role
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, Voicing

from .harness import CONFIG, converse, scripted
from .microphone import microphone, pause, script, sound, user
from .rules import at, check_rules

QUESTION = sound(user(1.28), pause(2.72))
"""E = 1.28: soft end at 1.38, commit at 1.78."""
ANSWER = "Hello. How can I help?"
ANSWER_SECONDS = 1.32
"""22 characters at 0.06 s."""


def test_a_question_is_answered() -> None:
    talk = converse(microphone(QUESTION))
    check_rules(talk)
    assert [(t, phase) for _, t, phase in talk.phases()] == [
        (0, o.TurnPhase.LISTENING),
        (1, o.TurnPhase.USER_SPEAKING),
        (1, o.TurnPhase.THINKING),
        (1, o.TurnPhase.SPEAKING),
        (1, o.TurnPhase.COMPLETED),
        (0, o.TurnPhase.LISTENING),
    ]
    # Two windows of speech make a start: heard at 0.064, in the frame that ends at 0.080.
    assert talk.when(o.TurnPhase.USER_SPEAKING, 1) == at(0.08)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(1.78)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.78)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.78 + ANSWER_SECONDS)
    assert talk.words(1) == ANSWER
    assert len(talk.sound(1)) == 2 * round(ANSWER_SECONDS * 24_000)
    assert talk.finals() == [(1, "hello there")]
    assert talk.history == [("user", "hello there"), ("assistant", ANSWER)]
    assert not talk.notices()
    assert talk.only(o.SessionEnded)[1].reason is o.EndReason.HALF_CLOSE
    assert talk.error is None
    assert not talk.left_over


def test_speech_events_and_transcripts_have_places() -> None:
    talk = converse(microphone(sound(pause(0.48), QUESTION)))
    (began, started), (ended, stopped) = talk.all(o.SpeechEvent)
    assert (began, started.speaking, started.position) == (at(0.56), o.SpeechKind.STARTED, 7_680)
    assert (ended, stopped.speaking, stopped.position) == (at(1.86), o.SpeechKind.STOPPED, 28_160)
    transcripts = [m for _, m in talk.all(o.Transcript)]
    # Prefix padding: 0.3 s + 0.06 s before the window that decided, in whole windows of 512.
    assert {m.start for m in transcripts} == {8_192 - 12 * 512}
    assert [m.revision for m in transcripts] == [1, 2, 3, 4]
    assert [m.text for m in transcripts] == ["hello", "hello", "hello there", "hello there"]
    assert [m.is_final for m in transcripts] == [False, False, False, True]
    # One interim a 0.6 s of speech: the window that reaches it, at 0.512 + 0.6.
    assert talk.all(o.Transcript)[0][0] == at(1.12)


def test_metrics_are_the_delays_of_the_engines() -> None:
    engines = scripted(
        [Hearing("hello there", delay=0.3)],
        [ScriptedAnswer(ANSWER, first_token=0.2)],
        Voicing(first_audio=0.1),
    )
    talk = converse(microphone(QUESTION), engines)
    check_rules(talk)
    # The transcript is ready at 1.38 + 0.3, behind the hold.
    metrics = talk.only(o.TurnMetrics)[1]
    assert dict(metrics.seconds) == {
        "end_of_turn_delay": at(0.5),
        "stt_final_delay": at(0.4),
        "llm_first_token": at(0.2),
        "tts_first_audio": at(0.1),
        "voice_to_voice": at(0.8),
        "audio_sent": at(ANSWER_SECONDS),
    }
    counted = {name: count for name, count in metrics.counts.items() if count}
    assert counted == {"input_tokens": 1, "output_tokens": 5, "tts_characters": 22}
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.28 + 0.8)
    assert not talk.all(o.TurnMetrics)[1:]


def test_a_transcript_that_comes_after_the_hold_delays_the_answer() -> None:
    talk = converse(microphone(QUESTION), scripted([Hearing("hello there", delay=0.6)]))
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(1.98)
    assert talk.only(o.TurnMetrics)[1].seconds["voice_to_voice"] == at(0.7)


def test_the_second_question_can_refer_to_the_first() -> None:
    engines = scripted(["my name is Ada", "what is my name"], ["Hello Ada.", "You are Ada."])
    ears = sound(QUESTION, user(0.96), pause(2.0))
    talk = converse(microphone(ears), engines)
    check_rules(talk)
    assert engines.llm.prompts[0].messages == (Message(Role.USER, "my name is Ada", 1),)
    assert engines.llm.prompts[1].messages == (
        Message(Role.USER, "my name is Ada", 1),
        Message(Role.ASSISTANT, "Hello Ada.", 1),
        Message(Role.USER, "what is my name", 2),
    )
    assert talk.history[-1] == ("assistant", "You are Ada.")
    # Speech from 4.0 to 4.96.
    assert talk.when(o.TurnPhase.THINKING, 2) == at(5.46)


def test_a_greeting_is_a_turn_of_its_own() -> None:
    talk = converse([], config=replace(CONFIG, greeting="Good day."), ends_at=5.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(0.0)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(0.54)
    assert talk.words(1) == "Good day."
    assert talk.history == [("assistant", "Good day.")]
    assert not talk.script.llm.prompts


def test_typed_words_are_a_turn() -> None:
    talk = converse([(1.0, i.TextInput("hi"))], ends_at=10.0)
    check_rules(talk)
    assert talk.phases()[1:-1] == [
        (at(1.0), 1, o.TurnPhase.THINKING),
        (at(1.0), 1, o.TurnPhase.SPEAKING),
        (at(1.0 + ANSWER_SECONDS), 1, o.TurnPhase.COMPLETED),
    ]
    assert not talk.all(o.Transcript)
    assert talk.history == [("user", "hi"), ("assistant", ANSWER)]
    assert "voice_to_voice" not in talk.only(o.TurnMetrics)[1].seconds


def test_text_only_has_no_sound() -> None:
    engines = scripted(answers=[ScriptedAnswer("Hello. How can I help?", first_token=0.5)])
    talk = converse([(1.0, i.TextInput("hi", text_only=True))], engines, ends_at=10.0)
    check_rules(talk)
    assert talk.words(1) == ANSWER
    assert not talk.audio(1)
    assert [m.is_final for _, m in talk.all(o.ResponseText)] == [False, True]
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.5)
    assert talk.history == [("user", "hi"), ("assistant", ANSWER)]
    assert not engines.tts.spoken


def test_say_is_spoken_as_it_is_and_remembered() -> None:
    talk = converse([(1.0, i.Say("Your taxi is here."))], ends_at=10.0)
    check_rules(talk)
    assert talk.words(1) == "Your taxi is here."
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(2.08)
    assert talk.history == [("assistant", "Your taxi is here.")]
    assert not talk.script.llm.prompts


def test_say_waits_for_the_end_of_the_answer() -> None:
    talk = converse([(1.0, i.TextInput("hi")), (1.5, i.Say("Your taxi is here."))], ends_at=10.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.0 + ANSWER_SECONDS)
    assert talk.when(o.TurnPhase.THINKING, 2) == at(1.0 + ANSWER_SECONDS)
    assert talk.words(2) == "Your taxi is here."
    events = [(t, p) for _, t, p in talk.phases() if t]
    assert events.index((1, o.TurnPhase.COMPLETED)) < events.index((2, o.TurnPhase.THINKING))


def test_a_say_while_the_answer_is_made_does_not_replace_it() -> None:
    engines = scripted(answers=[ScriptedAnswer(ANSWER, first_token=1.0)])
    talk = converse([(1.0, i.TextInput("hi")), (1.5, i.Say("Your taxi is here."))], engines, ends_at=10.0)
    check_rules(talk)
    assert talk.words(1) == ANSWER
    assert talk.words(2) == "Your taxi is here."


def test_a_short_pause_does_not_end_the_turn() -> None:
    # Speech ends at 0.96; at 1.24 it goes on, and is heard before the hold is over at 1.46.
    talk = converse(microphone(sound(user(0.96), pause(0.28), user(0.68), pause(2.0))))
    check_rules(talk)
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.USER_SPEAKING)] == [1]
    assert talk.finals() == [(1, "hello there")]
    # 1.92 is the end of the second part, on the grid.
    assert talk.when(o.TurnPhase.THINKING, 1) == at(2.42)


def test_going_on_while_it_thinks_gives_the_words_back() -> None:
    # Speech ends at 0.96, the turn at 1.46; speech again from 1.6 to 2.56, while the model thinks.
    engines = scripted(["remind me to", "buy milk"], [ScriptedAnswer(ANSWER, first_token=1.0)])
    talk = converse(microphone(sound(user(0.96), pause(0.64), user(0.96), pause(2.0))), engines)
    check_rules(talk)
    assert talk.finals() == [(1, "remind me to"), (2, "buy milk")]
    assert talk.when(o.TurnPhase.THINKING, 1) == at(1.46)
    # Two windows after 1.6.
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(1.68)
    assert talk.when(o.TurnPhase.THINKING, 2) == at(3.06)
    assert talk.history == [("user", "remind me to buy milk"), ("assistant", ANSWER)]
    assert [m.text for m in engines.llm.prompts[1].messages] == ["remind me to buy milk"]
    assert not talk.all(o.Interrupted)
    assert engines.llm.open == 0


def test_nothing_said_is_discarded_with_an_empty_final() -> None:
    talk = converse(microphone(QUESTION), scripted([""]))
    check_rules(talk)
    assert talk.finals() == [(1, "")]
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(1.78)
    assert talk.phases()[-1][2] is o.TurnPhase.LISTENING
    assert not talk.messages
    assert not talk.script.llm.prompts


def test_everything_can_be_switched_off() -> None:
    quiet = replace(CONFIG, sends_interims=False, sends_metrics=False)
    talk = converse(microphone(QUESTION), config=quiet)
    check_rules(talk)
    assert [m.is_final for _, m in talk.all(o.Transcript)] == [True]
    assert not talk.all(o.TurnMetrics)


def test_new_settings_hold_from_the_next_turn() -> None:
    slower = replace(CONFIG, turns=replace(CONFIG.turns, hold=1.0), voice="hum")
    ears = sound(QUESTION, user(0.96), pause(2.0))
    talk = converse(script(microphone(ears), [(3.5, i.ConfigUpdate(slower, seq=9))]))
    check_rules(talk)
    assert talk.only(o.ConfigApplied) == (at(3.5), o.ConfigApplied(slower, 9))
    assert talk.when(o.TurnPhase.THINKING, 2) == at(4.96 + 1.0)
    assert [choice.id for choice in talk.script.tts.choices] == ["", "hum"]
