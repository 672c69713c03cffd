"""Which host is asked for, whose page asks, and from where: at a real gateway, and as it is read."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin as Page

from gateway.origin import Host, Origin, read_host, read_hosts, read_origin
from gateway.server import serving as gateway_serving

from .harness import Deployment, deployed, settings

APP = "https://app.example"


@asynccontextmanager
async def asking(here: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        yield http


async def refused_with(here: Deployment, **given: Any) -> tuple[int, bytes]:
    """Status and body of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as told:
        async with here.browser(**given):
            pass
    return told.value.response.status_code, bytes(told.value.response.body or b"")


# ---------------------------------------------------------------- Host


@pytest.mark.parametrize(
    ("host", "hosts", "status"),
    [
        ("127.0.0.1", [], 200),
        ("localhost:9000", [], 200),
        ("LocalHost.", [], 200),
        ("[::1]:8080", [], 200),
        ("[0:0::1]", [], 200),
        ("evil.example", [], 421),
        ("127.0.0.1.evil.example", [], 421),
        ("localhost.evil.example:80", [], 421),
        ("evil.example", ["app.example"], 421),
        ("app.example", ["app.example"], 200),
        ("App.Example.:443", ["app.example"], 200),
        ("sub.app.example", ["app.example"], 421),
        ("any.example", ["*"], 200),
        ("127.0.0.2", [], 421),
        ("[", [], 400),
        ("", [], 400),
        ("a b", [], 400),
        ("user@localhost", [], 400),
        ("localhost:99999", [], 400),
        ("localhost/evil", [], 400),
    ],
)
async def test_only_hosts_that_are_served_are_answered(host: str, hosts: list[str], status: int) -> None:
    async with deployed(gateway={"hosts": hosts}) as here, asking(here) as http:
        told = await http.get("/v1/info", headers={"Host": host})
        assert told.status_code == status
        if status != 200:
            assert "Host: got" in told.text


async def test_a_page_that_leads_its_own_name_here_gets_no_socket() -> None:
    """DNS rebinding: its origin is its host."""
    async with deployed() as here:
        evil = f"evil.example:{here.port}"
        with pytest.raises(InvalidStatus) as told:
            await connect(f"ws://{evil}/v1/ws", host="127.0.0.1", origin=Page(f"http://{evil}"), proxy=None)
        assert told.value.response.status_code == 421
        assert b"--hosts" in (told.value.response.body or b"")


# ---------------------------------------------------------------- Origin


@pytest.mark.parametrize(
    ("origin", "origins", "is_in"),
    [
        (None, [], True),
        ("same", [], True),
        ("https://evil.example", [], False),
        ("null", [], False),
        ("null", ["*"], True),
        ("http://[", [], False),
        ("http://127.0.0.1:1", [], False),
        ("http://127.0.0.1", [], False),
        (APP, [APP], True),
        ("HTTPS://App.Example:443", [APP], True),
        ("http://app.example", [APP], False),
        ("https://app.example:8443", [APP], False),
        ("https://app.example.evil.example", [APP], False),
        ("https://any.example", ["*"], True),
    ],
)
async def test_a_page_of_another_host_is_not_let_in(
    origin: str | None, origins: list[str], is_in: bool
) -> None:
    async with deployed(gateway={"origins": origins}) as here, asking(here) as http:
        given = here.url if origin == "same" else origin
        told = await http.get("/v1/info", headers={"Origin": given} if given else {})
        assert told.status_code == (200 if is_in else 403)
        if is_in:
            async with here.browser(origin=given) as browser:
                await browser.send({"type": "start"})
                await browser.said(type="ready")
        else:
            status, said = await refused_with(here, origin=given)
            assert (status, b"--origins" in said) == (403, True)


async def test_a_page_behind_a_proxy_that_ends_tls_is_of_its_host() -> None:
    async with deployed(gateway={"hosts": ["app.example"]}) as here, asking(here) as http:
        told = await http.get("/v1/info", headers={"Host": "app.example", "Origin": APP})
        assert told.status_code == 200
        assert "access-control-allow-origin" not in told.headers


