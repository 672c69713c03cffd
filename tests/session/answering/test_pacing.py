"""Sound leaves no sooner than it can be played, and stands still when it is told to."""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import AudioFormat, Encoding
from voice_grpc.engines.scripted import ScriptedAnswer, Voicing

from ..harness import CONFIG, Client, Loudspeaker, Recording, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
STORY_SECONDS = 0.06 * (26 + 59)
ASK: list[Action] = [(1.0, i.TextInput("a story"))]


def story(*more: Action, client: Client | None = None, **settings: object) -> Recording:
    config = replace(CONFIG, **settings)  # type: ignore[arg-type]
    return converse([*ASK, *more], scripted(answers=[STORY]), config, client=client, ends_at=40.0)


@pytest.mark.parametrize("lead", [0.1, 0.2, 0.4])
def test_by_the_clock_never_further_ahead_than_the_lead(lead: float) -> None:
    talk = story(playout_lead=lead)
    check_rules(talk, lead=lead)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.0 + STORY_SECONDS)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.5])
def test_by_reports_never_further_ahead_than_the_lead(delay: float) -> None:
    loudspeaker = Loudspeaker(delay=delay)
    talk = story(client=Client((), loudspeaker=loudspeaker), has_playback_reports=True)
    check_rules(talk)
    begun = talk.audio(1)[0][0] + delay
    first_report = begun + loudspeaker.period
    for when, chunk in talk.audio(1):
        if when > first_report:
            played = (when - begun) * 24_000
            assert chunk.offset + chunk.duration - played <= 0.2 * 24_000 + 2
    # It is over once the client has played it.
    assert talk.when(o.TurnPhase.COMPLETED, 1) == pytest.approx(1.0 + delay + STORY_SECONDS, abs=0.001)
    assert talk.words(1) == STORY


def test_a_client_that_promises_reports_and_sends_none_gets_its_whole_answer() -> None:
    talk = story(has_playback_reports=True)
    check_rules(talk)
    assert len(talk.sound(1)) == 2 * round(STORY_SECONDS * 24_000)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.0 + STORY_SECONDS)


def test_a_client_that_stops_reporting_gets_its_whole_answer() -> None:
    report: Action = (1.5, i.PlaybackReport(1, i.PlaybackState.PROGRESS, 9_600))
    talk = story(report, has_playback_reports=True)
    # 0.4 s were played at 1.5; the clock takes it from there.
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.1 + STORY_SECONDS)
    assert len(talk.sound(1)) == 2 * round(STORY_SECONDS * 24_000)


def test_a_finished_report_ends_the_turn() -> None:
    finished: Action = (6.1, i.PlaybackReport(1, i.PlaybackState.FINISHED, round(STORY_SECONDS * 24_000)))
    talk = story(finished)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(6.1)


def test_the_first_report_that_it_plays_is_the_ear_of_mouth_to_ear() -> None:
    started: Action = (1.9, i.PlaybackReport(1, i.PlaybackState.STARTED, 0))
    talk = converse(script(microphone(sound(user(1.28), pause(2.0))), [started]))
    assert talk.only(o.TurnMetrics)[1].seconds["mouth_to_ear"] == at(1.9 - 1.28)


def test_a_pause_stops_the_sound_at_once_and_resume_goes_on_with_the_next_sample() -> None:
    whole = story()
    held = story((2.5, i.Pause()), (12.5, i.Resume()))
    check_rules(held, lead=10.2)
    assert not [when for when, _ in held.audio(1) if 2.5 < when < 12.5]
    assert held.sound(1) == whole.sound(1)
    assert held.words(1) == STORY
    # Every chunk of after the pause leaves just so much later.
    for (when, chunk), (before, same) in zip(held.audio(1), whole.audio(1), strict=True):
        assert (chunk.index, chunk.offset) == (same.index, same.offset)
        assert when == at(before if before < 2.5 else before + 10.0)
    assert held.when(o.TurnPhase.COMPLETED, 1) == at(11.0 + STORY_SECONDS)


