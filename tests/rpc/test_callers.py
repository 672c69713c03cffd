"""Who calls: by the token, by what a named proxy forwarded, or by the peer as gRPC writes it."""

from typing import Any

import pytest

from voice_grpc.net.forwarded import read_network
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.rpc.callers import caller_name

from ..serving import serving

PROXIES = [read_network("10.0.0.0/8"), read_network("127.0.0.1")]
FORWARDED = (("x-forwarded-for", "203.0.113.9"),)


@pytest.mark.parametrize(
    ("peer", "forwarded", "name", "is_local"),
    [
        ("ipv4:192.0.2.1:4711", [], "address:192.0.2.1", False),
        ("ipv4:192.0.2.1:4711", ["203.0.113.9"], "address:192.0.2.1", False),
        ("ipv4:10.1.2.3:4711", ["203.0.113.9"], "address:203.0.113.9", False),
        ("ipv4:10.1.2.3:4711", ["198.51.100.7, 203.0.113.9"], "address:203.0.113.9", False),
        ("ipv4:127.0.0.1:4711", ["203.0.113.9"], "address:203.0.113.9", False),
        ("ipv4:127.0.0.1:4711", [], "address:127.0.0.1", True),
        ("ipv4:127.0.0.2:4711", ["203.0.113.9"], "address:127.0.0.2", True),
        ("ipv6:[::1]:4711", [], "address:::1", True),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:4711", [], "address:2001:db8:1:2::/64", False),
        ("ipv6:[2001:db8:1:2:ffff::5]:1", [], "address:2001:db8:1:2::/64", False),
        ("ipv6:[fe80::1%25eth0]:1", [], "address:fe80::/64", False),
        ("ipv6:[::ffff:192.0.2.1]:4711", [], "address:192.0.2.1", False),
        ("ipv6:[::ffff:10.1.2.3]:4711", ["2001:db8::9"], "address:2001:db8::/64", False),
        ("ipv4:10.1.2.3:4711", ["no address"], "address:10.1.2.3", False),
        ("unix:/run/voice.sock", ["203.0.113.9"], "address:unix", True),
        ("unix:", [], "address:unix", True),
        ("", [], "address:unknown", True),
    ],
)
def test_a_name_for_who_is_there(peer: str, forwarded: list[str], name: str, is_local: bool) -> None:
    assert caller_name(peer, forwarded, PROXIES) == (name, is_local)


async def told(metadata: tuple[tuple[str, str], ...] = (), **given: Any) -> str:
    async with serving(**given) as served:
        info = await served.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata)
        return info.caller.caller


async def test_without_tokens_a_caller_is_its_address() -> None:
    assert await told() == "address:127.0.0.1"


async def test_nobody_is_believed_who_was_not_named() -> None:
    assert await told(FORWARDED) == "address:127.0.0.1"


async def test_a_proxy_that_was_named_says_who_calls() -> None:
    assert await told(FORWARDED, proxies="127.0.0.1") == "address:203.0.113.9"


async def test_a_token_is_who_calls_wherever_it_comes_from() -> None:
    bearer = ("authorization", "Bearer secret-of-mine")
    name = await told((bearer, *FORWARDED), tokens="secret-of-mine,other", proxies="127.0.0.1")
    assert name.startswith("token:")
    assert "secret" not in name
    assert await told((bearer,), tokens="secret-of-mine") == name
