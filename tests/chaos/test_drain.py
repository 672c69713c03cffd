"""A server drains for less than what an answer has left: the rest is said by another one, from the next word.

Clients of every kind: `Call`, with and without reports, which leaves by itself shortly before the end; and
one that does not, whose stream ends. Browsers, and programs on the gateway's sockets, are in
`test_browsers.py`.
"""

import asyncio
import signal
from pathlib import Path

import grpc
import grpc.aio
import numpy as np
import pytest

from tests.chaos import killers, words
from tests.chaos.cluster import DRAIN_SECONDS, Cluster, cluster
from tests.chaos.person import config
from tests.chaos.test_kills import all_talk, assert_whole, people
from tests.serving import LOCAL, ConverseCall, assert_told, stub_of
from tests.valkey import needs_valkey
from voice_grpc.core.audio import Samples
from voice_grpc.pb import voice_pb2 as pb

pytestmark = [needs_valkey, pytest.mark.timeout(180)]

HEARD_S = 0.6
"""Of the answer, when its server is told to go."""
assert HEARD_S + DRAIN_SECONDS < words.ANSWER_WORDS * words.VOICE_WORD_S


async def assert_cut(there: Cluster, session_id: str) -> None:
    """The answer was said in two parts."""
    told = (await there.history(session_id)).messages
    assert [m.role for m in told].count(pb.SessionMessage.ROLE_ASSISTANT) == 2


@pytest.mark.parametrize("reports", [True, False])
async def test_a_call_leaves_in_the_midst_of_an_answer(tmp_path: Path, reports: bool) -> None:
    async with cluster(tmp_path) as there:
        (person,) = people(1, 1, reports=reports)

        async def drain() -> None:
            await person.until(lambda: person.is_hearing)
            await asyncio.sleep(HEARD_S)
            await killers.roll(there, there.holder(person.name))

        await all_talk(there, [person], drain())
        await assert_whole(there, person)
        await assert_cut(there, person.name)
        assert person.line == [], "nobody was told of a lost line"


def sound(chunks: list[pb.AudioOutput]) -> Samples:
    return np.frombuffer(b"".join(chunk.data for chunk in chunks), "<i2")


async def test_who_does_not_leave_is_parked_and_goes_on_elsewhere(tmp_path: Path) -> None:
    asked = words.question(0)
    async with (
        cluster(tmp_path) as there,
        grpc.aio.insecure_channel(f"127.0.0.1:{there.envoy.plain}", LOCAL) as channel,
        asyncio.TaskGroup() as tasks,
    ):
        before = ConverseCall(stub_of(channel))
        tasks.create_task(before.read_all(), name="before")
        await before.config(config("stays", reports=True))
        await before.text(" ".join(asked))
        await before.until(lambda: len(sound(before.chunks(1))) > HEARD_S * words.VOICE_HZ, "sound")
        await there.servers[there.holder("stays")].end(signal.SIGTERM)
        assert_told(await before.ended(), grpc.StatusCode.UNAVAILABLE, "DRAINING")
        tokens = [r.resume_update.resume_token for r in before.said if r.HasField("resume_update")]
        here = sound(before.chunks(1))
        assert len(here) / words.VOICE_HZ >= HEARD_S + DRAIN_SECONDS - 0.5
        assert words.heard(here) != words.answer(asked)
        asks = config("stays", reports=True)
        asks.resume_token, asks.last_received_seq = tokens[-1], before.said[-1].seq
        asks.resume_turn, asks.resume_played_samples = 1, len(here)
        after = ConverseCall(stub_of(channel))
        tasks.create_task(after.read_all(), name="after")
        assert (await after.config(asks)).resumed
        await after.over(2)
        heard = words.heard(np.concatenate((here, sound(after.chunks(2)))))
        assert heard == words.answer(asked)
        after.cancel()
        await assert_cut(there, "stays")
