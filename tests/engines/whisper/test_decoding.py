"""What Whisper is shown and whether it is believed: pure functions."""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import normal_words, word_errors
from voice_grpc.core.audio import RATE_HZ
from voice_grpc.engines.whisper.chunking import first_chunk, is_silent
from voice_grpc.engines.whisper.decoding import (
    FULL,
    LONGER,
    DecodeOptions,
    DecodePass,
    DecodeResult,
    Hypothesis,
    agree,
    better,
    decode_steps,
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


def run(
    looks: list[Hypothesis], prompt: str = "", interim: Hypothesis | None = None
) -> tuple[DecodeResult | None, list[str]]:
    """What comes of `looks`, one a pass, and the prompt that each was given."""
    audio = np.sin(np.arange(2 * RATE_HZ) * 0.1).astype(np.float32)
    steps = decode_steps(audio, passes(2.0), DecodeOptions(("en",), prompt, interim=lambda: interim))
    prompts: list[str] = []
    try:
        request = next(steps)
        for look in looks:
            prompts.append(request.options.prompt)
            request = steps.send(DecodeResult(look, "en"))
    except StopIteration as end:
        assert len(prompts) == len(looks)
        result: DecodeResult | None = end.value
        return result, prompts
    raise AssertionError(f"another look was asked for: {request}")


def test_of_a_sentence_and_the_same_twice_the_single_one_is_taken() -> None:
    twice = Hypothesis("Go to the river. Go to the river.", -0.3, 0.1, 20, 5.0)
    once = Hypothesis("Go to the river.", -0.5, 0.1, 9, 5.0)
    result, prompts = run([twice, once])
    assert result is not None
    assert result.hypothesis.text == once.text
    assert len(prompts) == 2
    said_twice, _ = run([twice, twice])
    assert said_twice is not None
    assert said_twice.hypothesis.text == twice.text


UNSURE = hypothesis("Go to the river!", -0.9, 0.1)
INTERIM = hypothesis("Go to the river", -0.3, 0.05)


def test_what_an_interim_was_sure_of_needs_no_second_look() -> None:
    result, looks = run([UNSURE], interim=INTERIM)
    assert len(looks) == 1
    assert result is not None
    assert result.hypothesis == UNSURE


@pytest.mark.parametrize(
    "found",
    [
        Hypothesis("Go to the river. Go to the river.", -0.2, 0.1, 20, 5.0),
        Hypothesis("Go to the river.", -0.2, 0.1, 52, 5.0, is_cut=True),
    ],
)
def test_what_goes_on_after_the_words_of_an_interim_was_made_up(found: Hypothesis) -> None:
    result, looks = run([found], interim=INTERIM)
    assert len(looks) == 1
    assert result is not None
    assert result.hypothesis == replace(INTERIM, no_speech=0.1)


@pytest.mark.parametrize(
    ("found", "interim"),
    [
        (UNSURE, hypothesis("Go to the", -0.3, 0.05)),
        (UNSURE, hypothesis("Go to the river", -0.9, 0.05)),
        (UNSURE, hypothesis("Go to the river", -0.3, 0.38)),
        (hypothesis("Go to the river", -0.3, 0.4), INTERIM),
    ],
)
def test_an_interim_of_other_words_or_that_doubts_them_settles_nothing(
    found: Hypothesis, interim: Hypothesis
) -> None:
    _, looks = run([found, hypothesis("Go to the river", -0.2, 0.1)], interim=interim)
    assert len(looks) == 2


def test_the_longest_look_says_whether_anybody_spoke() -> None:
    """After a second look a third, through the whole window, is seldom needed."""
    result, prompts = run([hypothesis("Anna.", -0.7, 0.48, 4), hypothesis("Anna.", -0.75, 0.2, 4)])
    assert result is not None
    assert result.hypothesis.no_speech == 0.2
    assert len(prompts) == 2


NAMES = "Siobhan Kowalczyk, the pizza order line"


def test_a_clear_text_is_believed_with_its_prompt() -> None:
    result, prompts = run([hypothesis("Can I have a pizza?", -0.2, 0.01)], NAMES)
    assert result is not None
    assert prompts == [NAMES]


def test_a_look_without_the_prompt_says_whether_anybody_spoke() -> None:
    prompted = hypothesis("the pizza order line", -0.5, 0.2)
    assert run([prompted, hypothesis("the light's on", -0.9, 0.5)], NAMES) == (None, [NAMES, ""])
    result, prompts = run([prompted, hypothesis("It's a part of life.", -1.0, 0.3)], NAMES)
    assert prompts == [NAMES, ""]
    assert result is not None
    assert result.hypothesis == hypothesis("It's a part of life.", -1.0, 0.3)


def test_a_name_is_spelt_as_the_prompt_has_it() -> None:
    result, _ = run(
        [hypothesis("Siobhan Kowalczyk", -0.5, 0.2), hypothesis("Shivan Kovalchik", -0.9, 0.1)], NAMES
    )
    assert result is not None
    assert result.hypothesis == hypothesis("Siobhan Kowalczyk", -0.7, 0.1)


def test_a_loop_without_the_prompt_is_no_support_for_a_text_with_it() -> None:
    loop = hypothesis("five six five six five six five six", -0.5, 0.42)
    assert run([hypothesis("It's a nice conversation.", -0.5, 0.2), loop], NAMES) == (None, [NAMES, ""])


def test_two_looks_that_never_end_are_not_followed_by_the_longest() -> None:
    endless = Hypothesis("in this room, " * 15, -0.15, 0.2, 60, 6.0, is_cut=True)
    assert run([endless, endless]) == (None, ["", ""])
    bytes_of_a_script = Hypothesis("สวัสดีครับผมอยากจองโต๊ะ", -0.3, 0.1, 60, 6.0, is_cut=True)
    result, looks = run([bytes_of_a_script, bytes_of_a_script, replace(bytes_of_a_script, is_cut=False)])
    assert result is not None
    assert len(looks) == 3
