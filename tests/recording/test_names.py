"""What a recording is called: any session id, and back, and never out of its folder."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.recording.names import RecordingName, owner_digest

STARTED = datetime(2026, 11, 29, 23, 59, 59, 123_000, UTC)
HOSTILE = [
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".hidden",
    "a\0b",
    "a%2Fb",
    "a\nb",
    "~",
    ".",
]


@pytest.mark.parametrize("session_id", ["talk", "a.b", "A-b_c:d.", "x" * 128, *HOSTILE])
def test_it_is_read_back(session_id: str) -> None:
    name = RecordingName(session_id, STARTED)
    for file in (name.sound, name.events):
        assert RecordingName.read(file.name) == name
        assert file.parts[0] == "2026-11-29"
        assert len(file.parts) == 2
        assert not file.name.startswith(".")
        assert not {"/", "\\", "\0", "\n"} & set(file.name)


@given(st.text(min_size=1, max_size=128))
def test_so_is_any_other(session_id: str) -> None:
    try:
        session_id.encode()
    except UnicodeEncodeError:
        return
    name = RecordingName(session_id, STARTED)
    assert RecordingName.read(name.sound.name) == name
    assert len(name.sound.parts) == 2


def test_a_plain_id_is_plain() -> None:
    assert str(RecordingName("a.b:c", STARTED).events) == "2026-11-29/a.b:c.20261129T235959123Z.jsonl"


def test_an_id_that_looks_like_a_recording_is_told_apart_from_the_one_it_looks_like() -> None:
    long = RecordingName("talk.20261129T235959123Z", STARTED)
    assert RecordingName.read(long.sound.name) == long


@pytest.mark.parametrize(
    "file", ["talk.opus", "x.20261399T000000000Z.opus", "notes.txt", "a.20261129T235959123Z.wav"]
)
def test_other_files_are_none(file: str) -> None:
    assert RecordingName.read(file) is None


def test_owners_are_told_apart_and_not_named() -> None:
    assert owner_digest("anna") != owner_digest("ben")
    assert "anna" not in owner_digest("anna")
    assert owner_digest("") == ""
