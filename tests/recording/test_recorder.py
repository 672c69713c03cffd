"""Recordings on a disk: what is in them, who may read and erase them, how long they stay, and bad disks."""

import asyncio
import logging
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from voice_grpc.core.audio import RATE_HZ
from voice_grpc.core.errors import StoreError
from voice_grpc.core.responses import TurnEvent, TurnPhase
from voice_grpc.ports import SoundPiece
from voice_grpc.recording import directory as directory_module
from voice_grpc.recording.directory import RecordingDirectory
from voice_grpc.recording.names import RecordingName
from voice_grpc.recording.queued import MAX_WAITING_SECONDS, QueuedRecording
from voice_grpc.recording.recorder import FileRecorder
from voice_grpc.recording.writer import RecordingLimits, RecordingWriter
from voice_grpc.store.retention import Retention

from .made import ByHand, made, talk
from .reading import events, pitch, played, spans, tone

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")

STARTED = datetime(2026, 11, 29, 10, 0, 0, 0, UTC)
NAME = RecordingName("talk", STARTED)
LIMITS = RecordingLimits()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def recorder(root: Path, **given: object) -> FileRecorder:
    return FileRecorder(RecordingDirectory(root), **given)  # type: ignore[arg-type]


def queued(root: Path, limits: RecordingLimits = LIMITS) -> tuple[QueuedRecording, ByHand, list[str]]:
    threads, troubles = ByHand(), list[str]()
    writer = RecordingWriter(NAME, "", RecordingDirectory(root), limits)
    return QueuedRecording(writer, threads, troubles.append, lambda recording: None), threads, troubles


# ---------------------------------------------------------------- what is there


def test_a_recording_is_two_files_that_tell_the_same_story(tmp_path: Path) -> None:
    own = recorder(tmp_path / "records", now=lambda: STARTED)
    troubles = made(own, seconds=3.0)
    own.close()
    assert troubles == []
    root = tmp_path / "records"
    assert files(root) == [f"2026-11-29/talk.20261129T100000000Z.{kind}" for kind in ("jsonl", "opus")]
    both = played(root / NAME.sound)
    assert spans(both[:, 0]) == [pytest.approx((0.0, 3.0), abs=0.02)]
    assert spans(both[:, 1]) == [pytest.approx((1.0, 3.0), abs=0.02)]
    assert pitch(both[60_000:108_000, 0]) == pytest.approx(440, abs=5)
    assert pitch(both[60_000:108_000, 1]) == pytest.approx(660, abs=5)
    first, *between, last = events(root / NAME.events)
    assert (first["event"], first["session_id"], first["rate_hz"]) == ("recording_started", "talk", 48_000)
    assert first["channels"] == ["user", "assistant"]
    assert [(each["event"], each["seconds"], each["samples"], each["phase"]) for each in between] == [
        ("turn_event", n / 4, n * 12_000, "thinking") for n in range(12)
    ]
    assert (last["event"], last["is_complete"], last["seconds"]) == ("recording_ended", True, 3.0)


def test_it_is_nobodys_but_the_servers(tmp_path: Path) -> None:
    own, before = recorder(tmp_path / "a" / "records"), os.umask(0)
    try:
        made(own)
        own.close()
    finally:
        os.umask(before)
    for path in (tmp_path / "a" / "records").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "a" / "records").stat().st_mode) == 0o700


@pytest.mark.parametrize("session_id", ["..", "../../out", "/tmp/out", ".", "a/../../b"])
def test_no_session_id_leads_out(session_id: str, tmp_path: Path) -> None:
    own = recorder(tmp_path / "records", now=lambda: STARTED)
    troubles = made(own, session_id)
    own.close()
    assert troubles == []
    assert len(files(tmp_path / "records")) == len(files(tmp_path)) == 2
    assert len(list((tmp_path / "records").iterdir())) == 1


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    day = tmp_path / "records" / NAME.day
    day.mkdir(parents=True)
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "records" / NAME.sound).symlink_to(tmp_path / "victim")
    own = recorder(tmp_path / "records", now=lambda: STARTED)
    troubles = made(own)
    own.close()
    assert troubles == []
    assert len(files(tmp_path / "records")) == 3
    assert (tmp_path / "victim").read_text() == "mine"


