"""What Whisper is shown and whether it is believed: pure functions."""

import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import normal_words, word_errors
from voice_grpc.core.audio import RATE_HZ
from voice_grpc.engines.whisper.chunking import first_chunk, is_silent
from voice_grpc.engines.whisper.decoding import (
    FULL,
    LONGER,
    DecodePass,
    Hypothesis,
    agree,
    better,
    in_silence,
    passes,
    repeats,
    token_cap,
)


def hypothesis(
    text: str = "hello", logprob: float = -0.3, no_speech: float = 0.0, tokens: int = 10
) -> Hypothesis:
    return Hypothesis(text, logprob, no_speech, tokens, audio_s=1.0)


@pytest.mark.parametrize(
    "text",
    [
        "small dog the child almost small dog the child almost",
        "I'm sorry, I'm sorry, I'm sorry, I'm sorry, I'm sorry, I'm sorry",
        "call Maria back. Call Maria back.",
        "a b c d x a b c d y a b c d",
    ],
)
def test_a_loop_is_seen(text: str) -> None:
    assert repeats(text, audio_s=1.2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no no",
        "yes yes yes",
        "ask not what your country can do for you ask what you can do for your country",
        "five five five one two three four",
    ],
)
def test_speech_that_repeats_words_is_no_loop(text: str) -> None:
    assert not repeats(text, audio_s=1.2)


def test_an_interim_that_comes_back_to_its_words_is_a_stutter() -> None:
    assert hypothesis("My name is Anna. What is my name is Anna?").is_stutter
    assert not hypothesis("ask not what your country can do for you ask what you can do for your").is_stutter


def test_a_sentence_said_twice_at_the_pace_of_speech_is_no_loop() -> None:
    assert not repeats("Can you hear me now? Can you hear me now?", audio_s=3.0)


def test_a_likely_text_is_enough_and_a_loop_or_a_doubt_is_not() -> None:
    first = passes(2.0)[0]
    assert hypothesis().is_enough(first)
    assert not hypothesis(logprob=-0.7).is_enough(first)
    assert hypothesis(logprob=-0.7, tokens=4).is_enough(first)
    assert not hypothesis(no_speech=0.5).is_enough(first)
    assert not hypothesis("so it goes so it goes").is_enough(first)


def test_noise_is_told_from_words() -> None:
    assert hypothesis("Thank you.", -1.2, 0.7).is_noise(passes(2.0)[0])
    assert hypothesis("...").is_noise(passes(2.0)[0])
    assert hypothesis("I'm sorry", -0.6, 0.5).is_noise(LONGER)
    assert not hypothesis("Stop.", -0.86, 0.05).is_noise(LONGER)


def test_of_two_hypotheses_the_likelier_wins_unless_it_goes_round() -> None:
    loop, plain = hypothesis("go to it go to it", -0.1), hypothesis("go to it", -0.9)
    assert better(loop, plain) is plain
    assert better(hypothesis(logprob=-0.2), plain).logprob == -0.2
    assert agree(hypothesis("Stop!"), hypothesis("stop."))
    assert not agree(loop, plain)


def test_silence_is_true_silence_around_the_audio_and_thirty_seconds_at_most() -> None:
    audio = np.full(RATE_HZ, 0.5, np.float32)
    shown = in_silence(audio, DecodePass(2.0, lead_s=0.5))
    assert len(shown) == 3.5 * RATE_HZ
    assert not shown[: RATE_HZ // 2].any()
    assert not shown[-2 * RATE_HZ :].any()
    assert len(in_silence(np.zeros(28 * RATE_HZ, np.float32), LONGER)) == 30 * RATE_HZ


def test_what_is_too_soft_or_too_short_is_silence() -> None:
    tone = np.sin(np.arange(RATE_HZ) * 0.1).astype(np.float32)
    assert is_silent(np.zeros(0, np.float32))
    assert is_silent(tone[:1000])
    assert is_silent(tone * np.float32(0.001))
    assert not is_silent(tone * np.float32(0.01))


def test_what_is_too_long_is_cut_in_its_quietest_place() -> None:
    audio = np.random.default_rng(0).standard_normal(40 * RATE_HZ).astype(np.float32)
    audio[22 * RATE_HZ : round(22.2 * RATE_HZ)] = 0.0
    assert 22.0 <= first_chunk(audio) / RATE_HZ <= 22.2
    assert first_chunk(audio[: 28 * RATE_HZ]) == 28 * RATE_HZ


def test_a_text_may_be_as_long_as_speech_can_be() -> None:
    assert token_cap(3.0, LONGER) == 36
    assert token_cap(3.0, FULL) == 100


def test_words_are_compared_as_a_listener_would() -> None:
    assert normal_words("Twenty-five, please!") == normal_words("25 please")
    assert normal_words("555-1234") == normal_words("five five five, one two three four")
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
