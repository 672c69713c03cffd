"""What a person types during a conversation by microphone, where the page and the server are not asked."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from clients.conversation import Conversation
from clients.devices import Microphone
from clients.interactive import Talker
from clients.options import session_config
from clients.screen import Screen
from tests.recording.made import recorder_in
from tests.serving import WITHIN, serving
from voice_grpc.client import Call
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.session.recording_tap import WITHDRAWN

from .reciting import STARTED, reciting

State = pb.TurnEvent.State
FRAME = np.full(2_400, 1_000, "<i2").tobytes()
"""0.1 s at 24 kHz."""


def sound(turn: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, audio=pb.AudioOutput(data=FRAME))


def moved(turn: int, state: State) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, turn_event=pb.TurnEvent(state=state))


async def typed(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


async def stopped(*lines: pb.ConverseResponse, after: pb.ConverseResponse) -> Conversation:
    """A conversation in which `/stop` was typed once `lines` had come, and `after` came later."""
    async with reciting(STARTED, *lines, after) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        conversation = Conversation(call, Screen(io.StringIO()))
        for _ in lines:
            conversation.accept(await anext(call))
        talker = Talker(conversation, Microphone(), push_to_talk=False)
        await talker.type(typed("/stop"))
        async with asyncio.timeout(60):
            conversation.accept(await anext(call))
    return conversation


async def test_stop_silences_what_plays_and_what_waits() -> None:
    conversation = await stopped(sound(1), sound(2), after=moved(2, State.STATE_INTERRUPTED))
    assert set(conversation.stopped) == {1, 2}
    assert conversation.playout.position == (0, 0)


async def test_stop_while_the_user_speaks_spares_the_answer_to_what_is_being_said() -> None:
    conversation = await stopped(sound(1), moved(2, State.STATE_USER_SPEAKING), after=sound(2))
    assert set(conversation.stopped) == {1}
    assert conversation.playout.position == (2, 0)


async def test_stop_before_any_answer_stops_nothing() -> None:
    conversation = await stopped(moved(1, State.STATE_USER_SPEAKING), after=sound(1))
    assert not conversation.stopped
    assert conversation.playout.position == (1, 0)
    assert not conversation.playout.due(0.0)


async def test_a_recording_is_ended_by_hand(tmp_path: Path) -> None:
    async with recorder_in(tmp_path) as recorder, serving(recorder=recorder) as served:
        config = session_config(is_prepared=True)
        config.recording = True
        async with Call.open(served.target, config) as call:
            assert call.started.recording
            out = io.StringIO()
            conversation = Conversation(call, Screen(out))
            await Talker(conversation, Microphone(), push_to_talk=False).type(typed("/stop-recording"))
            async with asyncio.timeout(WITHIN):
                while not (response := await anext(call)).HasField("config_applied"):
                    conversation.accept(response)
            assert not response.config_applied.effective_config.recording
            assert f"! {WITHDRAWN}" in out.getvalue()


async def test_what_is_no_command_is_told_what_there_is() -> None:
    async with reciting(STARTED) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        out = io.StringIO()
        talker = Talker(Conversation(call, Screen(out)), Microphone(), push_to_talk=False)
        await talker.type(typed("/record"))
    assert "/record is not known; there are /stop /pause /resume /stop-recording /quit" in out.getvalue()
