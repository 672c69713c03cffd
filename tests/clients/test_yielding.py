"""`voice-grpc talk` and a voice over the answer, against a real server: it waits, and goes on or is cut."""

from pathlib import Path

import numpy as np
import soundfile

from clients.audio import INPUT_HZ, OUTPUT_HZ
from tests.serving import serving
from voice_grpc.core.audio import Samples
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt

from .fake_conversation import tone
from .loudness import around_the_longest_silence
from .program import Ended, run

ANSWER = "Once upon a time there was a queen, and she had a very long story to tell."
LENGTH = 0.06 * len(ANSWER)
"""Seconds of it."""


def spoken_over(words: str) -> Script:
    """The same answer to whatever is asked, and what is said over the first one."""
    return Script(
        stt=ScriptedStt([Hearing("tell me a story"), Hearing(words)]),
        llm=ScriptedLlm([ScriptedAnswer(ANSWER)]),
    )


async def talked(words: str, folder: Path) -> tuple[Ended, Samples]:
    """What was printed, and the answers as they were played. The words over the answer last 0.4 s."""
    question, both = folder / "question.wav", folder / "both.wav"
    pause = np.zeros(round(3.0 * INPUT_HZ), np.int16)
    soundfile.write(
        question, np.concatenate([tone(0.6, INPUT_HZ), pause, tone(0.4, INPUT_HZ), pause]), INPUT_HZ
    )
    async with serving(spoken_over(words)) as served:
        ended = await run("talk", "--target", served.target, "--wav", question, "--save", both, "--timings")
    stereo, rate_hz = soundfile.read(both, dtype="int16")
    assert rate_hz == OUTPUT_HZ
    return ended, stereo[:, 1]


async def test_a_listener_s_word_holds_the_answer_and_costs_it_nothing(tmp_path: Path) -> None:
    ended, answer = await talked("Yeah.", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "⏸ held" in ended.out
    assert "s, went on" in ended.out
    assert "✂" not in ended.out
    before, silent, after = around_the_longest_silence(answer, OUTPUT_HZ)
    assert LENGTH - 0.1 < before + after < LENGTH + 1.1, "all of it, and a second again at most"
    told = float(ended.out.split("⏸ held ")[1].split(" s,")[0])
    assert silent > told - 0.1, "silent from the hold on, though 0.2 s of sound were there"


async def test_an_interruption_is_silent_from_the_hold_on(tmp_path: Path) -> None:
    ended, answer = await talked("Stop it now.", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "⏸ held" in ended.out
    assert "s, then cut" in ended.out
    assert "✂ the user spoke" in ended.out
    before, _, after = around_the_longest_silence(answer, OUTPUT_HZ)
    assert before < LENGTH - 1
    assert after > LENGTH - 0.1, "the next answer"
