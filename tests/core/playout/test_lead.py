"""How far ahead sound is sent, by what the client reports."""

import pytest

from voice_grpc.core.playout.lead import EASE, GROWTH, MOST_LEAD, MOST_WAY, PlayoutLead, Way

RATE_HZ = 24_000
CHUNK = 960


def test_it_grows_where_playing_runs_dry_and_no_further_than_may_be() -> None:
    lead = PlayoutLead()
    assert lead.seconds(0.1) == 0.1
    lead.ran_dry(1)
    assert lead.seconds(0.1) == pytest.approx(0.1 + GROWTH)
    for _ in range(10):
        lead.ran_low()
    assert lead.seconds(0.1) == MOST_LEAD
    assert lead.seconds(0.2) == MOST_LEAD


def test_it_falls_back_slowly_to_what_was_asked_for() -> None:
    lead = PlayoutLead()
    lead.ran_dry(1)
    lead.went_well()
    assert lead.seconds(0.2) == pytest.approx(0.2 + GROWTH - EASE)
    for _ in range(100):
        lead.went_well()
    assert lead.seconds(0.2) == 0.2


def flowing(way: Way, chunks: int = 50) -> None:
    for n in range(chunks):
        way.sent((n + 1) * CHUNK, n * 0.04)


def test_the_way_is_from_when_a_chunk_left_to_when_its_arrival_is_told() -> None:
    way = Way()
    assert way.seconds == 0.0
    flowing(way)
    way.arrived(10 * CHUNK, 9 * 0.04 + 0.15)
    assert way.seconds == pytest.approx(0.15)


def test_the_shortest_of_the_last_counts() -> None:
    way = Way()
    flowing(way)
    for n, late in ((10, 0.19), (15, 0.15), (20, 0.4)):
        way.arrived(n * CHUNK, (n - 1) * 0.04 + late)
    assert way.seconds == pytest.approx(0.15)


def test_nothing_is_learnt_of_a_chunk_that_nothing_followed() -> None:
    """It may have been there for long."""
    way = Way()
    flowing(way, 5)
    way.arrived(5 * CHUNK, 20.0)
    assert way.seconds == 0.0
    way.sent(6 * CHUNK, 21.0)
    way.arrived(5 * CHUNK, 21.2)
    assert way.seconds == 0.0


@pytest.mark.parametrize("samples", [51 * CHUNK, 2**63])
def test_more_than_was_sent_tells_nothing(samples: int) -> None:
    way = Way()
    flowing(way)
    way.arrived(samples, 2.0)
    assert way.seconds == 0.0
    way.arrived(40 * CHUNK, 39 * 0.04 + 0.1)
    assert way.seconds == pytest.approx(0.1)


def test_a_way_that_cannot_be_is_cut() -> None:
    way = Way()
    flowing(way)
    way.arrived(10 * CHUNK, 30.0)
    assert way.seconds == MOST_WAY