def test_text_stands_still_too() -> None:
    engines = scripted(answers=[ScriptedAnswer(STORY, a_token=0.25)])
    actions: list[Action] = [
        (0.0, i.TextInput("a story", text_only=True)),
        (1.0, i.Pause()),
        (30.0, i.Resume()),
    ]
    talk = converse(actions, engines, ends_at=60.0)
    check_rules(talk)
    assert not [when for when, _ in talk.all(o.ResponseText) if 1.0 < when < 30.0]
    assert talk.words(1) == STORY


def test_deadlines_stand_still() -> None:
    # Speech until 1.28; the hold is over at 1.78, of which 0.28 s are left at 1.5.
    ears = microphone(sound(user(1.28), pause(0.22)))
    talk = converse(script(ears, [(1.5, i.Pause()), (21.5, i.Resume())]))
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(21.78)


def test_the_turn_deadline_stands_still() -> None:
    engines = scripted(answers=[ScriptedAnswer("", hangs=True)])
    talk = converse([*ASK, (2.0, i.Pause()), (52.0, i.Resume())], engines, ends_at=90.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(51.0 + 6.5)


def test_what_is_heard_in_a_pause_is_dropped() -> None:
    ears = microphone(sound(pause(1.0), user(1.28), pause(2.0)))
    talk = converse(script([(0.5, i.Pause()), (2.5, i.Resume())], ears))
    assert not talk.all(o.SpeechEvent)
    assert not talk.finals()


def test_positions_count_what_was_dropped_in_a_pause() -> None:
    ears = microphone(sound(pause(3.2), user(1.28), pause(2.0)))
    talk = converse(script([(0.5, i.Pause()), (2.0, i.Resume())], ears))
    started = talk.all(o.SpeechEvent)[0][1]
    # To the window: the grid of windows begins anew where the sound goes on.
    assert started.position == pytest.approx(3.2 * 16_000, abs=512)


def test_what_is_typed_in_a_pause_is_answered_after_it() -> None:
    talk = converse([(0.5, i.Pause()), *ASK, (3.0, i.Resume())], ends_at=10.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(3.0)


def test_pause_twice_and_resume_twice_are_once() -> None:
    held = story((2.5, i.Pause()), (3.0, i.Pause()), (4.5, i.Resume()), (5.0, i.Resume()))
    assert held.when(o.TurnPhase.COMPLETED, 1) == at(3.0 + STORY_SECONDS)


def test_silence_at_the_head_of_the_answer_is_not_waited_for() -> None:
    talk = story()
    first = np.frombuffer(talk.audio(1)[0][1].data, np.int16)
    assert np.abs(first[:480]).max() > 1_000


def test_a_voice_slower_than_speech_runs_dry_and_goes_on() -> None:
    engines = scripted(answers=[STORY], voicing=Voicing(first_audio=3.0))
    talk = converse(ASK, engines, ends_at=30.0)
    check_rules(talk)
    # Clauses at 4.0, 7.0 and 10.0: the last one, 3.06 s long, is played from then on.
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(4.0)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(10.0 + 3.06)
    assert talk.words(1) == STORY


@pytest.mark.parametrize(
    ("format", "sample_bytes"),
    [
        (AudioFormat(Encoding.PCM_S16LE, 8_000), 2),
        (AudioFormat(Encoding.PCM_F32LE, 16_000), 4),
        (AudioFormat(Encoding.MULAW, 8_000), 1),
        (AudioFormat(Encoding.ALAW, 48_000), 1),
        (AudioFormat(Encoding.PCM_S16LE, 48_000, channels=2), 4),
    ],
)
def test_every_output_format_has_the_same_length(format: AudioFormat, sample_bytes: int) -> None:
    talk = story(output=format)
    check_rules(talk, rate_hz=format.rate_hz)
    samples = len(talk.sound(1)) / sample_bytes
    assert samples == pytest.approx(STORY_SECONDS * format.rate_hz, abs=0.01 * format.rate_hz)
    assert samples == sum(chunk.duration for _, chunk in talk.audio(1))
