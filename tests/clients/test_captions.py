"""Words are shown when they are heard."""

from clients.captions import Captions

RATE_HZ = 1000


def captions() -> Captions:
    shown = Captions(RATE_HZ)
    shown.text(1, 0, "One two three. ")
    shown.audio(1, 0, 0)
    return shown


def test_nothing_is_shown_before_it_plays() -> None:
    assert captions().due(1, 0) == ""
    assert captions().due(2, 5000) == ""


def test_words_of_a_clause_come_one_after_the_other() -> None:
    shown = captions()
    said = [shown.due(1, played) for played in range(0, 1000, 20)]
    assert "".join(said).strip() == "One two three."
    assert len([word for word in said if word.strip()]) == 3
    assert all(word == word.lstrip() or word.startswith(" ") for word in said)


def test_a_clause_is_whole_when_the_next_one_begins() -> None:
    shown = captions()
    shown.text(1, 1, "Four.")
    shown.audio(1, 1, 100)
    assert shown.due(1, 99) == "One"
    assert shown.due(1, 100) == " two three. "
    assert shown.due(1, 101) == "Four."


def test_the_rest_comes_at_the_end_and_once() -> None:
    shown = captions()
    shown.due(1, 20)
    assert shown.rest(1) == " two three. "
    assert shown.rest(1) == ""


def test_text_after_its_sound_is_shown_all_the_same() -> None:
    shown = Captions(RATE_HZ)
    shown.audio(1, 0, 0)
    shown.audio(1, 0, 480)
    assert shown.due(1, 500) == ""
    shown.text(1, 0, "Late.")
    assert shown.due(1, 500) == "Late."


def test_without_sound_it_is_silent() -> None:
    shown = Captions(RATE_HZ)
    shown.text(1, 0, "Typed.")
    assert shown.is_silent(1)
    assert shown.due(1, 9999) == ""
    assert shown.rest(1) == "Typed."


def test_what_is_dropped_is_not_shown() -> None:
    shown = captions()
    assert not shown.is_silent(1)
    shown.drop(1)
    assert shown.rest(1) == ""
