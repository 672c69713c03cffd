"""An answer of half a minute over bad lines: what is heard of it at the far end, and how soon it is
silent."""

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from .shaped_line import BLOCK, RATE_HZ, FarClient, Line

STORY = " ".join(["She had a very long story to tell, and she told it to whoever came by."] * 7)
CLIENT = replace(CONFIG, has_playback_reports=True, has_playback_control=True, has_echo_cancellation=True)
STARTED = round(0.2 * RATE_HZ)
"""Samples from the first that is heard, within which a gap is forgiven."""
SEEDS = range(4)


def lines(seed: int, rtt: float, jitter: float, loss: float = 0.0, again: float = 0.0) -> Iterator[Line]:
    for n in range(2):
        yield Line(rtt, jitter, loss, again, random.Random(2 * seed + n))


def told(client: FarClient, *more: Action) -> Recording:
    talk = converse(
        [(0.0, i.TextInput("a story")), *more], scripted(answers=[STORY]), CLIENT, client=client, ends_at=50.0
    )
    assert talk.error is None
    assert not talk.left_over
    return talk


def concealed(client: FarClient) -> tuple[int, int]:
    """Samples without sound within the answer, after its start; and how many it has all in all."""
    silent = np.all(client.sound.reshape(-1, BLOCK) == 0, axis=1)
    heard = np.flatnonzero(~silent)
    inner = silent[heard[0] + STARTED // BLOCK : heard[-1]]
    return int(inner.sum()) * BLOCK, len(inner) * BLOCK


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("rtt", "jitter"), [(0.08, 0.05), (0.08, 0.0), (0.04, 0.05), (0.0, 0.05), (0.15, 0.0)]
)
def test_nothing_runs_dry_without_a_loss(seed: int, rtt: float, jitter: float) -> None:
    client = FarClient(())
    client.down, client.up = lines(seed, rtt, jitter)
    talk = told(client)
    assert talk.when(o.TurnPhase.COMPLETED, 1)
    assert client.underruns == 0
    assert concealed(client)[0] == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("again", [0.2, 0.35])
def test_with_a_segment_in_a_hundred_lost_the_lead_grows(seed: int, again: float) -> None:
    """`again`: the least retransmission time of TCP, and that time behind 150 ms."""
    client = FarClient(())
    client.down, client.up = lines(seed, 0.15, 0.0, 0.01, again)
    told(client)
    silent, length = concealed(client)
    assert silent <= 0.01 * length
    assert 0.34 < client.most_waiting < 0.5


def test_the_tail_is_short_once_it_is_told_to_stop() -> None:
    client = FarClient(())
    client.down, client.up = lines(1, 0.15, 0.05, 0.01, 0.35)
    told(client, (6.0, i.Interrupt(0)))
    (flushed,) = client.flushed_at
    last = np.flatnonzero(client.sound)[-1] / RATE_HZ
    assert last - flushed < 0.05


def test_a_client_that_ran_dry_while_it_was_held_for_is_sent_no_more() -> None:
    """One that does not obey PlaybackControl plays what it has, and then nothing: no line was at fault."""
    turns = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
    client, plain = FarClient(()), replace(CLIENT, has_playback_control=False, turns=turns)
    ears = sound(pause(3.2), user(0.48), pause(1.76), user(0.48), pause(2.4))
    late = Hearing("Yeah.", delay=0.5)
    talk = converse(
        script([(0.0, i.TextInput("a story"))], microphone(ears)),
        scripted([late], [STORY]),
        plain,
        client=client,
        ends_at=50.0,
    )
    assert talk.words(1).strip() == STORY
    assert client.underruns == 2
    assert client.most_waiting <= 0.2 + 0.04


def test_a_client_at_hand_is_sent_no_more_than_was_asked_for() -> None:
    client = FarClient(())
    told(client)
    assert 0.1 < client.most_waiting <= 0.2 + 0.04
