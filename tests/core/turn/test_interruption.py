"""What a voice over the answer means, by how long it lasts and what it says."""

import pytest

from voice_grpc.core.turn.interruption import (
    CERTAIN_AFTER,
    LISTENER_AFTER,
    MURMUR_SECONDS,
    SOFT_DB,
    Overlap,
    OverlapVerdict,
    is_listening,
    is_order,
    verdict,
)

OPEN = None


def said(words: str, *, voiced: float = 0.5, language: str = "en", name: str = "") -> OverlapVerdict | None:
    """Of a voice that has ended, by its final transcript."""
    return verdict(Overlap(voiced, is_over=True, words=words, are_final=True, language=language), name=name)


def going_on(voiced: float, words: str | None = None) -> OverlapVerdict | None:
    return verdict(Overlap(voiced, is_over=False, words=words, language="en"))


@pytest.mark.parametrize(
    "words",
    ["Yeah.", "Okay.", "I see.", "Mhm.", "Right, right.", "uh-huh", "Ja, genau.", "D'accord.", "sí, sí"],
)
def test_who_only_listens_does_not_take_the_turn(words: str) -> None:
    assert said(words) is OverlapVerdict.BACKCHANNEL


@pytest.mark.parametrize(
    "words",
    [
        "Stop!",
        "Wait.",
        "No, no.",
        "Hold on.",
        "What?",
        "But what about Rome?",
        "Two.",
        "And Anna?",
        "Yeah, but why?",
    ],
)
def test_who_says_something_takes_it(words: str) -> None:
    assert said(words) is OverlapVerdict.INTERRUPTION


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Stopp!", "de"),
        ("Warte mal", "de-DE"),
        ("¡Espera!", "es"),
        ("Attends.", "fr"),
        ("Aspetta", "it"),
        ("Não.", "pt"),
        ("Подождите!", "ru"),
        ("待って!", "ja"),
        ("Nej, vänta.", "sv"),
    ],
)
def test_orders_have_languages(words: str, language: str) -> None:
    assert is_order(words, language)
    assert verdict(Overlap(0.3, is_over=False, words=words, language=language)) is OverlapVerdict.INTERRUPTION


def test_an_order_counts_at_once_and_other_words_of_an_interim_one_by_one_do_not() -> None:
    assert going_on(0.4, "stop") is OverlapVerdict.INTERRUPTION
    assert going_on(0.4, "well") is OPEN
    assert going_on(0.4, "well I") is OverlapVerdict.INTERRUPTION
    assert going_on(0.4, "yeah") is OPEN


def test_a_word_that_only_begins_like_an_order_is_none() -> None:
    assert not is_order("nobody knows", "en")
    assert not is_order("I do not stop", "en")
    assert not is_order("stop", "ja")


def test_its_name_means_the_assistant() -> None:
    assert said("Okay Robin.", name="Robin") is OverlapVerdict.INTERRUPTION
    assert is_order("hey robin", "ja", "Robin")
    assert not is_order("robins sing", "en", "Robin")


def murmur(words: str, *, voiced: float = 0.4, softer: float | None = 8.0) -> OverlapVerdict | None:
    return verdict(Overlap(voiced, is_over=True, words=words, are_final=True, language="en", softer=softer))


def test_one_word_that_is_short_and_soft_is_a_listeners_whatever_was_made_of_it() -> None:
    assert murmur("Bye.") is OverlapVerdict.BACKCHANNEL
    assert murmur("Bye.", softer=SOFT_DB - 0.1) is OverlapVerdict.INTERRUPTION
    assert murmur("Bye.", softer=None) is OverlapVerdict.INTERRUPTION
    assert murmur("Bye.", voiced=MURMUR_SECONDS + 0.01) is OverlapVerdict.INTERRUPTION
    assert murmur("明日です。") is OverlapVerdict.INTERRUPTION


@pytest.mark.parametrize("words", ["Stop.", "Wait.", "No.", "Rome?", "Rome!", "12", "Thank you.", "Go home."])
def test_soft_words_that_mean_it_are_taken(words: str) -> None:
    assert murmur(words) is OverlapVerdict.INTERRUPTION


def test_where_there_are_no_spaces_half_the_signs_are_words() -> None:
    def interim(words: str, language: str) -> OverlapVerdict | None:
        return verdict(Overlap(0.5, is_over=False, words=words, language=language))

    assert interim("東京は今", "ja") is OverlapVerdict.INTERRUPTION
    assert interim("東京", "ja") is OPEN
    assert interim("うんうん", "ja") is OPEN
    assert interim("等一下", "zh") is OverlapVerdict.INTERRUPTION


def test_without_words_it_was_noise() -> None:
    assert said("") is OverlapVerdict.NOISE
    assert said("...") is OverlapVerdict.NOISE


def test_a_voice_that_goes_on_is_an_interruption_whatever_it_says() -> None:
    assert going_on(CERTAIN_AFTER - 0.01) is OPEN
    assert going_on(CERTAIN_AFTER) is OverlapVerdict.INTERRUPTION
    assert going_on(CERTAIN_AFTER, "") is OverlapVerdict.INTERRUPTION


def test_a_listener_may_take_longer() -> None:
    assert going_on(CERTAIN_AFTER, "yeah, I see") is OPEN
    assert going_on(LISTENER_AFTER, "yeah, I see") is OverlapVerdict.INTERRUPTION


def test_a_voice_that_ended_waits_for_its_words() -> None:
    assert verdict(Overlap(2.0, is_over=True)) is OPEN


def test_who_only_listens_so_far() -> None:
    assert is_listening(Overlap(0.5, is_over=True, words=""))
    assert is_listening(Overlap(0.5, is_over=True, words="yeah"))
    assert not is_listening(Overlap(0.5, is_over=True, words="Rome"))
    assert not is_listening(Overlap(0.5, is_over=True)), "nothing is known of its words"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("and", OPEN),
        ("and what", OPEN),
        ("and what about", OverlapVerdict.INTERRUPTION),
        ("stop", OverlapVerdict.INTERRUPTION),
    ],
)
def test_so_many_words_can_be_asked_for(words: str, expected: OverlapVerdict | None) -> None:
    overlap = Overlap(5.0, is_over=False, words=words, language="en")
    assert verdict(overlap, min_words=3) is expected


def test_fewer_words_than_were_asked_for_make_no_turn() -> None:
    overlap = Overlap(1.0, is_over=True, words="and what", are_final=True, language="en")
    assert verdict(overlap, min_words=3) is OverlapVerdict.BACKCHANNEL
