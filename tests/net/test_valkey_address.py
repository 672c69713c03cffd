"""The URL of a Valkey: what is read of it, what is wrong with it, and what of it is never shown."""

import pytest

from voice_grpc.net.addresses import is_url
from voice_grpc.net.valkey_address import ACCEPTED, Topology, ValkeyAddress, read_valkey_address

ONE, CLUSTER, SENTINEL = Topology.ONE, Topology.CLUSTER, Topology.SENTINEL


@pytest.mark.parametrize(
    ("url", "address", "location"),
    [
        ("redis://h", ValkeyAddress(ONE, (("h", 6379),)), "redis://h:6379"),
        ("valkey://h:1/", ValkeyAddress(ONE, (("h", 1),)), "redis://h:1"),
        ("rediss://h/3", ValkeyAddress(ONE, (("h", 6379),), True, 3), "rediss://h:6379/3"),
        ("valkeys://[::1]:7", ValkeyAddress(ONE, (("::1", 7),), True), "rediss://[::1]:7"),
        ("REDIS://h", ValkeyAddress(ONE, (("h", 6379),)), "redis://h:6379"),
        (
            "redis://:p%40ss%2F@h",
            ValkeyAddress(ONE, (("h", 6379),), password="p@ss/"),
            "redis://h:6379",
        ),
        (
            "redis://ann:a:b@h:2/1?ssl_ca_certs=/ca.pem",
            ValkeyAddress(ONE, (("h", 2),), False, 1, "", "ann", "a:b", {"ssl_ca_certs": "/ca.pem"}),
            "redis://h:2/1",
        ),
        (
            "redis+cluster://a,b:2,[::1]:3",
            ValkeyAddress(CLUSTER, (("a", 6379), ("b", 2), ("::1", 3))),
            "redis+cluster://a:6379,b:2,[::1]:3",
        ),
        (
            "rediss+sentinel://:x@a,b:2/main/4?sentinel_password=y",
            ValkeyAddress(
                SENTINEL, (("a", 26379), ("b", 2)), True, 4, "main", "", "x", {"sentinel_password": "y"}
            ),
            "rediss+sentinel://a:26379,b:2/main/4",
        ),
    ],
)
def test_what_is_read(url: str, address: ValkeyAddress, location: str) -> None:
    assert is_url(url)
    assert read_valkey_address(url) == address
    assert address.location == location


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "sqlite:///x.db",
        "redis+mesh://h",
        "redis://",
        "redis://h:0",
        "redis://h:70000",
        "redis://h:port",
        "redis://a,b",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h/-1",
        "redis://[::1",
        "redis://:pass#word@h",
        "redis://:pass/word@h",
        "redis+cluster://h/1",
        "redis+sentinel://h",
        "redis+sentinel://h/main/x",
        "redis+sentinel://h/main/0/1",
    ],
)
def test_what_is_wrong_is_told_without_it(url: str) -> None:
    with pytest.raises(
        ValueError, match="^a file, `memory`, or the URL of a Valkey or Redis: redis://"
    ) as wrong:
        read_valkey_address(url)
    assert str(wrong.value) == ACCEPTED


def test_an_option_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match=r"behind the \? nothing but ssl_ca_certs, ssl_certfile"):
        read_valkey_address("redis://h?decode_responses=yes")


def test_what_is_secret_is_hidden() -> None:
    address = read_valkey_address("redis+sentinel://ann:p%40ss%2F@h/main?sentinel_password=sesame")
    for secret in ("p@ss/", "p%40ss%2F", "sesame"):
        assert secret not in repr(address) + address.location
        assert address.hide(f"AUTH {secret} is wrong") == "AUTH *** is wrong"


@pytest.mark.parametrize("text", ["memory", "", "sessions.db", "/var/lib/voice.db", "~/x", "redis"])
def test_what_is_no_url(text: str) -> None:
    assert not is_url(text)
