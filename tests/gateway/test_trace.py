"""A browser's trace goes through the gateway to the server, and what is none costs nobody anything."""

from dataclasses import dataclass, field

import httpx2
import pytest

from voice_grpc.core.trace_context import TraceContext
from voice_grpc.ports.observer import Happening, SessionBegan

from .harness import deployed

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@dataclass
class Seen:
    """Keeps the traces of conversations."""

    traces: list[TraceContext] = field(default_factory=list)

    def observe(self, happening: Happening) -> None:
        if isinstance(happening, SessionBegan):
            self.traces.append(happening.session.trace)


async def test_that_of_a_sockets_handshake() -> None:
    seen = Seen()
    headers = {"traceparent": PARENT, "tracestate": "a=1"}
    async with deployed(observer=seen) as here, here.browser(headers=headers) as browser:
        await browser.send({"type": "start"})
        await browser.said(type="ready")
    assert seen.traces == [TraceContext(TRACE, SPAN, True, "a=1")]


@pytest.mark.parametrize("wrong", ["none", f"{PARENT}-more", f"cc{PARENT[2:]}-{'a' * 4_000}", "00-\u00e4"])
async def test_one_that_is_wrong_is_ignored(wrong: str) -> None:
    seen = Seen()
    headers = {"traceparent": wrong.encode().decode("latin-1"), "tracestate": "my secret garden"}
    async with deployed(observer=seen) as here:
        async with here.browser(headers=headers) as browser:
            await browser.send({"type": "start"})
            await browser.said(type="ready")
        async with httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
            given = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
            assert (await http.get("/v1/info", headers=given)).status_code == 200
    (trace,) = seen.traces
    assert (trace.parent_id, trace.state) == ("", "")


async def test_that_of_an_offer() -> None:
    pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")
    from .webrtc.peer import calling

    seen = Seen()
    async with deployed(observer=seen) as here, calling(here.url, headers={"traceparent": PARENT}) as peer:
        peer.send({"config": {"sessionId": "mine"}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
    assert seen.traces == [TraceContext(TRACE, SPAN)]
