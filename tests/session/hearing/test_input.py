"""Sound as it comes in: every format, and everything that can be wrong with it."""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Frame
from voice_grpc.core.config import AudioFormat, Encoding
from voice_grpc.session.hearing.audio_queue import AudioQueue

from ..faults import BusyVad
from ..harness import CONFIG, Client, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at, check_rules

QUESTION = sound(pause(0.48), user(1.28), pause(3.04))
FORMATS = [
    AudioFormat(encoding, rate, channels)
    for encoding in Encoding
    if not encoding.is_opus
    for rate, channels in ((8_000, 1), (16_000, 2), (24_000, 1), (48_000, 2))
]


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: f"{f.encoding.value}-{f.rate_hz}-{f.channels}")
def test_every_format_is_heard(format: AudioFormat) -> None:
    talk = converse(microphone(QUESTION, format=format), config=replace(CONFIG, input=format))
    check_rules(talk)
    assert not talk.notices()
    assert talk.finals() == [(1, "hello there")]
    (_, started), (_, stopped) = talk.all(o.SpeechEvent)
    # Positions are at 16 kHz whatever the input; the resampler's filter blurs an edge by some ms.
    assert started.position == pytest.approx(0.48 * 16_000, abs=512)
    assert stopped.position == pytest.approx(1.76 * 16_000, abs=512)
    # The hold, and what the resampler holds back.
    assert talk.when(o.TurnPhase.THINKING, 1) == pytest.approx(1.76 + 0.5, abs=0.05)


def test_half_a_sample_is_skipped_and_said() -> None:
    odd: Action = (1.0, i.AudioInput(b"\x00" * 641, seq=77))
    talk = converse(script(microphone(QUESTION), [odd]))
    check_rules(talk)
    notice = talk.only(o.Notice)[1]
    assert (notice.reason, notice.field, notice.seq) == ("BAD_MESSAGE", "audio.data", 77)
    assert "641" in notice.message
    assert talk.finals() == [(1, "hello there")]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_skipped_and_said(value: float) -> None:
    format = AudioFormat(Encoding.PCM_F32LE)
    bad: Action = (1.0, i.AudioInput(np.full(320, value, "<f4").tobytes(), seq=5))
    talk = converse(script(microphone(QUESTION, format=format), [bad]), config=replace(CONFIG, input=format))
    check_rules(talk)
    assert talk.notices() == [("protocol", "BAD_MESSAGE")]
    assert talk.finals() == [(1, "hello there")]


def test_nothing_at_all_is_no_sound() -> None:
    talk = converse(script(microphone(QUESTION), [(1.0, i.AudioInput(b""))]))
    check_rules(talk)
    assert not talk.notices()
    assert talk.finals() == [(1, "hello there")]


def with_offsets(actions: list[Action], lost: range, start: int = 0) -> list[Action]:
    """Each chunk says where it is; those of `lost` never arrive."""
    kept: list[Action] = []
    for n, (when, audio) in enumerate(actions):
        assert isinstance(audio, i.AudioInput)
        if n not in lost:
            kept.append((when, replace(audio, offset=start + n * 320)))
    return kept


def test_a_gap_is_filled_with_silence() -> None:
    # 0.1 s of the first pause are lost: positions stay right.
    talk = converse(with_offsets(microphone(QUESTION), range(10, 15)))
    check_rules(talk)
    assert not talk.notices()
    assert [m.position for _, m in talk.all(o.SpeechEvent)] == [7_680, 28_160]


def test_a_gap_in_speech_is_filled_with_a_second_at_most() -> None:
    # From 1.0 to 4.0 nothing comes; then 0.3 s of silence. After a second without sound the speech is over.
    frames = microphone(sound(user(1.28), pause(3.0)))
    talk = converse(with_offsets(frames, range(50, 200)))
    check_rules(talk)
    (_, started), (when, stopped) = talk.all(o.SpeechEvent)
    assert started.position == 0
    assert when == at(1.0 + 1.0)
    assert stopped.position <= 4.0 * 16_000
    assert talk.finals() == [(1, "hello there")]


@pytest.mark.parametrize("offset", [2**53 + 1, 2**63, 2**64 - 1])
def test_an_offset_beyond_everything_is_refused(offset: int) -> None:
    frames = microphone(QUESTION)
    wild = [(1.0, i.AudioInput(b"\x00" * 640, offset=offset, seq=9))]
    talk = converse(script(frames, wild))
    check_rules(talk)
    notice = talk.only(o.Notice)[1]
    assert (notice.field, notice.seq) == ("audio.offset_samples", 9)
    assert talk.finals() == [(1, "hello there")]
    assert max(m.position for _, m in talk.all(o.SpeechEvent)) < 10 * 16_000


