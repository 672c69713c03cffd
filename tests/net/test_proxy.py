"""Which proxy leads where: near hosts by none, then NO_PROXY, then the variable of the scheme."""

import os

import pytest

from voice_grpc.net.proxy import (
    NEAR,
    grpc_options,
    grpc_through,
    is_near,
    proxy_for,
    spare_near_hosts,
    through,
)

PROXY = "http://me:pass-word@proxy.example:3128"


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "ip6-localhost"),
        *("127.0.0.1", "127.8.8.8", "::1", "[::1]", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"),
        *("169.254.169.254", "fe80::1", "fe80::1%eth0", "[fe80::1%25eth0]", "0.0.0.0", "::"),
    ],
)
def test_near_hosts(host: str) -> None:
    assert is_near(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example", "mylocalhost", "10.0.0.1", "128.0.0.1", "fd00::1", "box"]
)
def test_hosts_elsewhere(host: str) -> None:
    assert not is_near(host)


@pytest.mark.parametrize(
    "variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "WS_PROXY"]
)
@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss", "grpc", "grpcs"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "[fe80::1]"])
def test_no_proxy_leads_to_what_is_near(
    variable: str, scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, PROXY)
    assert proxy_for(f"{scheme}://{host}:9000/v1") is None
    assert through(f"{scheme}://{host}:9000/v1") == ""


@pytest.mark.parametrize(
    ("variables", "url", "variable"),
    [
        (["HTTP_PROXY"], "http://box", "HTTP_PROXY"),
        (["http_proxy", "HTTP_PROXY"], "http://box", "http_proxy"),
        (["HTTP_PROXY"], "https://box", None),
        (["HTTPS_PROXY"], "https://box", "HTTPS_PROXY"),
        (["HTTPS_PROXY"], "http://box", None),
        (["ALL_PROXY"], "http://box", "ALL_PROXY"),
        (["ALL_PROXY", "HTTPS_PROXY"], "https://box", "HTTPS_PROXY"),
        (["HTTP_PROXY"], "ws://box", "HTTP_PROXY"),
        (["HTTPS_PROXY", "WSS_PROXY"], "wss://box", "WSS_PROXY"),
        (["HTTPS_PROXY"], "grpcs://box:443", "HTTPS_PROXY"),
        (["grpc_proxy", "https_proxy"], "grpcs://box:443", "grpc_proxy"),
        (["HTTP_PROXY"], "grpc://box:50051", "HTTP_PROXY"),
        (["HTTP_PROXY", "ALL_PROXY"], "tcp://box:10300", None),
        (["HTTP_PROXY"], "no url at all", None),
        (["HTTP_PROXY"], "http://box:port", None),
    ],
)
def test_the_variable_of_the_scheme_counts(
    variables: list[str], url: str, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables:
        monkeypatch.setenv(name, f"http://{name.replace('_', '-')}:1")
    found = proxy_for(url)
    assert (found.variable if found else None) == variable
    if found:
        assert found.url == f"http://{found.variable.replace('_', '-')}:1"


@pytest.mark.parametrize(
    ("spared", "url", "is_spared"),
    [
        ("*", "http://box", True),
        ("box", "http://box", True),
        ("BOX", "http://box:9000", True),
        ("a.example, box", "http://box", True),
        ("a.example box", "http://box", True),
        ("example.com", "https://api.example.com", True),
        (".example.com", "https://api.example.com", True),
        ("*.example.com", "https://api.example.com", True),
        ("example.com", "https://myexample.com", False),
        ("box:9000", "http://box:9000", True),
        ("box:9000", "http://box:9001", False),
        ("box:80", "http://box", True),
        ("http://box", "http://box", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("10.0.0.1", "http://10.0.0.1:9000", True),
        ("10.0.0.1:9000", "http://10.0.0.1:9000", True),
        ("fd00::/8", "http://[fd00::7]:9000", True),
        ("fd00::7", "http://[fd00::7]:9000", True),
        ("[fd00::7]:9000", "http://[fd00::7]:9000", True),
        ("[fd00::7]:9000", "http://[fd00::7]:9001", False),
        ("0.1", "http://10.0.0.1", False),
        ("", "http://box", False),
        (",", "http://box", False),
    ],
)
def test_no_proxy_is_honoured(
    spared: str, url: str, is_spared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", spared)
    assert (proxy_for(url) is None) == is_spared


def test_a_message_names_the_proxy_and_its_variable_but_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert through("https://box") == " through the proxy http://proxy.example:3128 (HTTPS_PROXY)"
    monkeypatch.setenv("https_proxy", "proxy:1")
    assert through("https://box") == " through the proxy http://proxy:1 (https_proxy)"
    monkeypatch.setenv("https_proxy", "http://pass-word@[proxy")
    assert through("https://box") == " through the proxy that is no URL (https_proxy)"


def test_grpc_is_told_its_proxy_and_takes_none_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = (("grpc.enable_http_proxy", 0),)
    assert grpc_options("box:443", is_encrypted=True) == direct
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert grpc_options("box:443", is_encrypted=True) == (("grpc.http_proxy", PROXY),)
    assert grpc_through("box:443", is_encrypted=True).endswith("(HTTPS_PROXY)")
    assert grpc_options("box:443", is_encrypted=False) == direct
    assert grpc_options("[::1]:443", is_encrypted=True) == direct


def test_grpc_connects_directly_past_a_proxy_that_it_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    assert grpc_options("box:443", is_encrypted=True) == (("grpc.enable_http_proxy", 0),)
    assert grpc_through("box:443", is_encrypted=True) == ""


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_clients_of_others_are_told_what_is_near(variable: str) -> None:
    environment = {variable: "box, 10.0.0.0/8"}
    spare_near_hosts(environment)
    assert environment["no_proxy"] == environment["NO_PROXY"]
    assert environment["no_proxy"].split(",") == ["box", "10.0.0.0/8", *NEAR]
    spare_near_hosts(environment)
    assert environment["no_proxy"].split(",") == ["box", "10.0.0.0/8", *NEAR]