def test_what_is_written_until_now_plays(tmp_path: Path) -> None:
    recording, threads, _ = queued(tmp_path)
    talk(recording, 3.0)
    threads.run()
    recording.writer.leave()
    both = played(tmp_path / NAME.sound)
    assert len(both) / 48_000 == pytest.approx(3.0, abs=0.1)
    assert spans(both[:, 1])[0][0] == pytest.approx(1.0, abs=0.02)
    assert [each["event"] for each in events(tmp_path / NAME.events)][-1] == "turn_event"


def test_two_of_one_moment_are_two(tmp_path: Path) -> None:
    own = recorder(tmp_path, now=lambda: STARTED)
    troubles = made(own) + made(own)
    own.close()
    assert troubles == []
    assert len(files(tmp_path)) == 4


# ---------------------------------------------------------------- bad disks


def test_a_slow_disk_delays_nobody_and_what_is_lost_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording, threads, troubles = queued(tmp_path)
    talk(recording, 2 * MAX_WAITING_SECONDS)
    recording.close(2 * MAX_WAITING_SECONDS)
    threads.run()
    assert troubles == []
    assert recording.ended.is_set()
    last = events(tmp_path / NAME.events)[-1]
    assert (last["event"], last["is_complete"]) == ("recording_ended", False)
    left = played(tmp_path / NAME.sound)[:, 0]
    assert len(left) / 48_000 == pytest.approx(2 * MAX_WAITING_SECONDS, abs=0.1)
    assert 0.2 * MAX_WAITING_SECONDS < spans(left)[0][1] < MAX_WAITING_SECONDS + 1.0
    assert len([record for record in caplog.records if "not complete" in record.message]) == 1


def test_after_a_slow_moment_sound_lies_where_it_belongs(tmp_path: Path) -> None:
    recording, threads, _ = queued(tmp_path)
    talk(recording, 2 * MAX_WAITING_SECONDS)
    threads.run()
    recording.settle(130.0)  # as a session does four times a second
    recording.hear(SoundPiece(130.0, tone(1.0, 440, RATE_HZ), RATE_HZ))
    recording.settle(131.0)
    recording.close(132.0)
    threads.run()
    assert spans(played(tmp_path / NAME.sound)[:, 0])[-1] == pytest.approx((130.0, 131.0), abs=0.02)


def test_a_full_disk_ends_it_with_one_word_and_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording, threads, troubles = queued(tmp_path)
    talk(recording, 1.0)
    threads.run()
    with Path("/dev/full").open("wb", buffering=0) as full:
        os.dup2(full.fileno(), recording.writer._sound.fileno())  # type: ignore[union-attr]  # noqa: SLF001
    talk(recording, 3.0, from_=1.0)
    recording.close(3.0)
    threads.run()
    assert troubles == ["the recording ends here: No space left on device"]
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    assert recording.ended.is_set()
    assert len(played(tmp_path / NAME.sound)) / 48_000 == pytest.approx(1.0, abs=0.1)


def test_a_directory_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "records").write_text("a file")
    own = recorder(tmp_path / "records")
    troubles = made(own)
    own.close()
    (trouble,) = troubles
    assert "File exists" in trouble
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_a_bug_ends_the_recording_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(path: Path) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(directory_module, "_created", broken)
    own = recorder(tmp_path)
    troubles = made(own)
    own.close()
    assert troubles == ["the recording ends here: ZeroDivisionError"]
    assert "a bug" in caplog.text


# ---------------------------------------------------------------- bounds


def test_after_its_longest_it_ends_whole(tmp_path: Path) -> None:
    recording, threads, troubles = queued(tmp_path, RecordingLimits(seconds=2.0))
    talk(recording, 4.0)
    recording.close(4.0)
    threads.run()
    assert troubles == ["a recording lasts at most 2 s"]
    assert len(played(tmp_path / NAME.sound)) / 48_000 == pytest.approx(2.0, abs=0.05)
    last = events(tmp_path / NAME.events)[-1]
    assert (last["event"], last["seconds"], last["reason"]) == ("recording_ended", 2.0, troubles[0])


def test_events_have_a_bound_too(tmp_path: Path) -> None:
    recording, threads, troubles = queued(tmp_path, RecordingLimits(event_bytes=2_000))
    talk(recording, 20.0)
    threads.run()
    assert troubles == ["a recording holds at most 2000 bytes of events"]
    assert (tmp_path / NAME.events).stat().st_size < 3_000


