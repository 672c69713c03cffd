"""`voice-grpc talk` as a process: what it prints, what it saves, what it tells the server, how it ends."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.audio import INPUT_HZ, OUTPUT_HZ, audible_span
from clients.options import parse
from tests.recording.made import recorder_in
from tests.recording.reading import files
from tests.serving import serving as real_serving
from voice_grpc.pb import voice_pb2 as pb

from .fake_conversation import Character, tone
from .fake_server import serving
from .loudness import around_the_longest_silence, loud_seconds
from .program import run, start

QUESTION_HZ = 300.0


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """0.6 s of tone after 0.2 s of silence, at a rate and with channels that need work."""
    path = tmp_path / "question.wav"
    sound = np.concatenate([np.zeros(8820, np.int16), tone(0.6, 44_100, QUESTION_HZ)])
    soundfile.write(path, np.stack([sound, sound], axis=1), 44_100)
    return path


async def test_typed_questions_are_answered_in_order() -> None:
    async with serving() as server:
        ended = await run("talk", "--target", server.target, "--text", "hello", "--text", "again")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"session fake at {server.target}",
        "   you ▸ hello",
        "answer ▸ It is a tone. It goes on for a while.",
        "       ⏱ turn 1: voice to voice 321 ms",
        "   you ▸ again",
        "answer ▸ It is a tone. It goes on for a while.",
        "       ⏱ turn 2: voice to voice 321 ms",
    ]
    assert [request.text.text_only for request in server.requests if request.HasField("text")] == [True, True]
    assert server.requests[-1].HasField("end_session")


async def test_question_and_answer_are_saved_in_true_time(question: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.wav"
    async with serving(Character(seconds=0.8, think=0.1)) as server:
        ended = await run("talk", "--target", server.target, "--wav", question, "--save", both)
    assert (ended.code, ended.err) == (0, "")
    assert "you ▸ 0.6 seconds" in ended.out
    assert "answer ▸ It is a tone. It goes on for a while." in ended.out
    stereo, rate_hz = soundfile.read(both, dtype="int16")
    left, right = stereo[:, 0], stereo[:, 1]
    asked, answered = audible_span(left, rate_hz), audible_span(right, rate_hz)
    assert rate_hz == OUTPUT_HZ
    assert loud_seconds(left, rate_hz) == pytest.approx(0.6, abs=0.03)
    assert loud_seconds(right, rate_hz) == pytest.approx(0.8, abs=0.05)
    # The server waits 0.3 s for the end and thinks 0.1 s; the buffer is filled at once by its lead.
    assert 0.38 < (answered[0] - asked[1]) / rate_hz < 5
    for channel, span, hz in ((left, asked, QUESTION_HZ), (right, answered, 660)):
        heard = channel[span[0] : span[1]].astype(float)
        spectrum = np.abs(np.fft.rfft(heard))
        assert np.argmax(spectrum) * rate_hz / len(heard) == pytest.approx(hz, abs=5)


async def test_the_file_leaves_in_real_time_and_silence_follows(question: Path) -> None:
    async with serving() as server:
        began = time.monotonic()
        await run("talk", "--target", server.target, "--wav", question)
        took = time.monotonic() - began
    audio = [request for request in server.requests if request.HasField("audio")]
    assert {len(request.audio.data) for request in audio} == {640}
    times = np.array([request.client_time_us for request in audio]) / 1e6
    late = times - times[0] - np.arange(len(times)) * 0.02
    assert np.median(np.abs(late)) < 0.5
    assert len(audio) * 0.02 < took
    assert not any(audio[-1].audio.data)


async def test_what_was_played_is_reported(question: Path) -> None:
    async with serving(Character(seconds=0.75)) as server:
        await run("talk", "--target", server.target, "--wav", question)
    reports = server.reports
    state = pb.PlaybackReport
    assert reports[0].state == state.STATE_STARTED
    assert reports[-1].state == state.STATE_FINISHED
    assert {report.state for report in reports[1:-1]} == {state.STATE_PROGRESS}
    played = [report.played_samples for report in reports]
    assert played == sorted(played)
    assert played[-1] == 0.75 * OUTPUT_HZ
    assert 5 <= len(reports) <= 10
    assert server.configs[-1].capabilities.playback_reports


async def test_questions_follow_the_answers(question: Path) -> None:
    async with serving(Character(seconds=0.5)) as server:
        ended = await run("talk", "--target", server.target, "--wav", question, "--wav", question)
    assert ended.code == 0
    assert "✂" not in ended.out
    finished = [report for report in server.reports if report.state == pb.PlaybackReport.STATE_FINISHED]
    assert [report.turn for report in finished] == [1, 2]


async def test_speaking_over_the_answer_stops_it_and_reports_what_was_played(tmp_path: Path) -> None:
    """One file with two questions, the second of which falls into the answer to the first."""
    path, both = tmp_path / "two.wav", tmp_path / "both.wav"
    voice, pause = tone(0.4, INPUT_HZ, QUESTION_HZ), np.zeros(round(2.5 * INPUT_HZ), np.int16)
    soundfile.write(path, np.concatenate([voice, pause, voice]), INPUT_HZ)
    async with serving(Character(seconds=3.0)) as server:
        ended = await run("talk", "--target", server.target, "--wav", path, "--save", both)
    assert ended.code == 0
    assert "✂ the user spoke; heard of the answer: “It is”" in ended.out
    cleared = [report for report in server.reports if report.state == pb.PlaybackReport.STATE_CLEARED]
    assert [report.turn for report in cleared] == [1]
    stereo, _ = soundfile.read(both, dtype="int16")
    heard, _, after = around_the_longest_silence(stereo[:, 1], OUTPUT_HZ)
    assert heard < 3.0 - 0.2
    assert after == pytest.approx(3.0, abs=0.05), "the answer to the second"
    assert cleared[0].played_samples / OUTPUT_HZ == pytest.approx(heard, abs=0.05)


async def test_what_is_asked_for_reaches_the_server() -> None:
    async with serving(Character(token="secret")) as server:
        environment = {"VOICE_TARGET": server.target, "VOICE_TOKEN": "secret"}
        session = ("--session", "s1", "--voice", "v1", "--language", "de", "--language", "en")
        assert (await run("talk", "--text", "hi", *session, environment=environment)).code == 0
    (config,) = server.configs
    assert (config.session_id, config.voice.voice_id) == ("s1", "v1")
    assert list(config.language_codes) == ["de", "en"]
    assert config.HasField("greeting")


@pytest.mark.parametrize(
    ("allows", "records", "told"),
    [(False, True, ""), (True, False, ", not recorded"), (True, True, ", recorded")],
)
async def test_it_is_recorded_where_that_is_allowed_and_the_first_line_tells(
    allows: bool, records: bool, told: str, tmp_path: Path
) -> None:
    option = ["--allow-recording"] if allows else []
    async with (
        recorder_in(tmp_path) as recorder,
        real_serving(recorder=recorder) if records else real_serving() as served,
    ):
        ended = await run("talk", "--target", served.target, "--text", "hi", "--session", "one", *option)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == f"session one at {served.target}{told}"
    assert len(files(tmp_path)) == (2 if allows and records else 0)


async def test_ctrl_c_ends_it_at_once_and_saves(question: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.wav"
    async with serving(Character(seconds=30.0)) as server:
        talk = await start("talk", "--target", server.target, "--wav", question, "--save", both)
        await talk.until("you ▸")
        await server.reported(pb.PlaybackReport.STATE_STARTED)
        talk.interrupt()
        ended = await talk.ended(within=20)  # the answer lasts longer
    assert (ended.code, ended.err) == (130, "")
    assert soundfile.info(both).frames > 0


def test_a_tilde_is_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    options = parse(["--wav=~/a.wav", "--save=~/b.wav", "--ca-file=~/c.pem"], {})
    assert [str(each) for each in (*options.wav, options.save, options.ca)] == [
        "/home/ann/a.wav", "/home/ann/b.wav", "/home/ann/c.pem",
    ]  # fmt: skip
    with pytest.raises(SystemExit):
        parse(["--wav=~no-such-user-here/a.wav"], {})
    assert "argument --wav: got '~no-such-user-here/a.wav', accepted: a path" in capsys.readouterr().err
