"""A call whose line is lost: what was said, heard and told on both sides is as if it had not been.

The server keeps the contract's rules of resuming; the line between is cut by the test.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest
from google.rpc import code_pb2

from tests.clients.cut_line import CutLine, cut_line
from tests.clients.resuming_server import ResumingServer, Sessions, refusal, resuming
from tests.clients.resuming_session import ramp
from voice_grpc.client import Call, CallFailed, LineEvent, Reconnecting, Restarted, Resumed
from voice_grpc.pb import voice_pb2 as pb

REPORTS = pb.SessionConfig(capabilities=pb.ClientCapabilities(playback_reports=True))
WITHIN = 60.0
BEHIND = 1_000
PROGRESS = pb.PlaybackReport.STATE_PROGRESS
State = pb.TurnEvent.State


@dataclass
class Listener:
    """Reads a call in a task of its own, and keeps what came of it."""

    events: list[LineEvent] = field(default_factory=list)
    responses: list[pb.ConverseResponse] = field(default_factory=list)
    failure: CallFailed | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, call: Call) -> None:
        """Plays what comes, `BEHIND` samples behind it."""
        try:
            async for response in call:
                self.responses.append(response)
                self._changed.set()
                if response.HasField("audio"):
                    until = response.audio.offset_samples + response.audio.duration_samples
                    played = pb.PlaybackReport(turn=response.turn, state=PROGRESS)
                    played.played_samples = max(0, until - BEHIND)
                    await call.send(played)
        except CallFailed as failure:
            self.failure = failure
        finally:
            self._changed.set()

    async def wait(self, found: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(WITHIN):
            while not found():
                assert self.failure is None, f"ended with {self.failure} before {what}"
                self._changed.clear()
                await self._changed.wait()

    async def until(self, arm: str, count: int = 1) -> None:
        """So many responses with this arm came."""
        await self.wait(lambda: len(self.of(arm)) >= count, f"{count} {arm}")

    async def until_completed(self, turn: int) -> None:
        def states() -> list[int]:
            return [each.turn_event.state for each in self.of("turn_event", turn)]

        await self.wait(lambda: State.STATE_COMPLETED in states(), f"the end of turn {turn}")

    async def ended(self) -> CallFailed:
        async with asyncio.timeout(WITHIN):
            while self.failure is None:
                self._changed.clear()
                await self._changed.wait()
        return self.failure

    def tell(self, event: LineEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def of(self, arm: str, turn: int | None = None) -> list[pb.ConverseResponse]:
        return [e for e in self.responses if e.WhichOneof("payload") == arm and turn in (None, e.turn)]

    def sound(self, turn: int) -> list[int]:
        data = b"".join(each.audio.data for each in self.of("audio", turn))
        return [int(sample) for sample in np.frombuffer(data, "<i2")]

    @property
    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]


@asynccontextmanager
async def listening(target: str, within: float = 60.0) -> AsyncIterator[tuple[Call, Listener]]:
    listener = Listener()
    opened = Call.open(target, REPORTS, reconnect_within=within, on_line=listener.tell)
    async with opened as call, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(listener.read(call), name="read")
        try:
            yield call, listener
        finally:
            reading.cancel()


@asynccontextmanager
async def line(*, resumes: bool = True) -> AsyncIterator[tuple[ResumingServer, CutLine]]:
    async with resuming(resumes=resumes) as server, cut_line(server.target) as cut:
        yield server, cut


@asynccontextmanager
async def replicas(sessions: Sessions) -> AsyncIterator[tuple[ResumingServer, CutLine]]:
    """The one that the line does not lead to yet."""
    async with resuming(sessions) as one, resuming(sessions) as other, cut_line(one.target) as cut:
        yield other, cut


# ---------------------------------------------------------------- the answer


async def test_an_answer_goes_on_with_the_sample_after_the_last_that_came() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 3"))
        await listener.until("audio", 40)
        cut.reset()
        await listener.until_completed(1)
    assert listener.sound(1) == ramp(0, 72_000).tolist()
    assert listener.kinds == [Reconnecting, Resumed]
    offsets = [each.audio.offset_samples for each in listener.of("audio")]
    assert offsets == sorted(set(offsets))
    again = server.configs[1].config
    assert again.resume_turn == 1
    assert again.resume_played_samples > 0


async def test_a_line_that_is_lost_again_and_again_loses_nothing() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 4"))
        for count in (20, 50, 90, 130):
            await listener.until("audio", count)
            cut.reset()
        await listener.until_completed(1)
    assert listener.sound(1) == ramp(0, 96_000).tolist()
    assert "".join(each.response_text.delta for each in listener.of("response_text")) == "You said say 4."
    assert len(server.configs) == 5


async def test_another_server_says_the_rest_as_a_turn_of_its_own() -> None:
    sessions = Sessions()
    async with replicas(sessions) as (other, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 2"))
        await listener.until("audio", 30)
        cut.server = other.target
        cut.reset()
        await listener.until_completed(2)
    interrupted = listener.of("interrupted")[0].interrupted
    assert interrupted.reason == pb.Interrupted.REASON_SERVER_LOST
    heard = listener.sound(1)[: interrupted.played_samples]
    assert heard + listener.sound(2) == ramp(0, 48_000).tolist()


class PlayingOn:
    """The ear of a listener that is further than its reports say."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.positions: list[int] = []
        self.told: list[str] = []

    async def hold(self) -> pb.PlaybackReport:
        self.positions.append(len(self.listener.sound(1)) - BEHIND // 2)
        self.told.append("hold")
        return pb.PlaybackReport(turn=1, state=PROGRESS, played_samples=self.positions[-1])

    async def go_on(self) -> None:
        self.told.append("go on")


async def test_the_next_server_goes_on_from_where_the_ear_is_as_it_is_asked() -> None:
    """Not from the last report; and anew for each attempt."""
    sessions = Sessions()
    async with replicas(sessions) as (other, cut), listening(cut.target) as (call, listener):
        call.ear = ear = PlayingOn(listener)
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 2"))
        await listener.until("audio", 20)
        other.refusals = [refusal(code_pb2.UNAVAILABLE, "DRAINING")]
        cut.server = other.target
        cut.reset()
        await listener.until_completed(2)
    assert ear.told[-4:] == ["hold", "go on"] * 2
    (interrupted,) = listener.of("interrupted")
    assert interrupted.interrupted.played_samples == ear.positions[-1]
    assert listener.sound(1)[: ear.positions[-1]] + listener.sound(2) == ramp(0, 48_000).tolist()


async def test_the_ear_is_asked_too_where_a_server_is_left() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        call.ear = ear = PlayingOn(listener)
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 3"))
        await listener.until("audio", 20)
        server.go_away("max_age", 1)
        await listener.until_completed(1)
    assert listener.sound(1) == ramp(0, 72_000).tolist()
    assert server.configs[1].config.resume_played_samples == ear.positions[0]
    assert ear.told == ["hold", "go on"]


# ---------------------------------------------------------------- what the user says


async def test_words_that_are_spoken_while_the_line_is_away_arrive_once_and_in_order() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        for n in range(100):
            await call.send(pb.AudioInput(data=ramp(320 * n, 320).tobytes(), offset_samples=320 * n))
            if n == 30:
                await call.send(pb.Ping(id=1))
                await listener.until("pong")
                cut.cut()
            if n == 70:
                cut.mend()
        await call.send(pb.AudioInputEnd())
        await listener.until("transcript")
    assert server.sessions.only.spoken == [ramp(0, 32_000).tobytes()]


async def test_who_sends_without_a_pause_while_the_line_is_away_does_not_keep_it_away() -> None:
    async with line() as (_, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        cut.reset()
        await listener.wait(lambda: Reconnecting in listener.kinds, "the loss of the line")
        others = asyncio.Event()
        asyncio.get_running_loop().call_soon(others.set)
        sent = 0
        while not others.is_set() and sent < 1_000:
            await call.send(pb.UserActivity())
            sent += 1
        assert sent < 1_000
        await listener.wait(lambda: Resumed in listener.kinds, "another line")


async def test_a_half_said_turn_reaches_another_server_whole() -> None:
    sessions = Sessions()
    async with replicas(sessions) as (other, cut), listening(cut.target) as (call, listener):
        for n in range(80):
            await call.send(pb.AudioInput(data=ramp(320 * n, 320).tobytes()))
            if n == 60:
                await listener.until("resume_update", 2)
                cut.server = other.target
                cut.reset()
        await call.send(pb.AudioInputEnd())
        await listener.until("transcript")
    assert sessions.only.spoken == [ramp(0, 25_600).tobytes()]


async def test_words_that_are_typed_while_the_line_is_away_are_answered_once() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="one"))
        await listener.until_completed(1)
        cut.cut()
        await call.send(pb.TextInput(text="two"))
        await call.send(pb.TextInput(text="three"))
        cut.mend()
        await listener.until_completed(3)
    texts = [each.text.text for each in server.sessions.only.acted if each.HasField("text")]
    assert texts == ["one", "two", "three"]
    assert [each.turn for each in listener.of("response_text")] == [1, 2, 3]


