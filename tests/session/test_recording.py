"""What a recording is told of a conversation: whose sound, and when; what happened; and when it is told."""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.errors import VoiceError
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.engines.scripted import Hearing
from voice_grpc.session.recording_tap import WITHDRAWN

from .harness import CONFIG, Client, Loudspeaker, Recording, converse, scripted
from .microphone import Action, microphone, pause, script, sound, user
from .recorded import HeldRecorder, HeldRecording, laid_out
from .rules import at, check_rules

ALLOWED = replace(CONFIG, is_recorded=True)
OUT_HZ = 24_000
STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
QUESTION = sound(user(1.28), pause(1.92))
INTERRUPTION = sound(QUESTION, user(0.96), pause(3.0))
CUT = 3.45
"""As in `test_barge_in.py`: the answer begins at 1.78, and is cut 0.25 s after the onset at 3.2."""
WITHIN = 0.02


def recorded(
    *actions: list[Action], client: Client | None = None, ends_at: float = 30.0, **settings: object
) -> tuple[Recording, HeldRecording]:
    recorder = HeldRecorder()
    config = replace(ALLOWED, **settings)  # type: ignore[arg-type]
    engines = scripted(["tell me a story", "stop it"], [STORY, "As you like."])
    talk = converse(script(*actions), engines, config, client=client, ends_at=ends_at, recorder=recorder)
    assert talk.error is None
    assert not talk.left_over
    return talk, recorder.only


def spans(samples: Samples, rate_hz: int, gap: float = 0.1) -> list[tuple[float, float]]:
    """From when to when there is sound, in seconds; silence shorter than `gap` is part of it."""
    loud = np.flatnonzero(samples) / rate_hz
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > gap)
    starts, ends = [loud[0], *loud[breaks + 1]], [*loud[breaks], loud[-1]]
    return [(float(start), float(end)) for start, end in zip(starts, ends, strict=True)]


def near(*times: float) -> object:
    return pytest.approx(times, abs=WITHIN)


# ---------------------------------------------------------------- where the sound lies


def test_both_sides_lie_where_they_were_heard_and_a_cut_answer_ends_there() -> None:
    talk, recording = recorded(microphone(INTERRUPTION))
    check_rules(talk)
    users = spans(laid_out(recording.user, 12.0, RATE_HZ), RATE_HZ)
    assert users == [near(0.0, 1.28), near(3.2, 4.16)]
    first, second = spans(laid_out(recording.assistant, 12.0, OUT_HZ), OUT_HZ, gap=0.3)[:2]
    assert first == near(1.78, CUT)
    assert second[0] == pytest.approx(4.66, abs=WITHIN)
    assert recording.all(o.Interrupted)[0][0] == at(CUT)
    assert recording.closed_at == at(talk.ended_at)


def test_the_answer_is_what_left() -> None:
    talk, recording = recorded(microphone(QUESTION))
    sent = np.frombuffer(talk.sound(1), np.int16)
    line = laid_out(recording.assistant, 12.0, OUT_HZ)
    start = round(1.78 * OUT_HZ)
    assert (line[start : start + len(sent)] == sent).all()


def test_a_client_that_plays_late_is_recorded_late() -> None:
    client = Client((), loudspeaker=Loudspeaker(delay=0.3))
    _, recording = recorded(microphone(INTERRUPTION), client=client, has_playback_reports=True)
    (first, *_) = spans(laid_out(recording.assistant, 12.0, OUT_HZ), OUT_HZ, gap=0.3)
    assert first == near(2.08, CUT)


