"""A crowd, and a voice, before the detector and the recogniser that come with the project: what is a turn."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import soxr

from tests.saying import said
from voice_grpc.bench.stt_utterances import SENTENCES, normal_words, word_errors
from voice_grpc.core.audio import RATE_HZ, WINDOW, Floats, Samples, to_float, to_pcm16
from voice_grpc.engines.silero import SileroVad
from voice_grpc.engines.whisper.stt import WhisperStt
from voice_grpc.ports import Stt, SttOptions, Vad
from voice_grpc.session.hearing.utterance import HeardWindow, Utterance

LOUDNESS = 0.07
"""RMS of the crowd: a talker at some distance."""
PROMPTS = ["", "The following is a conversation about gardening."]


@pytest.fixture
async def ears() -> AsyncIterator[tuple[Vad, Stt]]:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("piper")
    vad, stt = SileroVad(), WhisperStt("base")
    await vad.warm()
    await stt.warm()
    yield vad, stt
    await stt.close()
    await vad.close()


@pytest.fixture(scope="module")
def talker() -> Floats:
    """One voice that reads sentence after sentence."""
    pytest.importorskip("piper")
    return np.concatenate([to_float(said(sentence)) for sentence in SENTENCES[5:13]])


SHORT = ["Thank you.", "Thank you very much.", "Yes.", "No.", "Stop.", "Okay.", "Bye."]


@pytest.fixture(scope="module")
def spoken() -> dict[str, Samples]:
    pytest.importorskip("piper")
    quiet = np.zeros(RATE_HZ // 3, np.int16)
    return {text: np.concatenate([quiet, said(text), quiet]) for text in (*SHORT, SENTENCES[6], SENTENCES[9])}


def crowd(talker: Floats, voices: int, seconds: float, seed: int) -> Samples:
    """So many talkers at once, higher and lower, each at another place and another distance."""
    chance = np.random.default_rng(seed)
    mixed = np.zeros(round(seconds * RATE_HZ), np.float32)
    for _ in range(voices):
        voice = soxr.resample(talker, RATE_HZ * float(chance.uniform(0.8, 1.25)), RATE_HZ)
        voice = np.roll(voice, int(chance.integers(len(voice))))[: len(mixed)]
        mixed += voice * np.float32(chance.uniform(0.5, 1.0))
    return to_pcm16(mixed * LOUDNESS / np.sqrt(np.mean(np.square(mixed))))


async def heard(ears: tuple[Vad, Stt], sound: Samples, prompt: str = "") -> str:
    vad, stt = ears
    detector, utterance = vad.open(), Utterance(stt, SttOptions(("en",), prompt), 0)
    for at in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = sound[at : at + WINDOW]
        utterance.feed(HeardWindow(window, at + WINDOW, await detector.probability(to_float(window))))
    text = (await utterance.final()).text
    await utterance.close()
    return text


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_crowd_says_nothing(ears: tuple[Vad, Stt], talker: Floats, prompt: str) -> None:
    found = [
        await heard(ears, crowd(talker, voices, seconds, seed), prompt)
        for seed, (voices, seconds) in enumerate([(6, 1.0), (8, 2.5), (10, 4.0), (12, 6.0)])
    ]
    assert found == ["", "", "", ""]


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_who_speaks_is_heard(ears: tuple[Vad, Stt], spoken: dict[str, Samples], prompt: str) -> None:
    for text in (*SHORT, SENTENCES[6]):
        assert normal_words(await heard(ears, spoken[text], prompt)) == normal_words(text)


async def test_a_voice_before_a_crowd_is_heard(
    ears: tuple[Vad, Stt], talker: Floats, spoken: dict[str, Samples]
) -> None:
    """The crowd is 12 dB below the speaker."""
    text = SENTENCES[9]
    speech = to_float(spoken[text])
    behind = to_float(crowd(talker, 10, len(speech) / RATE_HZ + 0.1, 5))[: len(speech)]
    level = np.sqrt(np.mean(np.square(speech))) * 0.25 / LOUDNESS
    together = to_pcm16(speech + behind * np.float32(level))
    assert word_errors(normal_words(text), normal_words(await heard(ears, together))) <= 1