async def test_requests_keep_their_numbers_and_responses_come_once() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        numbers = [await call.send(pb.TextInput(text=f"{n}")) for n in range(3)]
        await listener.until_completed(3)
        cut.cut()
        numbers += [await call.send(pb.TextInput(text=f"{n}")) for n in range(3, 6)]
        cut.mend()
        await listener.until_completed(6)
    acted = server.sessions.only.acted
    assert [each.seq for each in acted if each.HasField("text")] == numbers
    told = [each.seq for each in listener.responses if not each.HasField("resume_update")]
    assert told == sorted(set(told))
    assert server.configs[1].config.last_received_seq > 0


# ---------------------------------------------------------------- a conversation that is gone


async def test_a_server_that_knows_nothing_begins_anew_with_what_was_not_taken_care_of() -> None:
    async with line() as (server, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="old"))
        await listener.until_completed(1)
        cut.cut()
        await call.send(pb.Interrupt(turn=1))
        await call.send(pb.AudioInput(data=b"\1\0" * 320, offset_samples=64_000))
        await call.send(pb.TextInput(text="new"))
        server.sessions.by_id.clear()
        cut.mend()
        await listener.until("response_text", 2)
        await call.send(pb.AudioInput(data=b"\2\0" * 320, offset_samples=64_320))
        await call.send(pb.AudioInputEnd())
        await listener.until("transcript")
        assert call.turn == 1
    assert listener.kinds == [Reconnecting, Restarted]
    acted = server.sessions.only.acted
    arms = [each.WhichOneof("payload") for each in acted]
    assert arms == ["audio", "text", "audio", "audio_end"]
    assert [each.audio.offset_samples for each in acted if each.HasField("audio")] == [0, 320]
    assert [each.seq for each in acted] == sorted({each.seq for each in acted})