def test_a_held_answer_is_silent_and_goes_on_where_the_client_does() -> None:
    # A listener's word over it: held, and gone on with.
    said = sound(QUESTION, user(0.48), pause(4.0))
    recorder = HeldRecorder()
    turns = replace(ALLOWED.turns, interruption=Interruption.YIELD, duck=True)
    config = replace(ALLOWED, has_playback_control=True, turns=turns)
    engines = scripted(["tell me a story", Hearing("Yeah.", delay=0.3)], [STORY])
    talk = converse(microphone(said), engines, config, recorder=recorder, ends_at=20.0)
    held = [(when, m) for when, m in talk.all(o.PlaybackControl) if m.action is o.PlaybackAction.HOLD]
    gone_on = [(when, m) for when, m in talk.all(o.PlaybackControl) if m.action is o.PlaybackAction.RESUME]
    assert len(held) == len(gone_on) == 1
    line = laid_out(recorder.only.assistant, 20.0, OUT_HZ)
    from_, to = (round(when * OUT_HZ) for when in (held[0][0], gone_on[0][0]))
    slack = round(WITHIN * OUT_HZ)
    assert not line[from_ + slack : to - slack].any()
    sent, place = np.frombuffer(talk.sound(1), np.int16), gone_on[0][1].position
    rest = sent[place : place + OUT_HZ]
    assert (line[to : to + OUT_HZ] == rest).all()


def test_a_paused_conversation_is_silence_of_its_length() -> None:
    paused: list[Action] = [(2.5, i.Pause()), (7.5, i.Resume())]
    talk, recording = recorded(microphone(QUESTION), paused)
    line = laid_out(recording.assistant, 20.0, OUT_HZ)
    begins, ends = round(2.5 * OUT_HZ), round(7.5 * OUT_HZ)
    slack = round(WITHIN * OUT_HZ)
    assert not line[begins + slack : ends - slack].any()
    sent = np.frombuffer(talk.sound(1), np.int16)
    before = round((2.5 - 1.78) * OUT_HZ)
    assert (line[round(1.78 * OUT_HZ) :][:before] == sent[:before]).all()
    assert (line[ends:][: len(sent) - before] == sent[before:]).all()
    assert [when for when, _ in recording.all(i.Pause)] == [at(2.5)]
    assert [when for when, _ in recording.all(i.Resume)] == [at(7.5)]


def test_in_sync_after_minutes() -> None:
    """Ten questions, half a minute from one to the next, and each answered half a second after its end."""
    parts = [microphone(QUESTION, start=30.0 * n) for n in range(10)]
    recorder = HeldRecorder()
    engines = scripted(["hello there"] * 10, ["Hello. How can I help?"] * 10)
    converse(script(*parts), engines, ALLOWED, ends_at=320.0, recorder=recorder)
    users = spans(laid_out(recorder.only.user, 320.0, RATE_HZ), RATE_HZ, gap=1.0)
    answers = spans(laid_out(recorder.only.assistant, 320.0, OUT_HZ), OUT_HZ, gap=1.0)
    assert [start for start, _ in users] == near(*(30.0 * n for n in range(10)))
    assert [start for start, _ in answers] == near(*(30.0 * n + 1.78 for n in range(10)))


def test_sound_that_was_held_up_lies_where_it_was_said() -> None:
    """The network stops for 0.2 s, and then brings all at once."""
    late = [(max(when, 1.0) if 0.8 < when < 1.0 else when, sent) for when, sent in microphone(QUESTION)]
    _, recording = recorded(late)
    assert spans(laid_out(recording.user, 12.0, RATE_HZ), RATE_HZ) == [near(0.0, 1.28)]


def test_a_file_sent_at_once_is_there_whole() -> None:
    _, recording = recorded([(0.5, sent) for _, sent in microphone(user(2.0))])
    assert sum(len(piece.samples) for piece in recording.user) == 2 * RATE_HZ
    laid_out(recording.user, 12.0, RATE_HZ)


# ---------------------------------------------------------------- events


def test_events_lie_where_they_happened() -> None:
    typed: list[Action] = [(9.0, i.TextInput("And then?"))]
    talk, recording = recorded(microphone(QUESTION), typed)
    assert [(when, m.phase) for when, m in recording.all(o.TurnEvent)] == [
        (at(when), phase) for when, _, phase in talk.phases()
    ]
    finals = [(when, m, spoken) for when, m, spoken in recording.events if isinstance(m, o.Transcript)]
    _, final, spoken = next(each for each in finals if each[1].is_final)
    assert final.text == "tell me a story"
    assert spoken is not None
    assert (spoken.start, spoken.end) == near(final.start / RATE_HZ, final.end / RATE_HZ)
    assert "".join(m.delta for _, m in recording.all(o.ResponseText) if m.turn == 1) == talk.words(1)
    assert [(when, m.text) for when, m in recording.all(i.TextInput)] == [(at(9.0), "And then?")]
    assert recording.all(o.SessionStarted)[0][0] == 0.0
    assert not recording.all(o.AudioOutput)
    assert not recording.all(i.AudioInput)


