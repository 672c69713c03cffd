"""Addresses: their parts, what a client is given of them, and what is never shown."""

from dataclasses import replace

import pytest

from voice_grpc.net.addresses import (
    bracketed,
    host_port,
    http_url,
    parse,
    reached_at,
    read_host_port,
    read_target,
    secrets_in,
)
from voice_grpc.process.redaction import HIDDEN

SECRET = "hush-hush-key"


@pytest.mark.parametrize(
    ("url", "origin", "location", "asked"),
    [
        ("http://box", "http://box", "http://box", "http://box/"),
        ("HTTPS://Box:8443/v1/", "https://box:8443", "https://box:8443/v1", "https://box:8443/v1"),
        ("ws://[::1]:8000", "ws://[::1]:8000", "ws://[::1]:8000", "ws://[::1]:8000/"),
        ("tcp://[fe80::1]", "tcp://[fe80::1]", "tcp://[fe80::1]", "tcp://[fe80::1]/"),
        (f"http://anna:{SECRET}@box/a", "http://box", "http://box/a", "http://box/a"),
        (f"http://box/v1?key={SECRET}", "http://box", "http://box/v1", f"http://box/v1?key={SECRET}"),
    ],
)
def test_a_url_in_its_parts(url: str, origin: str, location: str, asked: str) -> None:
    address = parse(url)
    assert (address.origin, address.location, address.url) == (origin, location, asked)
    assert SECRET not in repr(address)


def test_a_neighbour_of_it_keeps_its_brackets_and_its_secrets() -> None:
    address = replace(parse(f"ws://{SECRET}@[::1]:8000/v1/realtime"), scheme="http", path="/v1/models")
    assert address.url == "http://[::1]:8000/v1/models"
    assert address.hide(SECRET) == HIDDEN


@pytest.mark.parametrize(("host", "shown"), [("box", "box"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_only_an_ipv6_address_stands_in_brackets(host: str, shown: str) -> None:
    assert bracketed(host) == shown


@pytest.mark.parametrize("url", ["http://[::1", "http://box:99999", "http://box:port"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(url)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://box", SECRET),
        (f"http://{SECRET}@box", ""),
        (f"http://anna:{SECRET}@box", ""),
        (f"http://:{SECRET}@box", ""),
        ("http://anna:hush%2Dhush%2Dkey@box", ""),
        (f"http://anna:{SECRET}@box", "another key"),
        (f"http://box?model=m&api_key={SECRET}", ""),
        ("http://box?api_key=hush%2Dhush%2Dkey", ""),
        (f"http://box?{SECRET}", ""),
    ],
)
def test_what_is_secret_is_hidden_as_it_is_written_decoded_and_sent(url: str, key: str) -> None:
    address = parse(url, key)
    assert address.hide(f"no such key: {SECRET}!") == f"no such key: {HIDDEN}!"
    for told in (address.query, *address.headers.values()):
        assert SECRET not in address.hide(told)
        assert "hush%2Dhush" not in address.hide(told)
    assert HIDDEN in address.hide(address.authorization or address.query)


@pytest.mark.parametrize("url", [f"me:{SECRET}@box", f"https://box?key={SECRET}", f"http://[{SECRET}"])
def test_secrets_are_found_in_a_url_without_a_scheme_and_in_what_is_none(url: str) -> None:
    assert any(SECRET in secret for secret in secrets_in(url))


def test_two_words_of_a_query_are_one_secret() -> None:
    assert parse("http://box?key=hush+hush+key").hide("no key: hush hush key") == f"no key: {HIDDEN}"


def test_what_everybody_may_know_is_not_hidden() -> None:
    address = parse("http://box?api-version=2024-10-21&model=whisper-1&intent=transcription")
    said = "model whisper-1 has no transcription in version 2024-10-21"
    assert address.hide(said) == said
    assert address.secrets == ()


def test_what_is_too_short_is_not_searched_for_inside_of_words() -> None:
    assert parse("http://me:pw@box?k=ab").hide("about: upwards") == "about: upwards"
    assert "pw" in parse("http://me:pw@box").secrets


def test_secrets_of_any_text_that_may_be_an_address() -> None:
    found = set(secrets_in("https://me:p%20w@host/?key=abcd"))
    assert {"p%20w", "p w", "me:p w", "abcd", "key=abcd"} <= found
    assert "token" in secrets_in("token@host")
    assert not secrets_in("https://host:1/path")
    assert secrets_in("http://[broken") == ("http://[broken",)


@pytest.mark.parametrize(
    ("host", "port", "shown"),
    [
        ("127.0.0.1", 80, "127.0.0.1:80"),
        ("localhost", 0, "localhost:0"),
        ("::1", 80, "[::1]:80"),
        ("[::1]", 80, "[::1]:80"),
        ("::", 80, "[::]:80"),
        ("fe80::1%eth0", 80, "[fe80::1%eth0]:80"),
    ],
)
def test_host_and_port_are_written(host: str, port: int, shown: str) -> None:
    assert host_port(host, port) == shown
    assert http_url(host, port) == f"http://{shown}"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("box", "box", 50051),
        (" box:1 ", "box", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("::1", "::1", 50051),
        ("[::1]", "::1", 50051),
        ("[::1]:8080", "::1", 8080),
        ("::1:50051", "::1", 50051),
        ("::1:8080", "::1", 8080),
        (":::8080", "::", 8080),
        ("::", "::", 50051),
        ("[::]:1", "::", 1),
        ("fd00::7", "fd00::7", 50051),
        ("fd00::7:8080", "fd00::7:8080", 50051),
        ("2001:db8:0:0:0:0:0:1:8080", "2001:db8:0:0:0:0:0:1", 8080),
        ("[fe80::1%eth0]:8080", "fe80::1%eth0", 8080),
    ],
)
def test_host_and_port_are_read(text: str, host: str, port: int) -> None:
    assert read_host_port(text, 50051) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":1", "box:", "box:many", "box:0", "box:65536", "box:-1", "box:1_0", "box:²", "a b:1", "box/x"),
        *("[::1", "::1]:80", "[box]:80", "[::1]:", "[::1]x", "1::2::3", "me@box:1", "box:1:2", "\udcff:1"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^HOST, HOST:PORT or \[IPV6\]:PORT"):
        read_host_port(text, 50051)


@pytest.mark.parametrize(
    ("text", "address", "is_encrypted"),
    [
        ("box", "box:50051", False),
        ("http://box", "box:50051", False),
        ("https://box/", "box:443", True),
        ("HTTPS://box:50051", "box:50051", True),
        ("https://[::1]", "[::1]:443", True),
        ("http://::1:50051", "[::1]:50051", False),
        ("::1", "[::1]:50051", False),
    ],
)
def test_targets_are_read(text: str, address: str, is_encrypted: bool) -> None:
    assert read_target(text, 50051) == (address, is_encrypted)


@pytest.mark.parametrize("text", ["", "ftp://box", "unix:/x", "https://box/path", "://box", "box:port"])
def test_what_is_no_target_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^HOST\[:PORT\], http://"):
        read_target(text, 50051)


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("192.0.2.1", "192.0.2.1"), ("::1", "::1")],
)
def test_who_listens_everywhere_is_found_here(host: str, reached: str) -> None:
    assert reached_at(host) == reached