async def test_a_server_that_does_not_resume_is_not_asked_to() -> None:
    async with line(resumes=False) as (server, cut), listening(cut.target) as (_, listener):
        cut.reset()
        failure = await listener.ended()
    assert failure.code is grpc.StatusCode.UNAVAILABLE
    assert (listener.kinds, len(server.configs)) == ([], 1)


async def test_whoever_wants_no_reconnecting_gets_the_loss() -> None:
    async with line() as (server, cut), listening(cut.target, within=0) as (_, listener):
        await listener.until("resume_update")
        cut.reset()
        assert (await listener.ended()).code is grpc.StatusCode.UNAVAILABLE
    assert (listener.kinds, len(server.configs)) == ([], 1)


async def test_a_server_that_stays_away_is_given_up_in_time_and_the_loss_is_told() -> None:
    async with line() as (_, cut), listening(cut.target, within=0.3) as (call, listener):
        await listener.until("resume_update")
        cut.cut()
        failure = await listener.ended()
        with pytest.raises(CallFailed) as again:
            await anext(call)
    assert isinstance(listener.events[0], Reconnecting)
    assert listener.events == [Reconnecting(failure)]
    assert again.value is failure


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (code_pb2.INVALID_ARGUMENT, "BAD_FIELD"),
        (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED"),
        (code_pb2.PERMISSION_DENIED, "FORBIDDEN"),
        (code_pb2.ABORTED, "SUPERSEDED"),
        (code_pb2.INTERNAL, "BUG"),
    ],
)
async def test_a_refusal_that_will_not_pass_ends_it_at_once(code: int, reason: str) -> None:
    async with line() as (server, cut), listening(cut.target) as (_, listener):
        await listener.until("resume_update")
        server.refusals = [refusal(code, reason)]
        cut.reset()
        assert (await listener.ended()).details.reason == reason
    assert len(server.configs) == 2


async def test_a_server_that_is_full_or_not_ready_is_asked_again_when_it_says() -> None:
    async with line() as (server, cut), listening(cut.target) as (_, listener):
        await listener.until("resume_update")
        server.refusals = [
            refusal(code_pb2.RESOURCE_EXHAUSTED, "SERVER_FULL", 0.01),
            refusal(code_pb2.UNAVAILABLE, "NOT_READY", 0.01),
        ]
        cut.reset()
        await listener.until("resume_update", 2)
    assert listener.kinds == [Reconnecting, Resumed]
    assert len(server.configs) == 4


