"""`voice-grpc talk`: what it says and returns when something is wrong, and its command line."""

from pathlib import Path

import pytest

from clients.options import parse

from .fake_conversation import Character
from .fake_server import serving
from .program import run


async def test_what_cannot_begin_is_one_line_and_code_2(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("words")
    async with serving(Character(token="secret")) as server:
        for arguments, complaint in (
            (("--target", "127.0.0.1:1", "--text", "hi"), "no voice server answers at 127.0.0.1:1"),
            (("--target", server.target, "--text", "hi"), "the token is not known here"),
            (("--target", server.target, "--wav", tmp_path / "none.wav"), "none.wav: no such file"),
            (("--target", server.target, "--wav", words), "words.txt: not a sound file"),
            (("--target", server.target, "--text", "hi", "--save", tmp_path / "a.mp3"), "must end in .wav"),
            (("--target", server.target, "--text", "hi", "--ca-file", tmp_path / "ca"), "No such file"),
        ):
            ended = await run("talk", *arguments)
            assert ended.code == 2
            assert complaint in ended.complaint
            assert ended.complaint.startswith("voice-grpc talk: ")


async def test_a_refused_config_names_the_field() -> None:
    async with serving() as server:
        ended = await run("talk", "--target", server.target, "--text", "hi", "--persona", "bob")
    assert ended.code == 2
    assert "persona_id" in ended.complaint


async def test_a_turn_that_fails_is_said_and_code_1() -> None:
    async with serving(Character(fails=True)) as server:
        ended = await run("talk", "--target", server.target, "--text", "hi")
    assert ended.code == 1
    assert "! no model" in ended.out
    assert ended.complaint == "voice-grpc talk: hi: no model"


async def test_a_conversation_that_breaks_off_is_said_and_code_1() -> None:
    async with serving(Character(breaks=True)) as server:
        ended = await run("talk", "--target", server.target, "--text", "hi", "--text", "and")
    assert ended.code == 1
    assert ended.complaint == "voice-grpc talk: the server is going away"


@pytest.mark.parametrize("option", ["target", "session", "persona", "voice", "language", "text", "token"])
def test_what_cannot_be_sent_is_told_before_it_is(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([f"--{option}", "\udcff"])
    assert caught.value.code == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith(f"voice-grpc talk: error: --{option}: got ")
    assert ", accepted: " in said


@pytest.mark.parametrize("token", ["tökén", "two\nlines"])
def test_a_token_that_no_header_can_hold_is_not_shown(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([], {"VOICE_TOKEN": token})
    said = capsys.readouterr().err
    assert "--token: got a secret, accepted: printable ASCII characters" in said
    assert token not in said


def test_a_token_that_was_mounted_with_a_newline_is_still_the_token() -> None:
    assert parse([], {"VOICE_TOKEN": "secret\n"}).token == "secret"


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["--text", " "], ["--text", "hi", "--push-to-talk"], ["word"]]
)
def test_wrong_arguments_are_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert "voice-grpc talk: error: " in capsys.readouterr().err


def test_the_help_shows_how(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    for word in ("examples:", "--push-to-talk", "/resume", "exit code:", "VOICE_TARGET"):
        assert word in told


def test_a_typed_question_is_spoken_only_where_somebody_hears_it() -> None:
    assert parse(["--text", "hi"]).is_silent
    assert not parse(["--text", "hi", "--play"]).is_silent
    assert not parse(["--text", "hi", "--save", "a.wav"]).is_silent
    assert parse(["--text", "hi", "--save", "a.wav", "--text-only"]).is_silent