# ---------------------------------------------------------------- erased


async def test_erased_is_what_is_of_this_session_and_owner(tmp_path: Path) -> None:
    times = iter(STARTED + timedelta(days=n) for n in range(9))
    own = recorder(tmp_path, now=lambda: next(times))
    for session_id, owner in (("a", "anna"), ("a", "anna"), ("a", "ben"), ("a.b", "anna"), ("b", "anna")):
        made(own, session_id, owner)
    await asyncio.to_thread(own.close)
    assert len(files(tmp_path)) == 10
    assert await own.delete("a", "anna")
    left = [RecordingName.read(Path(file).name) for file in files(tmp_path)]
    assert sorted({name.session_id for name in left if name}) == ["a", "a.b", "b"]
    assert len(left) == 6
    assert not await own.delete("a", "anna")
    assert await own.delete("a", "ben")


async def test_what_is_being_recorded_is_erased_and_stays_so(tmp_path: Path) -> None:
    own, troubles = recorder(tmp_path), list[str]()
    recording = own.open("a", "anna", troubles.append)
    talk(recording, 2.0)
    assert await own.delete("a", "anna")
    assert recording.ended.is_set()
    assert files(tmp_path) == []
    talk(recording, 4.0, from_=2.0)
    recording.close(4.0)
    await asyncio.to_thread(own.close)
    assert files(tmp_path) == []
    assert troubles == []


async def test_somebody_elses_live_recording_goes_on(tmp_path: Path) -> None:
    own = recorder(tmp_path)
    recording = own.open("a", "anna", lambda why: None)
    talk(recording, 1.0)
    assert not await own.delete("a", "ben")
    talk(recording, 2.0, from_=1.0)
    recording.close(2.0)
    await asyncio.to_thread(own.close)
    (sound,) = [tmp_path / file for file in files(tmp_path) if file.endswith(".opus")]
    assert len(played(sound)) / 48_000 == pytest.approx(2.0, abs=0.05)


async def test_what_cannot_be_erased_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = recorder(tmp_path)
    made(own, "a")
    await asyncio.to_thread(own.close)

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreError, match="could not be erased"):
        await own.delete("a", "")


# ---------------------------------------------------------------- kept no longer


def test_retention_counts_from_the_last_that_was_written(tmp_path: Path) -> None:
    day = 86_400
    now = datetime.now(UTC).timestamp()
    own = recorder(tmp_path, retention=Retention(7, lambda: now + 7 * day - 3_600))
    made(own, "young")
    made(own, "old")
    own.close()
    for file in tmp_path.rglob("old.*"):
        os.utime(file, (now - 2 * 3_600, now - 2 * 3_600))
    (tmp_path / "notes.txt").write_text("not ours")
    own.tidy()
    assert [RecordingName.read(Path(f).name) is not None and "young" in f for f in files(tmp_path)] == [
        True, True, False,
    ]  # fmt: skip
    assert (tmp_path / "notes.txt").exists()


def test_without_days_they_stay(tmp_path: Path) -> None:
    own = recorder(tmp_path)
    made(own)
    own.close()
    for file in tmp_path.rglob("*.*"):
        os.utime(file, (0, 0))
    own.tidy()
    assert len(files(tmp_path)) == 2


async def test_while_it_runs_it_is_tidy_and_errors_come_out_as_they_are(tmp_path: Path) -> None:
    own = recorder(tmp_path, retention=Retention(1))
    made(own)
    tidied = threading.Event()
    tidy = own.tidy

    def told() -> None:
        tidy()
        tidied.set()

    own.tidy = told  # type: ignore[method-assign]

    async def run() -> None:
        async with own.running():
            assert await asyncio.to_thread(tidied.wait, 10.0)
            raise StoreError("broken")

    with pytest.raises(StoreError, match="broken"):
        await run()
    assert events(tmp_path / files(tmp_path)[0])[-1]["event"] == "recording_ended"


def test_events_of_any_text_are_lines(tmp_path: Path) -> None:
    recording, threads, _ = queued(tmp_path)
    recording.tell(0.0, TurnEvent(1, TurnPhase.FAILED, "a\nb\u2028\ud800 ü"))
    recording.close(1.0)
    threads.run()
    assert len((tmp_path / NAME.events).read_bytes().splitlines()) == 3
    assert events(tmp_path / NAME.events)[1]["phase"] == "failed"
