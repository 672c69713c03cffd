"""Which requests need not come again, by what is known of each."""

from voice_grpc.core.consumption import KEPT_CHUNKS, Consumed, Consumption


def heard(chunks: int, start: Consumed | None = None) -> Consumption:
    """Chunks of 320 samples, numbered from 1."""
    consumption = Consumption(start)
    for seq in range(1, chunks + 1):
        consumption.took(seq)
        consumption.took_sound(seq, 320 * seq, 320 * seq)
    return consumption


def safe(
    consumption: Consumption, unsafe_from: int, *, text: int = 0, is_decided: bool = True, hears: bool = False
) -> Consumed:
    return consumption.consumed(unsafe_from, undecided_text=text, is_decided=is_decided, hears_user=hears)


def test_nothing_that_is_open_is_taken_care_of() -> None:
    assert safe(Consumption(), 0) == Consumed()


def test_sound_before_what_may_be_a_turn_is() -> None:
    consumption = heard(100)
    assert consumption.highest == 100
    assert safe(consumption, 320 * 40) == Consumed(40, 100, 320 * 40)
    assert safe(consumption, 320 * 40 + 319) == Consumed(40, 100, 320 * 40)
    assert safe(consumption, 320 * 100) == Consumed(100, 100, 320 * 100)


def test_a_text_is_once_it_was_decided_about() -> None:
    consumption = heard(10)
    consumption.took(11)
    consumption.took(12)
    assert safe(consumption, 3_200, text=11, is_decided=False) == Consumed(10, 10, 3_200)
    assert safe(consumption, 3_200, is_decided=False) == Consumed(12, 12, 3_200)


def test_an_interruption_is_acted_on_though_sound_before_it_is_not_safe() -> None:
    consumption = heard(10)
    consumption.took(11)
    assert safe(consumption, 1_600) == Consumed(5, 11, 1_600)


def test_the_button_comes_again_with_the_turn_that_it_began() -> None:
    consumption = heard(10)
    consumption.took(11)
    consumption.took_press(11)
    assert safe(consumption, 3_200, is_decided=False) == Consumed(10, 11, 3_200)
    assert safe(consumption, 3_200, hears=True) == Consumed(10, 11, 3_200)
    assert safe(consumption, 3_200) == Consumed(11, 11, 3_200)


def test_what_cannot_be_sent_again_is_not_waited_for() -> None:
    consumption = heard(KEPT_CHUNKS + 500)
    assert safe(consumption, 0).seq == 500


def test_it_goes_on_from_the_server_before() -> None:
    consumption = Consumption(Consumed(40, 50, 12_800))
    assert (consumption.highest, safe(consumption, 0)) == (50, Consumed(50, 50, 12_800))
    consumption.took(41)
    consumption.took_sound(41, 13_120, 13_120)
    assert safe(consumption, 0) == Consumed(40, 50, 12_800)
    assert safe(consumption, 13_120) == Consumed(50, 50, 13_120)