def test_a_step_back_follows_the_last_chunk_and_is_said() -> None:
    frames = microphone(QUESTION)
    back = (1.001, i.AudioInput(b"\x00" * 640, offset=0, seq=9))
    talk = converse(script(frames[:50], [back], frames[50:]))
    check_rules(talk)
    notice = talk.only(o.Notice)[1]
    assert (notice.reason, notice.field, notice.seq) == ("BAD_MESSAGE", "audio.offset_samples", 9)
    # It counts: all that follows is 20 ms later.
    assert talk.all(o.SpeechEvent)[1][1].position == pytest.approx(28_160 + 320, abs=512)


def test_a_flood_drops_the_oldest_and_says_so_once() -> None:
    # 40 s of sound in no time, and a question at 8.0 in real time.
    engines = scripted(["one", "two"])
    flood: list[Action] = [(0.0, action) for _, action in microphone(sound(user(27.0), pause(13.0)))]
    question = microphone(sound(user(1.28), pause(2.0)), start=8.0)
    talk = converse([*flood, *question], engines, engines=replace(engines.engines, vad=BusyVad()))
    check_rules(talk)
    assert talk.notices() == [("session", "INPUT_DROPPED")]
    # The last 13 s are heard, and they are silence.
    assert talk.finals() == [(1, "one")]
    started = talk.all(o.SpeechEvent)[0][1]
    assert started.position == pytest.approx(40 * 16_000, abs=512)
    assert talk.error is None
    assert talk.when(o.TurnPhase.COMPLETED, 1) > 9.0


def test_what_waits_for_the_detector_is_bounded() -> None:
    queue = AudioQueue()
    dropped = [queue.put(Frame(user(1.0), n * 16_000)) for n in range(100)]
    assert dropped == [0] * 13 + [16_000] * 87


def test_the_microphone_is_closed_in_mid_speech() -> None:
    talk = converse([*microphone(user(1.28)), (1.3, i.AudioInputEnd())], ends_at=10.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 1) == at(1.3)
    assert talk.finals() == [(1, "hello there")]


def test_the_microphone_is_opened_again() -> None:
    again = microphone(sound(user(1.28), pause(2.0)), start=4.0)
    talk = converse([*microphone(user(1.28)), (1.3, i.AudioInputEnd()), *again], scripted(["one", "two"]))
    check_rules(talk)
    assert talk.finals() == [(1, "one"), (2, "two")]


def test_a_closed_microphone_that_was_silent_is_no_turn() -> None:
    talk = converse(
        [*microphone(pause(1.28)), (1.3, i.AudioInputEnd()), (1.4, i.AudioInputEnd())], ends_at=5.0
    )
    assert not talk.finals()
    assert [phase for _, _, phase in talk.phases()] == [o.TurnPhase.LISTENING]


def test_a_ping_is_answered_ahead_of_sound_that_waits() -> None:
    talk = converse(
        [(0.0, i.TextInput("hi")), (0.5, i.Ping(7, 123))], client=Client((), send_seconds=0.05), ends_at=20.0
    )
    when, pong = talk.only(o.Pong)
    assert pong == o.Pong(7, 123)
    assert when <= 0.5 + 2 * 0.05
    assert talk.audio(1)[-1][0] > when


def test_a_ping_is_answered_in_a_pause() -> None:
    talk = converse([(0.5, i.Pause()), (1.0, i.Ping(7)), (2.0, i.Resume())], ends_at=5.0)
    assert talk.only(o.Pong)[0] == at(1.0)


def test_a_refused_message_is_said_with_its_number() -> None:
    refused = i.RefusedRequest("NOT_AVAILABLE", "no Opus on this server yet", "config.input_audio", 3)
    notice = converse([(0.5, refused)], ends_at=1.0).only(o.Notice)[1]
    assert (notice.stage, notice.reason, notice.field, notice.seq) == (
        "protocol",
        "NOT_AVAILABLE",
        "config.input_audio",
        3,
    )


def test_sound_that_stops_in_mid_speech_is_a_whole_turn() -> None:
    # The last frame comes at 1.6; 1 s without sound ends the speech, 0.5 s of hold the turn.
    talk = converse(microphone(sound(pause(0.48), user(1.12))))
    check_rules(talk)
    assert talk.finals() == [(1, "hello there")]
    assert talk.when(o.TurnPhase.THINKING, 1) == pytest.approx(1.6 + 1.0 + 0.5, abs=0.001)
    assert [phase for _, _, phase in talk.phases(o.TurnPhase.COMPLETED)] == [o.TurnPhase.COMPLETED]


def test_a_pause_in_mid_speech_is_not_the_end_of_it() -> None:
    first, second = sound(pause(0.48), user(0.64)), sound(user(0.64), pause(1.0))
    held: list[Action] = [(1.13, i.Pause()), (9.0, i.Resume())]
    talk = converse(script(microphone(first), held, microphone(second, start=9.12)))
    assert talk.finals() == [(1, "hello there")]
    assert talk.when(o.TurnPhase.THINKING, 1) > 9.12 + 0.64