@pytest.mark.parametrize("path", ["/v1/webrtc", "/v1/info", "/v1/sessions/mine", "/v1/webrtc/none"])
async def test_a_page_that_is_named_may_ask_and_read(path: str) -> None:
    async with deployed(gateway={"origins": [APP]}) as here, asking(here) as http:
        wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        allowed = await http.options(path, headers={"Origin": APP, **wish})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == APP
        assert "POST" in allowed.headers["access-control-allow-methods"]
        named = set(allowed.headers["access-control-allow-headers"].split(", "))
        assert named >= {"Authorization", "Resume-Token", "Traceparent", "Tracestate"}
        told = await http.get(path, headers={"Origin": APP})
        assert told.headers["access-control-allow-origin"] == APP
        assert "Origin" in told.headers["vary"]
        other = await http.options(path, headers={"Origin": "https://evil.example", **wish})
        assert other.status_code == 403
        assert "access-control-allow-origin" not in other.headers


async def test_an_offer_of_another_page_is_read_where_it_is_named() -> None:
    async with deployed(gateway={"origins": [APP]}) as here, asking(here) as http:
        headers = {"Content-Type": "application/sdp", "Origin": APP}
        told = await http.post("/v1/webrtc", content="no offer", headers=headers)
        assert (told.status_code, told.headers["access-control-allow-origin"]) == (400, APP)
        assert "offer" in told.json()["error"]["message"]


# ---------------------------------------------------------------- addresses


async def let_in(here: Deployment, addresses: Sequence[str]) -> int:
    """How many of those that say they come from `addresses` have a place at once."""
    if not addresses:
        return 0
    try:
        async with here.browser(headers={"X-Forwarded-For": addresses[0]}):
            return 1 + await let_in(here, addresses[1:])
    except InvalidStatus as told:
        return 0 if told.response.status_code == 429 else -1_000


@pytest.mark.parametrize(("proxies", "count"), [([], 2), (["127.0.0.1"], 4), (["127.0.0.0/8"], 4)])
async def test_a_forwarded_address_is_believed_of_proxies_alone(proxies: list[str], count: int) -> None:
    async with deployed(gateway={"max_per_address": 2, "proxies": proxies}) as here:
        assert await let_in(here, [f"192.0.2.{number}" for number in range(4)]) == count


async def test_the_server_behind_is_told_of_the_browser() -> None:
    asked: dict[str, dict[str, str | bytes]] = {}

    class Behind(grpc.GenericRpcHandler):
        """Keeps the metadata, and answers nothing."""

        def service(self, details: grpc.HandlerCallDetails) -> None:
            asked[details.method.rpartition("/")[2]] = dict(details.invocation_metadata)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Behind(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        given = settings(target=f"127.0.0.1:{port}", proxies=["127.0.0.1"])
        async with (
            gateway_serving(given) as web,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{web}", trust_env=False) as http,
        ):
            headers = {"X-Forwarded-For": "198.51.100.1", "Authorization": "Bearer abc"}
            await http.get("/v1/info", headers=headers)
            await http.get("/v1/sessions/mine", headers=headers)
            async with Deployment(None, web).browser(headers=headers) as browser:  # type: ignore[arg-type]
                await browser.send({"type": "start"})
                await browser.closed()
    finally:
        await server.stop(None)
    assert set(asked) == {"GetServerInfo", "GetSession", "Converse"}
    for metadata in asked.values():
        assert (metadata["x-forwarded-for"], metadata["authorization"]) == ("198.51.100.1", "Bearer abc")


# ---------------------------------------------------------------- reading


def test_what_hosts_and_origins_are() -> None:
    assert read_host("Example.COM.:80") == Host("example.com", 80)
    assert read_host("[::0001]") == Host("::1")
    assert read_origin("https://Example.com") == Origin("https", "example.com", 443)
    assert read_origin("http://[::1]:8080") == Origin("http", "::1", 8080)
    assert read_origin("http://a").is_of(Host("a"))
    assert read_origin("https://a").is_of(Host("a"))
    assert read_origin("https://a").is_of(Host("a", 443))
    assert not read_origin("https://a").is_of(Host("a", 80))
    assert list(read_hosts(["*", "[::1]", "A.b"])) == ["*", "::1", "a.b"]


@pytest.mark.parametrize(
    "text", ["", ".", "[", "[]", "[1]", "[::1", "a:b", "a:0", "é", "a b", "a/b", "a@b", "\0"]
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match="a name such as"):
        read_host(text)


@pytest.mark.parametrize("text", ["", "null", "a.b", "ftp://a", "http://", "http://a/", "http://[", "//a"])
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match="https://HOST"):
        read_origin(text)
