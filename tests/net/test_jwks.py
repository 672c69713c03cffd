"""Which keys of a JWK Set count, and which of them a token means."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm

from tests.tokens import Issuer
from voice_grpc.net import jwks as fetching
from voice_grpc.net.jwks import KeyUrl, chosen, fetched, read_keys
from voice_grpc.process.reloaded import LARGEST_FILE

EC, RSA = Issuer("ES256", "e"), Issuer("RS256", "r")
PRIVATE: dict[str, Any] = ECAlgorithm.to_jwk(EC.key, as_dict=True)
SECRET: dict[str, Any] = HMACAlgorithm.to_jwk("secret", as_dict=True)


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JWK Set"),
        (b"[]", "no JWK Set"),
        (b"{}", "no JWK Set"),
        (b"\xff", "no JWK Set"),
        (b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "no JWK Set"),
        (jwks(), "none of its 0 keys"),
        (b'{"keys": {}}', "no list of 100 at most"),
        (jwks(*[EC.jwk] * 101), "no list of 100 at most"),
        (jwks({**SECRET, "kid": "s"}), "none of its 1 keys"),
        (jwks({**EC.jwk, "use": "enc"}), "none of its 1 keys"),
        (jwks({**EC.jwk, "alg": "HS256"}), "none of its 1 keys"),
        (jwks({**EC.jwk, "key_ops": ["sign"]}), "none of its 1 keys"),
        (jwks({**EC.jwk, "key_ops": None}, {**EC.jwk, "key_ops": 7}), "none of its 2 keys"),
        (jwks({**EC.jwk, "x": "AAAA"}), "none of its 1 keys"),
        (jwks({"kty": "RSA"}, {"kty": []}, 7, None), "none of its 4 keys"),
        (jwks(Issuer("RS256", key=rsa.generate_private_key(65537, 1024)).jwk), "none of its 1 keys"),
    ],
)
def test_a_set_without_a_key_that_counts(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_keys(content)


def test_what_cannot_be_read_is_left_out_and_of_a_private_key_the_public_part_is_taken() -> None:
    keys = read_keys(jwks({"kty": "new"}, {**PRIVATE, "kid": "p"}, RSA.jwk))
    assert [(key.id, key.kind) for key in keys] == [("p", "EC"), ("r", "RSA")]
    assert not hasattr(keys[0].public, "sign")


def test_a_key_is_for_its_algorithms_alone() -> None:
    keys = read_keys(jwks(EC.jwk, {**RSA.jwk, "alg": "PS256"}))
    found = {name for name in ("ES256", "ES384", "RS256", "PS256", "EdDSA") if chosen(keys, "", name)}
    assert found == {"ES256", "PS256"}


def test_one_that_names_no_key_means_the_only_one_that_fits() -> None:
    keys = read_keys(jwks(EC.jwk, RSA.jwk))
    assert chosen(keys, "", "RS512") is keys[1]
    assert chosen(keys, "e", "RS512") is None
    assert chosen(read_keys(jwks(EC.jwk, {**EC.jwk, "kid": "f"})), "", "ES256") is None


async def test_an_unknown_key_is_asked_for_once_in_a_while() -> None:
    asked: list[float] = []
    times = [0.0]

    def fetch(_: str) -> Any:
        asked.append(times[-1])
        return read_keys(EC.jwks)

    keys = KeyUrl("https://login.example", fetch, lambda: times[-1])
    assert await keys.asked_again()
    for now in (1.0, 9.9, 10.0, 12.0, 21.0):
        times.append(now)
        await keys.asked_again()
    assert asked == [0.0, 10.0, 21.0]


@contextmanager
def dripping(first: bytes, each: bytes) -> Iterator[str]:
    """The URL of a server that has begun to answer, and goes on for as long as somebody listens."""

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(first)
            while not over.wait(0.01):
                connection.sendall(each)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("first", "each"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b""),
    ],
    ids=["headers", "a header", "content", "nothing"],
)
def test_keys_that_come_by_drops_are_waited_for_no_longer_than_others(
    first: bytes, each: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.2)
    with dripping(first, each) as url, pytest.raises(ValueError, match=r"no whole answer within 0\.2 s"):
        fetched(url)


def answer(head: bytes, content: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(content), content)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (answer(b"500 Internal Server Error", jwks(EC.jwk)), "status 500"),
        (answer(b"302 Found\r\nLocation: http://127.0.0.1:1/", jwks(EC.jwk)), "status 302"),
        (answer(b"200 OK", b" " * LARGEST_FILE + jwks(EC.jwk)), "more than 1048576 bytes"),
        (answer(b"200 OK\r\nContent-Encoding: gzip", gzip.compress(b" " * 10**8)), "no JWK Set"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000, "RemoteProtocolError"),
        (b"220 mail.example ESMTP\r\n\r\n", "RemoteProtocolError"),
    ],
    ids=["failed", "elsewhere", "huge", "blown up", "head", "no HTTP"],
)
def test_what_is_no_answer_with_keys_is_told_by_its_kind(written: bytes, said: str) -> None:
    with dripping(written, b"") as url, pytest.raises(ValueError, match=said):
        fetched(url)


def test_what_is_packed_though_nobody_asked_is_not_unpacked() -> None:
    packed = answer(b"200 OK\r\nContent-Encoding: gzip", gzip.compress(jwks(EC.jwk)))
    with dripping(packed, b"") as url, pytest.raises(ValueError, match="no JWK Set"):
        fetched(url)
