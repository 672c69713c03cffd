"""`voice-grpc talk` by microphone and loudspeaker, through a real sound system."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.audio import INPUT_HZ, OUTPUT_HZ, Samples, audible_span
from voice_grpc.pb import voice_pb2 as pb

from .fake_conversation import TONE_HZ, Character, tone
from .fake_server import FakeServer, serving
from .loudness import loud_seconds
from .program import Program, run, start
from .sound_system import Room, sound_system

State = pb.PlaybackReport


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with sound_system(tmp_path) as opened:
        yield opened


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "question.wav"
    soundfile.write(path, tone(0.8, INPUT_HZ, 300), INPUT_HZ)
    return path


async def talking(server: FakeServer, room: Room, *arguments: object) -> Program:
    talk = await start("talk", "--target", server.target, *arguments, environment=room.environment)
    await talk.until("press Enter" if "--push-to-talk" in arguments else "speak, or type")
    return talk


async def quit(talk: Program) -> str:
    await talk.type("/quit")
    ended = await talk.ended()
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def likeness(heard: Samples) -> float:
    """Of what was heard to the answer's tone: 1 for the same, whatever its loudness and delay.

    Correlated 50 ms at a time, so that a gap that a busy machine tears costs its own place only.
    """
    hop = OUTPUT_HZ // 20
    pieces = heard[: len(heard) // hop * hop].reshape(-1, hop).astype(float)
    turning = np.exp(-2j * np.pi * TONE_HZ * np.arange(hop) / OUTPUT_HZ)
    return float(np.sum(np.abs(pieces @ turning)) / np.sum(np.linalg.norm(pieces, axis=1)) / np.sqrt(hop / 2))


def tone_seconds(heard: Samples) -> float:
    """How much of it is louder than half the tone."""
    return float(np.count_nonzero(np.abs(heard) > 4000) / (2 / 3) / OUTPUT_HZ)


async def test_a_question_into_the_microphone_is_answered_by_the_loudspeaker(
    room: Room, question: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both.wav"
    async with serving(Character(seconds=1.5)) as server:
        talk = await talking(server, room, "--save", both)
        async with room.listening():
            await room.say(question)
            await server.reported(State.STATE_FINISHED)
            await asyncio.sleep(0.3)  # what was reported as played is still in the device
        out = await quit(talk)
    assert "answer ▸ It is a tone. It goes on for a while." in out
    (turn,) = [words for words in out.splitlines() if words.startswith("   you ▸")]
    assert float(turn.split()[2]) == pytest.approx(0.8, abs=0.3)
    first, last = audible_span(room.heard, OUTPUT_HZ)
    assert tone_seconds(room.heard) == pytest.approx(1.5, abs=0.3)
    assert likeness(room.heard[first:last]) > 0.9
    assert server.reports[-1].played_samples == 1.5 * OUTPUT_HZ
    saved, _ = soundfile.read(both, dtype="int16")
    user, answer = audible_span(saved[:, 0], OUTPUT_HZ), audible_span(saved[:, 1], OUTPUT_HZ)
    assert 0.2 < (answer[0] - user[1]) / OUTPUT_HZ < 5


async def test_speaking_over_the_answer_silences_the_loudspeaker(room: Room, question: Path) -> None:
    async with serving(Character(seconds=20.0)) as server:
        talk = await talking(server, room)
        async with room.listening():
            await room.say(question)
            await server.reported(State.STATE_PROGRESS)
            await room.say(question)
            await server.reported(State.STATE_CLEARED)
            talk.interrupt()
            ended = await talk.ended()
    assert ended.code == 130
    (cleared,) = [report for report in server.reports if report.state == State.STATE_CLEARED]
    assert cleared.turn == 1
    assert loud_seconds(room.heard, OUTPUT_HZ) == pytest.approx(cleared.played_samples / OUTPUT_HZ, abs=0.3)


async def test_typed_lines_and_commands(room: Room) -> None:
    async with serving(Character(seconds=20.0)) as server:
        talk = await talking(server, room)
        await talk.type("hello")
        await server.reported(State.STATE_PROGRESS)
        await talk.type("/pause")
        await talk.until("held")
        await talk.type("/nonsense")
        await talk.until("is not known")
        await talk.type("/resume")
        await talk.until("going on")
        await talk.type("/stop")
        await server.reported(State.STATE_CLEARED)
        out = await quit(talk)
    sent = [request.WhichOneof("payload") for request in server.requests]
    named = [arm for arm in sent if arm not in ("audio", "playback")]
    assert named == ["text", "pause", "resume", "interrupt", "end_session"]
    assert "✂ stopped on request" in out


async def test_push_to_talk_sends_sound_only_while_it_is_pressed(room: Room) -> None:
    async with serving(Character(seconds=0.3)) as server:
        talk = await talking(server, room, "--push-to-talk")
        await talk.type("")
        await talk.until("listening")
        async with asyncio.timeout(60):
            await server.conversations[-1].has_sound.wait()
        await talk.type("")
        await server.reported(State.STATE_FINISHED)
        await quit(talk)
    sent = [request for request in server.requests if not request.HasField("playback")]
    arms = [request.WhichOneof("payload") for request in sent]
    assert server.configs[-1].turn_detection.mode == pb.TurnDetection.MODE_MANUAL
    assert (arms[0], arms[-1]) == ("activity", "end_session")
    assert set(arms[1:-2]) == {"audio"}


async def test_a_prepared_question_is_played_too(room: Room, question: Path) -> None:
    async with serving(Character(seconds=0.5)) as server:
        arguments = ("--target", server.target, "--wav", question, "--play")
        async with room.listening():
            ended = await run("talk", *arguments, environment=room.environment)
            await asyncio.sleep(0.2)
    assert ended.code == 0
    assert likeness(room.heard[slice(*audible_span(room.heard, OUTPUT_HZ))]) > 0.9


async def test_devices_are_listed_and_chosen_by_name(room: Room) -> None:
    listed = await run("talk", "--list-devices", environment=room.environment)
    assert (listed.code, listed.err) == (0, "")
    assert "microphone" in listed.out
    assert "loudspeaker 1: " in listed.out
    async with serving() as server:
        arguments = ("--target", server.target, "--input-device", "trumpet")
        ended = await run("talk", *arguments, environment=room.environment)
        assert ended.code == 2
        assert "there is no microphone 'trumpet'; there are: microphone 1: " in ended.complaint
        talk = await talking(server, room, "--input-device", "Air", "--output-device", "1")
        await quit(talk)


async def test_without_devices_it_is_one_line_and_code_2(tmp_path: Path) -> None:
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "PULSE_SERVER": "unix:/nowhere"}
    async with serving() as server:
        ended = await run("talk", "--target", server.target, environment=nowhere)
    assert ended.code == 2
    if "--wav and --text need none" not in ended.complaint:  # a machine with a sound card of its own
        pytest.skip("this machine has a microphone")
    assert "no microphone" in ended.complaint
