"""Recordings over the wire: who is told that there is one, and how it goes with its conversation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.recording.reading import events, files, played, spans
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.recording.directory import RecordingDirectory
from voice_grpc.recording.names import RecordingName
from voice_grpc.recording.recorder import FileRecorder
from voice_grpc.session.recording_tap import WITHDRAWN
from voice_grpc.store import MemoryStore

from ..serving import LONG, OK, WITHIN, ConverseCall, Served, answered, assert_told, scripted, serving
from .test_unary import bearer, refusal

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")


SECRET = "the same on both of the servers"


@asynccontextmanager
async def recording(root: Path, answer: str = "Sure thing.", **given: object) -> AsyncIterator[Served]:
    async with (
        FileRecorder(RecordingDirectory(root)).running() as recorder,
        serving(scripted(answer), recorder=recorder, **given) as served,  # type: ignore[arg-type]
    ):
        yield served


@asynccontextmanager
async def two_recording(first: Path, second: Path) -> AsyncIterator[tuple[Served, Served]]:
    """Servers that share a store."""
    shared: dict[str, object] = {"store": MemoryStore(), "secret": SECRET}
    async with recording(first, LONG, **shared) as a, recording(second, LONG, **shared) as b:
        yield a, b


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("records", [False, True])
async def test_both_must_want_it_and_both_are_told(allows: bool, records: bool, tmp_path: Path) -> None:
    async with recording(tmp_path) if records else serving() as served, served.talk() as talk:
        started = await talk.config(session_id="talk", recording=allows)
        assert started.recording is (allows and records)
        assert started.effective_config.recording is (allows and records)
        await answered(talk)
        update = pb.ConfigUpdate(config=pb.SessionConfig(generation=pb.GenerationConfig(max_output_tokens=9)))
        await talk.send(pb.ConverseRequest(config_update=update))
        applied = (await talk.next("config_applied")).config_applied
        assert applied.effective_config.recording is (allows and records)
        await talk.half_close()
        assert await talk.ended() == OK
    assert len(files(tmp_path)) == (2 if allows and records else 0)


async def test_what_was_said_is_in_the_files(tmp_path: Path) -> None:
    async with recording(tmp_path) as served, served.talk() as talk:
        await talk.config(session_id="talk", recording=True)
        await talk.speak(0.4)
        await talk.over((await talk.state(pb.TurnEvent.STATE_THINKING)).turn)
        await talk.half_close()
        assert await talk.ended() == OK
    lines, sound = files(tmp_path)
    both = played(sound)
    ((begin, end),) = spans(both[:, 0])
    assert end - begin == pytest.approx(0.4, abs=0.02)
    assert sum(end - begin for begin, end in spans(both[:, 1])) > 0.4
    told = events(lines)
    finals = [each for each in told if each["event"] == "transcript" and each["is_final"]]
    assert [each["text"] for each in finals] == ["hello there"]
    assert "".join(each["delta"] for each in told if each["event"] == "response_text") == "Sure thing."
    assert told[-1]["is_complete"]


@pytest.mark.parametrize("records", [False, True])
async def test_consent_cannot_be_given_later(records: bool, tmp_path: Path) -> None:
    async with recording(tmp_path) if records else serving() as served, served.talk() as talk:
        await talk.config(session_id="talk", recording=not records)
        update = pb.ConfigUpdate(config=pb.SessionConfig(recording=True))
        await talk.send(pb.ConverseRequest(config_update=update))
        notice = await talk.notice("BAD_MESSAGE")
        assert notice.message.startswith("config_update.config.recording: got True, accepted: false")
        assert (await applied(talk, max_output_tokens=9)).recording is False
    assert files(tmp_path) == []


async def applied(talk: ConverseCall, **generation: int) -> pb.SessionConfig:
    """The settings in force after another change."""
    update = pb.ConfigUpdate(config=pb.SessionConfig(generation=pb.GenerationConfig(**generation)))
    await talk.send(pb.ConverseRequest(config_update=update))
    return (await talk.next("config_applied")).config_applied.effective_config


async def withdraw(talk: ConverseCall) -> None:
    """Sent, and answered."""
    update = pb.ConfigUpdate(update_mask=FieldMask(paths=["recording"]))
    await talk.send(pb.ConverseRequest(config_update=update, seq=700))
    notice = await talk.notice("RECORDING_STOPPED")
    assert (notice.request_seq, notice.message) == (700, WITHDRAWN)
    assert not (await talk.next("config_applied")).config_applied.effective_config.recording


async def written(lines: Path) -> list[dict[str, Any]]:
    """The events of a recording once its last line is there."""
    async with asyncio.timeout(WITHIN):
        while (found := events(lines))[-1]["event"] != "recording_ended":  # noqa: ASYNC110 - a thread writes it
            await asyncio.sleep(0.01)
    return found


async def test_consent_that_is_withdrawn_ends_the_recording_there(tmp_path: Path) -> None:
    async with recording(tmp_path, LONG) as served, served.talk() as talk:
        assert (await talk.config(session_id="talk", recording=True)).recording
        await talk.text("Hi.")
        await talk.next("audio")
        await withdraw(talk)
        lines, sound = files(tmp_path)
        told = await written(lines)
        assert (told[-1]["reason"], told[-1]["is_complete"]) == (WITHDRAWN, True)
        before = lines.read_bytes(), sound.read_bytes()
        await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
        await talk.over(1)
        await talk.text("And this is nobody's business.", text_only=True)
        await talk.over(2)
        assert (await applied(talk, max_output_tokens=9)).recording is False
        await talk.half_close()
        assert await talk.ended() == OK
    assert files(tmp_path) == [lines, sound]
    assert (lines.read_bytes(), sound.read_bytes()) == before
    assert [notice.reason for notice in talk.notices] == ["RECORDING_STOPPED"]


async def test_who_withdrew_its_consent_is_not_recorded_where_it_comes_back(tmp_path: Path) -> None:
    """Here or on another server, though a client may begin each stream with the same config."""
    async with two_recording(tmp_path / "a", tmp_path / "b") as (a, b):
        async with a.talk() as talk:
            await talk.config(session_id="talk", recording=True)
            await talk.text("Hi.")
            await talk.next("audio")
            await withdraw(talk)
            token = [r.resume_update.resume_token for r in talk.said if r.HasField("resume_update")][-1]
        async with a.talk() as talk:
            started = await talk.config(resume_token=token, recording=True)
            assert (started.resumed, started.recording) == (True, False)
        async with b.talk() as talk:
            started = await talk.config(resume_token=token, recording=True)
            assert (started.resumed, started.recording) == (True, False)
        async with b.talk() as talk:  # not one that goes on, but another one that begins
            assert (await talk.config(session_id="talk", recording=True)).recording
    assert len(files(tmp_path / "a")) == 2


async def test_resumed_on_another_server_it_is_one_more_recording_and_erased_with_the_first(
    tmp_path: Path,
) -> None:
    """Of servers that share the store and the directory."""
    async with two_recording(tmp_path, tmp_path) as (a, b):
        token = await lost(a)
        async with b.talk() as talk:
            started = await talk.config(resume_token=token, recording=True)
            assert (started.resumed, started.recording) == (True, True)
            await talk.next("audio")
            first, second = (path for path in files(tmp_path) if path.suffix == ".jsonl")
            assert (await written(first))[-1]["reason"] == "the conversation ended"
            await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
            await talk.half_close()
            assert await talk.ended() == OK
            told = await written(second)
        assert [each["event"] for each in told[:2]] == ["recording_started", "session_started"]
        assert told[1]["is_resumed"]
        assert "interrupted" in [each["event"] for each in told]
        assert len(files(tmp_path)) == 4
        assert {name.session_id for name in map(RecordingName.read, names(tmp_path)) if name} == {"talk"}
        for lines in (first, second):
            sound = lines.with_suffix(".opus")
            ((begin, end), *_) = spans(played(sound)[:, 1])
            assert 0 <= begin < end <= events(lines)[-1]["seconds"] + 0.1
        await a.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
        assert files(tmp_path) == []


async def test_deleted_by_the_other_server_neither_part_is_left(tmp_path: Path) -> None:
    """While it is held, by the server that does not: what that one still writes is in no directory."""
    async with two_recording(tmp_path, tmp_path) as (a, b):
        token = await lost(a)
        async with b.talk() as talk:
            await talk.config(resume_token=token, recording=True)
            await talk.next("audio")
            await a.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
            assert_told(await talk.ended(), grpc.StatusCode.ABORTED, "SUPERSEDED")
        assert files(tmp_path) == []
    assert files(tmp_path) == []


def names(root: Path) -> list[str]:
    return [path.name for path in files(root)]


async def lost(served: Served) -> str:
    """A recorded conversation whose line was lost in mid-answer. Returns what to come back with."""
    async with served.talk() as talk:
        await talk.config(session_id="talk", recording=True)
        await talk.text("Hi.")
        await talk.next("audio")
        (told, *_) = [r.resume_update for r in talk.said if r.HasField("resume_update")]
    while (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).use.open_sessions:
        pass
    return told.resume_token


async def test_a_lost_line_is_in_the_one_recording(tmp_path: Path) -> None:
    async with recording(tmp_path, "Sure thing, and it goes on.") as served:
        token = await lost(served)
        async with served.talk() as talk:
            started = await talk.config(resume_token=token, recording=True)
            assert (started.resumed, started.recording) == (True, True)
            await talk.next("audio")
            await talk.send(pb.ConverseRequest(end_session=pb.EndSession()))
            assert await talk.ended() == OK
    lines, _ = files(tmp_path)
    assert events(lines)[-1]["reason"] == "the conversation ended"


async def test_who_comes_back_may_withdraw_its_consent(tmp_path: Path) -> None:
    async with recording(tmp_path, LONG) as served:
        token = await lost(served)
        async with served.talk() as talk:
            started = await talk.config(resume_token=token)
            assert (started.resumed, started.recording) == (True, False)
            lines, _ = files(tmp_path)
            await written(lines)


async def test_deleting_a_session_that_waits_erases_its_recording(tmp_path: Path) -> None:
    async with recording(tmp_path, LONG) as served:
        token = await lost(served)
        assert len(files(tmp_path)) == 2
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
        assert files(tmp_path) == []
        async with served.talk() as talk:
            started = await talk.config(resume_token=token, recording=True)
            assert (started.resumed, started.last_turn) == (False, 0)


async def test_deleting_a_live_session_erases_its_recording(tmp_path: Path) -> None:
    async with recording(tmp_path, LONG) as served, served.talk() as talk:
        await talk.config(session_id="talk", recording=True)
        await talk.text("Hi.")
        await talk.next("audio")
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
        assert files(tmp_path) == []
        assert_told(await talk.ended(), grpc.StatusCode.ABORTED, "SUPERSEDED")
    assert files(tmp_path) == []


async def test_deleting_erases_what_was_recorded_before_and_only_that(tmp_path: Path) -> None:
    async with recording(tmp_path) as served:
        for session_id in ("talk", "talk", "other"):
            async with served.talk() as talk:
                await talk.config(session_id=session_id, recording=True)
                await answered(talk)
                await talk.half_close()
                assert await talk.ended() == OK
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
        assert {path.name.split(".")[0] for path in files(tmp_path)} == {"other"}


async def test_a_recording_is_erased_also_where_nothing_else_is_left(tmp_path: Path) -> None:
    async with recording(tmp_path) as served:
        async with served.talk() as talk:
            await talk.config(session_id="talk", recording=True)
            await answered(talk)
            await talk.half_close()
            assert await talk.ended() == OK
        await served.store.delete("talk")
        assert len(files(tmp_path)) == 2
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk"))
        assert files(tmp_path) == []
        how = await refusal(served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk")))
        assert how.code is grpc.StatusCode.NOT_FOUND


async def test_nobody_erases_what_is_somebody_elses(tmp_path: Path) -> None:
    async with recording(tmp_path, tokens=["anna", "ben"]) as served:
        async with served.talk(bearer("anna")) as talk:
            await talk.config(session_id="talk", recording=True)
            await answered(talk)
            await talk.half_close()
            assert await talk.ended() == OK
        request = pb.DeleteSessionRequest(session_id="talk")
        how = await refusal(served.stub.DeleteSession(request, metadata=bearer("ben")))
        assert how.code is grpc.StatusCode.PERMISSION_DENIED
        await served.store.delete("talk")  # and then nobody knows whose it was but the recording
        how = await refusal(served.stub.DeleteSession(request, metadata=bearer("ben")))
        assert how.code is grpc.StatusCode.NOT_FOUND
        assert len(files(tmp_path)) == 2
        await served.stub.DeleteSession(request, metadata=bearer("anna"))
        assert files(tmp_path) == []


async def test_a_directory_that_cannot_be_written_costs_a_notice(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file")
    async with recording(tmp_path / "records") as served, served.talk() as talk:
        assert (await talk.config(session_id="talk", recording=True)).recording
        assert "File exists" in (await talk.notice("RECORDING_STOPPED")).message
        await answered(talk)
        await talk.half_close()
        assert await talk.ended() == OK
        assert [notice.reason for notice in talk.notices] == ["RECORDING_STOPPED"]
