"""Where a Whisper server is, out of one URL: what is said of it, and what never is."""

import pytest

from voice_grpc.core.errors import EngineMissing
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.process.redaction import HIDDEN

SECRET = "hush-hush-key"
BASIC = "YW5uYTpodXNoLWh1c2gta2V5"
"""anna:hush-hush-key"""


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://box", "http://box:80"),
        ("https://box/", "https://box:443"),
        ("HTTPS://Box.Example/v1/", "https://box.example:443/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("ws://box", "ws://box:80"),
        ("wss://box/v1/realtime?model=m", "wss://box:443/v1/realtime"),
        ("tcp://box", "tcp://box:10300"),
        (" http://box:8000/openai/v1 \n", "http://box:8000/openai/v1"),
        (f"http://anna:{SECRET}@box:8000", "http://box:8000"),
        (f"http://box/v1?api_key={SECRET}", "http://box:80/v1"),
    ],
)
def test_a_url_is_a_place(url: str, location: str) -> None:
    address = parse_address(url)
    assert address.location == location
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", "no URL"),
        ("box", "no URL"),
        (SECRET, "no URL"),
        ("http://", "a URL of the scheme 'http'"),
        ("http://[::1", "no URL"),
        ("http://box:99999", "no URL"),
        ("http://box:port", "no URL"),
        (f"http://anna:{SECRET}@", "a URL of the scheme 'http'"),
        ("http://a box", "a URL of the scheme 'http'"),
        ("http://box/a\tb", "a URL of the scheme 'http'"),
        ("http://box/\x00", "a URL of the scheme 'http'"),
        ("ftp://box", "a URL of the scheme 'ftp'"),
        ("box:8000", "a URL of the scheme 'box'"),
    ],
)
def test_what_is_no_place_is_told_without_showing_it(url: str, shown: str) -> None:
    with pytest.raises(EngineMissing) as told:
        parse_address(url, "")
    assert str(told.value).startswith(f"WHISPER_SERVER_URL: got {shown}, accepted: http(s)://")
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("url", "key", "header"),
    [
        ("http://box", "", {}),
        ("http://box", SECRET, {"Authorization": f"Bearer {SECRET}"}),
        ("http://box", f" {SECRET}\n", {"Authorization": f"Bearer {SECRET}"}),
        (f"http://anna:{SECRET}@box", "", {"Authorization": f"Basic {BASIC}"}),
        ("http://anna:hush%2Dhush%2Dkey@box", "", {"Authorization": f"Basic {BASIC}"}),
        (f"http://anna:{SECRET}@box", "other", {"Authorization": "Bearer other"}),
        ("http://token@box", "", {"Authorization": "Basic dG9rZW46"}),
    ],
)
def test_a_key_goes_before_a_name_and_a_password(url: str, key: str, header: dict[str, str]) -> None:
    assert parse_address(url, key).headers == header


@pytest.mark.parametrize("key", ["clé", "two words", "two\nlines", "\x7f", "nul\x00"])
def test_a_key_that_no_header_can_hold_is_told_and_not_shown(key: str) -> None:
    with pytest.raises(EngineMissing, match="WHISPER_API_KEY") as told:
        parse_address("http://box", key)
    assert key not in str(told.value)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://box", SECRET),
        (f"http://anna:{SECRET}@box", ""),
        (f"http://{SECRET}@box", ""),
        (f"http://box?model=m&api_key={SECRET}", ""),
        ("http://box?api_key=hush%2Dhush%2Dkey", ""),
    ],
)
def test_what_a_server_repeats_is_hidden(url: str, key: str) -> None:
    address = parse_address(url, key)
    assert address.hide(f"no such key: {SECRET}!") == f"no such key: {HIDDEN}!"
    for value in (*address.headers.values(), *address.query.split("&")):
        assert SECRET not in address.hide(value)
        assert BASIC not in address.hide(value)
    assert address.hide("the model m is loading") == "the model m is loading"
