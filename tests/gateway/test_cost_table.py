"""The table of what one caller can cost says the numbers of the code, each of which a test measures:
`tests/net/http`, `test_hostile.py` and `test_admission.py` here, and `tests/whisper_server`."""

from gateway import app, server, websocket
from tests.pages import page
from voice_grpc.net.http.edge import HEAD_BYTES, HttpEdge
from voice_grpc.net.http.places import ADDRESS_SHARE
from voice_grpc.net.http.websocket import MAX_FRAGMENTS, MAX_UNREAD_BYTES
from voice_grpc.net.open_files import MOST_CONNECTIONS, SPARE_FILES
from voice_grpc.whisper_server import server as whisper_server
from voice_grpc.whisper_server import upload


def cost_table() -> str:
    edge = HttpEdge()
    rows = [
        ("of one caller", "gateway", "`whisper-server`", "beyond it"),
        (
            "request line and headers",
            f"{HEAD_BYTES:,} bytes, {edge.head_seconds:g} s",
            "the same",
            "431, 408; closed",
        ),
        (
            "body of a request",
            f"{app.MAX_OFFER:,} bytes, {app.OFFER_SECONDS:g} s",
            f"`--max-megabytes` and 1 MiB of fields, {upload._UPLOAD_SECONDS:g} s",  # noqa: SLF001 - it is told
            "413, 408",
        ),
        ("body that is not read", f"{edge.linger_seconds:g} s after the answer", "the same", "closed"),
        ("answer that is not taken", f"{edge.write_seconds:g} s", "the same", "closed"),
        (
            "idle between two requests",
            f"{edge.idle_seconds:g} s",
            f"{whisper_server._KEEP_ALIVE_S} s",  # noqa: SLF001 - it is told
            "closed",
        ),
        (
            f"connections, in all, from before their TLS handshake ({edge.head_seconds:g} s for it)",
            f"`--max-connections`; half of the open files less {SPARE_FILES}, {MOST_CONNECTIONS:,} at most",
            "the same",
            "the one that has waited longest for a whole request is closed; 503 where none waits, over TLS "
            "closed without a word",
        ),
        (
            "connections from one address, of IPv6 a /64; those of `--proxies` count in all alone",
            f"`--max-connections-per-address`; one in {ADDRESS_SHARE} of all",
            "the same",
            "the same, among its own",
        ),
        *socket_rows(),
    ]
    lines = [" ".join(["|", *(f"{cell} |" if cell else "|" for cell in row)]) for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|", *lines[1:]])


def socket_rows() -> list[tuple[str, str, str, str]]:
    """Of a WebSocket, which the gateway alone has."""
    rate = f"{websocket.MESSAGES_A_SECOND} and {websocket.BYTES_A_SECOND:,} bytes a second"
    return [
        (
            "WebSocket: a message",
            f"{server.MAX_MESSAGE_BYTES:,} bytes, {MAX_FRAGMENTS:,} fragments",
            "",
            "1009",
        ),
        ("WebSocket: the first message", f"{websocket.FIRST_SECONDS:g} s", "", "4408"),
        ("WebSocket: messages", f"{rate}, over {websocket.BURST_SECONDS:g} s", "", "4429"),
        (
            "WebSocket: what is not taken",
            f"{websocket.SEND_SECONDS:g} s a message; {MAX_UNREAD_BYTES:,} bytes of pongs",
            "",
            "4408; closed",
        ),
    ]


def test_the_table_of_costs_is_the_code() -> None:
    assert cost_table() in page("limits"), cost_table()