# ---------------------------------------------------------------- consent, and the end


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("records", [False, True])
def test_both_must_want_it(allows: bool, records: bool) -> None:
    recorder = HeldRecorder()
    config = replace(CONFIG, is_recorded=allows)
    talk = converse(microphone(QUESTION), scripted(), config, recorder=recorder if records else None)
    assert talk.only(o.SessionStarted)[1].config.is_recorded is (allows and records)
    assert len(recorder.recordings) == (allows and records)


def test_a_recording_that_fails_is_said_once_and_the_conversation_goes_on() -> None:
    def fail(recording: HeldRecording) -> None:
        recording.on_trouble("the recording ends here: No space left on device")

    recorder = HeldRecorder(fail)
    change: list[Action] = [(5.0, i.ConfigUpdate(replace(ALLOWED, max_tokens=9), 7))]
    talk = converse(script(microphone(QUESTION), change), scripted(), ALLOWED, recorder=recorder)
    assert talk.notices() == [("session", "RECORDING_STOPPED")]
    assert "No space left" in talk.only(o.Notice)[1].message
    assert talk.phases(o.TurnPhase.COMPLETED)
    applied = talk.only(o.ConfigApplied)[1].config
    assert (applied.max_tokens, applied.is_recorded) == (9, False)
    assert not talk.left_over


def test_a_session_that_is_ended_from_outside_closes_its_recording_at_the_last_sample() -> None:
    recorder = HeldRecorder()
    error = VoiceError("away")
    converse(microphone(QUESTION), scripted(), ALLOWED, recorder=recorder, end_with=(2.5, error, 0.0))
    recording = recorder.only
    assert recording.closed_at is not None
    line = laid_out(recording.assistant, 12.0, OUT_HZ)
    assert spans(line, OUT_HZ, gap=0.3)[-1][1] <= recording.closed_at + WITHIN


WITHDRAWS = i.ConfigUpdate(replace(ALLOWED, is_recorded=False), 7)


@pytest.mark.parametrize("when", [0.5, 2.5])
def test_from_where_consent_is_withdrawn_nothing_is_told(when: float) -> None:
    """While the user speaks, and in mid-answer; the conversation goes on."""
    later: list[Action] = [(9.0, i.ConfigUpdate(replace(ALLOWED, max_tokens=9), 8))]
    talk, recording = recorded(microphone(INTERRUPTION), [(when, WITHDRAWS)], later)
    check_rules(talk)
    assert (recording.closed_at, recording.closed_for) == (at(when), WITHDRAWN)
    assert max(told for told, _, _ in recording.events) <= when
    for pieces, rate_hz in ((recording.user, RATE_HZ), (recording.assistant, OUT_HZ)):
        assert all(each.at + len(each.samples) / rate_hz <= when + WITHIN for each in pieces)
    assert spans(laid_out(recording.user, 12.0, RATE_HZ), RATE_HZ) == [near(0.0, min(when, 1.28))]
    ((told, notice),) = talk.all(o.Notice)
    assert (told, notice.reason, notice.seq) == (at(when), "RECORDING_STOPPED", 7)
    assert [m.config.is_recorded for _, m in talk.all(o.ConfigApplied)] == [False, False]
    assert talk.phases(o.TurnPhase.COMPLETED)


def test_consent_is_withdrawn_at_once_also_while_the_conversation_is_paused() -> None:
    """Though the settings are in force only then, and others that came before wait as well."""
    before: list[Action] = [(2.5, i.Pause()), (3.0, i.ConfigUpdate(replace(ALLOWED, max_tokens=9), 6))]
    after: list[Action] = [(3.5, WITHDRAWS), (7.5, i.Resume())]
    talk, recording = recorded(microphone(QUESTION), before, after)
    assert recording.closed_at == at(3.5)
    assert talk.only(o.Notice)[0] == at(3.5)
    assert [(when, m.config.is_recorded) for when, m in talk.all(o.ConfigApplied)] == [(at(7.5), False)] * 2
