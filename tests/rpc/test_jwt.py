"""Who is let in by a JWT, at each RPC; what scopes are for; keys that change, and an issuer that is away."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.serving import Served, answered, serving, settings
from tests.tokens import AUDIENCE, ISSUER, Issuer, JwksServer, encoded, jwks_server, unsigned
from voice_grpc.core.errors import BadField
from voice_grpc.net.jwks import ALGORITHMS
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.server.server import SERVICE, Server

from .test_token_file import CHANNELZ, METHODS, REFLECTION, bearer, code, line

ANN = Issuer()
DEEP = b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"
"""Valid, and deeper than Python reads."""
WITH_SCOPE = {"Converse": "converse", "Transcribe": "transcribe", "Synthesize": "synthesize"}
OF_SESSIONS = ("GetSession", "ListSessions", "DeleteSession")
REFUSED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(ANN.jwks)
    return path


def rules(where: object, **given: Any) -> dict[str, Any]:
    return {"jwt_jwks": str(where), "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, **given}


@pytest.fixture
def issuer() -> Iterator[JwksServer]:
    with jwks_server(ANN.jwks) as server:
        yield server


def wrong() -> dict[str, tuple[str, str]]:
    """Tokens of this minute, each with what is said of it."""
    now = int(datetime.now(UTC).timestamp())
    return {
        "no token": ("", "no credentials"),
        "a word": ("sesame", "is no JWT"),
        "depth": (f"{encoded(DEEP)}.{encoded(b'{}')}.{encoded(b'-')}", "is no JWT"),
        "no time": (ANN.token(exp=float("inf")), "no JWT that counts"),
        "expired": (ANN.token(exp=now - 60), "has expired"),
        "not yet": (ANN.token(nbf=now + 600), "does not count yet"),
        "no end": (ANN.token(exp=None), "lacks the claim exp"),
        "foreign issuer": (ANN.token(iss="https://evil.example"), "(iss)"),
        "no issuer": (ANN.token(iss=None), "lacks the claim iss"),
        "wrong audience": (ANN.token(aud="shop"), "(aud)"),
        "no audience": (ANN.token(aud=None), "lacks the claim aud"),
        "no subject": (ANN.token(sub=None), "lacks the claim sub"),
        "an empty subject": (ANN.token(sub=""), "sub is no text"),
        "foreign key": (Issuer().token(), "signature"),
        "unknown key": (Issuer(kid="k2").token(), "no key of the issuer"),
        "another kind of key": (Issuer("RS256").token(), "no key of the issuer"),
        "none": (unsigned(ANN.token()), "algorithm is not let in"),
        "HS256 with the public key": (unsigned(ANN.token(), "HS256", ANN.jwks), "algorithm is not let in"),
    }


@pytest.mark.parametrize("method", [*METHODS, REFLECTION, CHANNELZ])
async def test_every_rpc_refuses_who_has_no_token_that_counts(method: str, jwks: Path) -> None:
    async with serving(**rules(jwks), channelz=True) as served:
        for token, said in wrong().values():
            refused, details = await code(served, method, token)
            assert (refused, said in details) == (REFUSED, True), details
            assert not any(secret in details for secret in (ISSUER, AUDIENCE, "ann", token or "-"))
        name, all_scopes = method.rpartition("/")[2], "converse transcribe synthesize admin"
        assert (await code(served, method, ANN.token(all_scopes)))[0] not in (REFUSED, DENIED)
        told, details = await code(served, method, ANN.token(None))
        wanted = WITH_SCOPE.get(name, "converse or admin" if name in OF_SESSIONS else "")
        assert (told is DENIED, details) == (
            bool(wanted),
            f"this token lacks the scope {wanted}" if wanted else details,
        )


async def test_health_stays_open(jwks: Path) -> None:
    async with serving(**rules(jwks)) as served:
        assert (await code(served, "/grpc.health.v1.Health/Check", ""))[0] is grpc.StatusCode.OK


@pytest.mark.parametrize("name", WITH_SCOPE)
@pytest.mark.parametrize("claim", ["scope", "scp"])
async def test_a_scope_is_for_its_method_alone(name: str, claim: str, jwks: Path) -> None:
    scope = WITH_SCOPE[name]
    given = {"scp": ["openid", scope]} if claim == "scp" else {}
    token = ANN.token(f"openid {scope}" if claim == "scope" else None, **given)
    async with serving(**rules(jwks)) as served:
        for other in WITH_SCOPE:
            assert ((await code(served, f"/{SERVICE}/{other}", token))[0] is DENIED) == (other != name)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm_that_is_accepted(algorithm: str, jwks: Path) -> None:
    issuer = Issuer(algorithm)
    await asyncio.to_thread(jwks.write_bytes, issuer.jwks)
    async with serving(**rules(jwks)) as served:
        assert (await code(served, f"/{SERVICE}/ListVoices", issuer.token()))[0] is grpc.StatusCode.OK


async def has_talked(served: Served, token: str, session: str) -> None:
    async with served.talk(bearer(token)) as talk:
        await talk.config(session_id=session)
        await talk.text("Hi.", text_only=True)
        await talk.state(pb.TurnEvent.STATE_COMPLETED)
        await talk.half_close()
        await talk.ended()


async def listed(served: Served, token: str, owner: str | None = None) -> list[tuple[str, str]]:
    asked = pb.ListSessionsRequest(owner=owner)
    answer = await served.stub.ListSessions(asked, metadata=bearer(token))
    return sorted((each.session_id, each.owner) for each in answer.sessions)


async def test_ones_own_conversations_and_everybodys(jwks: Path) -> None:
    ann, bob = ANN.token(), ANN.token(sub="bob")
    admin = ANN.token("admin", sub="carl")
    async with serving(**rules(jwks)) as served:
        await has_talked(served, ann, "a")
        await has_talked(served, bob, "b")
        assert await listed(served, ann) == await listed(served, ann, "ann") == [("a", "ann")]
        assert await listed(served, admin) == [("a", "ann"), ("b", "bob")]
        assert await listed(served, admin, "bob") == [("b", "bob")]
        assert await listed(served, admin, "carl") == []
        get, delete = served.stub.GetSession, served.stub.DeleteSession
        for refused in (
            served.stub.ListSessions(pb.ListSessionsRequest(owner="bob"), metadata=bearer(ann)),
            served.stub.ListSessions(pb.ListSessionsRequest(owner=""), metadata=bearer(ann)),
            get(pb.GetSessionRequest(session_id="b"), metadata=bearer(ann)),
            delete(pb.DeleteSessionRequest(session_id="b"), metadata=bearer(ann)),
            get(pb.GetSessionRequest(session_id="a"), metadata=bearer(ANN.token("transcribe"))),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await refused
            assert caught.value.code() is DENIED
        told = await get(pb.GetSessionRequest(session_id="b"), metadata=bearer(admin))
        assert (told.session.owner, len(told.session.messages)) == ("bob", 2)
        await delete(pb.DeleteSessionRequest(session_id="b"), metadata=bearer(admin))
        assert await listed(served, admin) == [("a", "ann")]


async def test_an_administrator_holds_nobodys_conversation(jwks: Path) -> None:
    async with serving(**rules(jwks)) as served:
        await has_talked(served, ANN.token(), "a")
        admin = ANN.token("admin converse", sub="carl")
        async with served.talk(bearer(admin)) as talk:
            await talk.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="a")))
            assert (await talk.ended()).code is DENIED


async def test_who_comes_back_needs_a_good_token_of_the_same_subject(jwks: Path) -> None:
    """Not the one that it began with, which may have expired meanwhile."""
    async with serving(**rules(jwks)) as served:
        async with served.talk(bearer(ANN.token())) as before:
            await before.config(session_id="a")
            await answered(before)
            (told, *_) = [r.resume_update for r in before.said if r.HasField("resume_update")]
        back = pb.ConverseRequest(config=pb.SessionConfig(resume_token=told.resume_token))
        for token, refusal in ((ANN.token(exp=1), REFUSED), (ANN.token(sub="bob"), DENIED)):
            async with served.talk(bearer(token)) as talk:
                await talk.send(back)
                assert (await talk.ended()).code is refusal
        fresh = ANN.token(jti="another one")
        async with served.talk(bearer(fresh)) as talk:
            assert (await talk.config(resume_token=told.resume_token)).resumed
        delete = served.stub.DeleteSession
        await delete(pb.DeleteSessionRequest(session_id="a"), metadata=bearer(ANN.token("admin", sub="carl")))
        async with served.talk(bearer(fresh)) as talk:
            assert not (await talk.config(resume_token=told.resume_token)).resumed


async def test_tokens_of_the_settings_and_of_the_file_count_beside_them(jwks: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(
        f"{line('ann', 'hers')}\n{line('root', 'top')}:admin\n{line('old', 'o', '2020-01-31')}:admin"
    )
    async with serving(**rules(jwks), token_file=str(file), tokens=["sesame"]) as served:
        for token in ("hers", "sesame", ANN.token()):
            await has_talked(served, token, f"of-{token[:4]}")
        named = {id: owner for id, owner in await listed(served, "top")}
        assert sorted(named) == ["of-eyJh", "of-hers", "of-sesa"]
        assert (named["of-hers"], named["of-eyJh"]) == ("name:ann", "ann")
        for token in ("hers", "sesame"):
            assert len(await listed(served, token)) == 1
        assert (await code(served, METHODS[0], "o"))[0] is REFUSED


@pytest.mark.parametrize("subject", ["name:ann", "sub:ann", "0123456789abcdef"])
async def test_no_subject_is_the_owner_of_another_kind_of_token(subject: str, jwks: Path) -> None:
    async with serving(**rules(jwks)) as served:
        await has_talked(served, ANN.token(sub=subject), "a")
        assert await listed(served, ANN.token("admin")) == [("a", f"sub:{subject}")]


# ---------------------------------------------------------------- keys


async def test_a_new_key_of_the_issuer_counts_and_forged_ones_cause_no_storm(issuer: JwksServer) -> None:
    async with serving(**rules(issuer.url)) as served:
        assert len(issuer.asked) == 1
        assert (await code(served, METHODS[3], ANN.token()))[0] is grpc.StatusCode.OK
        async with asyncio.TaskGroup() as tasks:
            forged = [
                tasks.create_task(code(served, METHODS[3], Issuer(kid=f"f{number}", key=ANN.key).token()))
                for number in range(40)
            ]
        assert {task.result()[0] for task in forged} == {REFUSED}
        assert len(issuer.asked) == 2


async def test_a_key_that_came_later_is_found(issuer: JwksServer) -> None:
    async with serving(**rules(issuer.url)) as served:
        later = Issuer("RS256", "k2")
        issuer.content = later.jwks
        assert (await code(served, METHODS[3], later.token()))[0] is not REFUSED
        assert (await code(served, METHODS[3], ANN.token()))[0] is REFUSED


async def test_an_issuer_that_is_away_leaves_the_keys_and_is_told_once(
    issuer: JwksServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving(**rules(issuer.url)) as served:
        verifier: Any = served.server.authenticator.jwt
        for status, content in ((503, b""), (200, b"{}"), (302, b"")):
            issuer.status, issuer.content = status, content
            await verifier.source.refresh()
        assert (await code(served, METHODS[3], ANN.token()))[0] is not REFUSED
        said = [
            record.getMessage() for record in caplog.records if "cannot be fetched" in record.getMessage()
        ]
        assert len(said) == 1
        assert "503" in said[0]
        issuer.status, issuer.content = 200, ANN.jwks
        await verifier.source.refresh()
        assert "are there again" in caplog.text


async def test_without_any_key_yet_a_caller_is_told_to_come_back(issuer: JwksServer) -> None:
    issuer.status = 500
    async with serving(**rules(issuer.url), tokens=["sesame"]) as served:
        assert (await code(served, METHODS[3], ANN.token()))[0] is grpc.StatusCode.UNAVAILABLE
        assert (await code(served, METHODS[3], "sesame"))[0] is grpc.StatusCode.OK


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rules("x", jwt_issuer=""), r"^--jwt-issuer \(VOICE_JWT_ISSUER\): got ''"),
        (rules("x", jwt_audience=""), r"^--jwt-audience .* got ''"),
        (rules("", jwt_jwks=""), r"^--jwt-jwks .* got ''"),
        (rules("/nowhere/jwks.json"), r"^--jwt-jwks .*No such file"),
        (rules("ftp://x/y"), r"^--jwt-jwks .* got 'ftp://…'.*https://HOST/PATH"),
        (rules("https://user:pw@x/y"), r"^--jwt-jwks .* got 'https://…'.*without credentials"),
    ],
)
async def test_nothing_listens_with_rules_that_cannot_be_used(given: dict[str, Any], said: str) -> None:
    server = Server(settings(**given))
    with pytest.raises(BadField, match=said):
        await server.start()
    await server.stop()
    assert server.port == 0