async def test_a_conversation_that_was_opened_elsewhere_is_left() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        token = listener.of("resume_update")[0].resume_update.resume_token
        async with Call.open(server.target, pb.SessionConfig(resume_token=token)) as other:
            assert other.started.resumed
            assert (await listener.ended()).details.reason == "SUPERSEDED"
        assert call.started.session_id == other.started.session_id
    assert listener.kinds == []


async def test_a_first_stream_that_is_refused_is_not_tried_again() -> None:
    async with resuming() as server:
        server.refusals = [refusal(code_pb2.RESOURCE_EXHAUSTED, "SERVER_FULL", 0.01)]
        with pytest.raises(CallFailed, match="server_full"):
            async with Call.open(server.target, pb.SessionConfig()):
                pass
    assert len(server.configs) == 1


async def test_leaving_while_it_reconnects_takes_no_time() -> None:
    async with line() as (_, cut):
        async with asyncio.timeout(5), listening(cut.target) as (_, listener):
            await listener.until("resume_update")
            cut.cut()
            await listener.wait(lambda: bool(listener.events), "the loss")
        assert listener.kinds == [Reconnecting]


async def test_who_stops_waiting_while_it_reconnects_may_wait_again() -> None:
    """As with a limit of time around each response."""
    listener = Listener()
    async with line() as (_, cut), Call.open(cut.target, REPORTS, on_line=listener.tell) as call:
        async for response in call:
            if response.HasField("resume_update"):
                break
        cut.cut()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(listener.read(call), name="asks once")
            await listener.wait(lambda: bool(listener.events), "the loss")
            asking.cancel()
        cut.mend()
        await call.send(pb.TextInput(text="say 1"))
        async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(listener.read(call), name="asks again")
            await listener.until_completed(1)
            reading.cancel()
    assert listener.kinds == [Reconnecting, Resumed]
    assert listener.sound(1) == ramp(0, 24_000).tolist()


async def test_a_conversation_that_is_ended_while_the_line_is_away_ends_when_it_is_back() -> None:
    async with line() as (_, cut), listening(cut.target) as (call, listener):
        await listener.until("resume_update")
        cut.cut()
        await call.send(pb.EndSession())
        cut.mend()
        await listener.until("session_ended")
    assert listener.failure is None


# ---------------------------------------------------------------- a server that will end


@pytest.mark.parametrize("reason", ["drain", "max_age"])
async def test_a_quiet_conversation_moves_before_its_stream_ends(reason: str) -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        server.go_away(reason, 30)
        await listener.until("resume_update", 2)
        await call.send(pb.TextInput(text="hello"))
        await listener.until_completed(1)
    assert (len(server.configs), server.most_open) == (2, 2), "the new stream came before the old one went"
    assert listener.kinds == [], "nobody need know"
    assert listener.failure is None


async def test_a_conversation_moves_after_the_answer_not_in_it() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 2"))
        await listener.until("audio", 5)
        server.go_away("drain", 30)
        await listener.until("audio", 60)
        assert len(server.configs) == 1
        await listener.until_completed(1)
        await listener.until("resume_update", 3)
        assert len(server.configs) == 2
    assert listener.sound(1) == ramp(0, 48_000).tolist()


async def test_an_answer_that_outlasts_the_server_moves_in_its_middle_and_is_whole() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        await call.send(pb.TextInput(text="say 3"))
        await listener.until("audio", 20)
        server.go_away("max_age", 1)
        await listener.until_completed(1)
    assert listener.sound(1) == ramp(0, 72_000).tolist()
    assert (len(server.configs), listener.kinds) == (2, [])


async def test_a_server_that_takes_nobody_any_more_is_used_to_its_end() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        server.refusals = [refusal(code_pb2.UNAVAILABLE, "DRAINING")]
        server.go_away("drain", 30)
        await listener.until("go_away")
        await call.send(pb.TextInput(text="hello"))
        await listener.until_completed(1)
    assert (listener.kinds, listener.failure) == ([], None)


async def test_an_idle_conversation_does_not_move() -> None:
    async with resuming() as server, listening(server.target) as (call, listener):
        await listener.until("resume_update")
        server.go_away("idle", 5)
        await call.send(pb.Ping(id=1))
        await listener.until("pong")
    assert len(server.configs) == 1
