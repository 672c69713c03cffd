"""Recognisers in a chain: whoever takes over hears the whole utterance."""

import asyncio

import pytest

from tests.session.harness import virtual
from voice_grpc.core.errors import EngineBlocked, EngineDenied, EngineError, EngineTimeout
from voice_grpc.engines.scripted import HANG, Hearing, ScriptedStt
from voice_grpc.fallback import SttChain
from voice_grpc.fallback.chain import FIRST_SECONDS
from voice_grpc.fallback.circuit_breaker import COOLING_SECONDS, FAILURES
from voice_grpc.ports import SttOptions

from .scripted_members import BROKEN, SOUND, Listener, ListenerStream, heard, stt


def test_the_next_recogniser_hears_the_whole_utterance() -> None:
    server, local = Listener("server", final=BROKEN), Listener("local")
    words = virtual(heard(SttChain([server, local])))
    assert words.text == "final of local: 3200"
    assert words.fallback is not None
    assert (words.fallback.engine, str(words.fallback.error)) == ("local", "nobody answers")
    assert all(stream.is_closed for stream in [*server.streams, *local.streams])


def test_the_first_recogniser_is_fed_as_the_sound_comes() -> None:
    server, local = Listener("server"), Listener("local")
    words = virtual(heard(SttChain([server, local])))
    assert (words.text, words.fallback) == ("final of server: 3200", None)
    assert not local.streams


def test_an_utterance_goes_on_with_who_took_over() -> None:
    server, local = Listener("server", final=BROKEN), Listener("local")

    async def story() -> None:
        stream = SttChain([server, local]).open(SttOptions())
        for count in range(1, 4):
            stream.feed(SOUND)
            assert (await stream.final()).text == f"final of local: {1600 * count}"
        await stream.close()

    virtual(story())
    assert server.finals == 1
    assert len(local.streams) == 1


def test_an_interim_fails_over_in_silence_and_the_final_tells() -> None:
    server, local = Listener("server", interim=BROKEN), Listener("local")

    async def story() -> None:
        stream = SttChain([server, local]).open(SttOptions())
        stream.feed(SOUND)
        interim = await stream.interim()
        assert interim is not None
        assert (interim.text, interim.fallback) == ("interim of local: 1600", None)
        stream.feed(SOUND)
        words = await stream.final()
        assert words.text == "final of local: 3200"
        assert words.fallback is not None
        assert str(words.fallback.error) == "nobody answers"
        await stream.close()

    virtual(story())
    assert all(stream.is_closed for stream in [*server.streams, *local.streams])


class Unopened(Listener):
    def open(self, options: SttOptions) -> ListenerStream:
        raise EngineDenied("stt", "wrong key", advice="check WHISPER_API_KEY")


class Deaf(Listener):
    """Its streams break when they are fed."""

    def open(self, options: SttOptions) -> "DeafStream":
        return DeafStream(self)


class DeafStream(ListenerStream):
    def feed(self, samples: object) -> None:
        raise EngineError("stt", "the socket is closed")

    async def close(self) -> None:
        raise EngineError("stt", "so it is")


def test_one_that_cannot_be_opened_or_fed_is_replaced() -> None:
    for broken in (Unopened("unopened"), Deaf("deaf")):
        words = virtual(heard(SttChain([broken, Listener("local")])))
        assert words.text == "final of local: 3200"
        assert words.fallback is not None


def test_one_that_hangs_is_not_waited_for() -> None:
    chain = SttChain([stt("server", Hearing("", delay=HANG)), Listener("local")])

    async def story() -> None:
        words = await heard(chain)
        assert words.text == "final of local: 3200"
        assert words.fallback is not None
        assert isinstance(words.fallback.error, EngineTimeout)
        assert asyncio.get_running_loop().time() == pytest.approx(FIRST_SECONDS, abs=0.1)

    virtual(story())


def test_with_nobody_else_a_slow_one_is_waited_for() -> None:
    assert virtual(heard(SttChain([stt("server", Hearing("late", delay=20))]))).text == "late"


def test_when_no_recogniser_works_the_last_one_says_why_and_all_are_asked_again() -> None:
    a, b = Listener("a", final=BROKEN), Listener("b", final=EngineError("stt", "worse"))

    async def story() -> None:
        stream = SttChain([a, b]).open(SttOptions())
        stream.feed(SOUND)
        with pytest.raises(EngineError, match="worse"):
            await stream.final()
        assert await stream.interim() is None
        a.trouble["final"] = None
        stream.feed(SOUND)
        words = await stream.final()
        assert (words.text, words.fallback) == ("final of a: 3200", None)
        await stream.close()

    virtual(story())
    assert all(stream.is_closed for stream in [*a.streams, *b.streams])


def test_what_was_blocked_is_not_asked_of_the_next_one() -> None:
    local = Listener("local")
    with pytest.raises(EngineBlocked):
        virtual(heard(SttChain([Listener("server", final=EngineBlocked("stt", "blocked")), local])))
    assert not local.streams


# ---------------------------------------------------------------- languages


def test_a_language_goes_to_who_knows_it() -> None:
    english = stt("tiny", Hearing("hello"), languages=frozenset({"en"}))
    chain = SttChain([english, stt("base", Hearing("hola", language="es"))])
    assert virtual(heard(chain, SttOptions(("es-ES",)))).text == "hola"
    assert virtual(heard(chain, SttOptions(("en-US", "es")))).text == "hola"
    assert virtual(heard(chain, SttOptions(("en_GB",)))).text == "hello"
    assert virtual(heard(chain)).text == "hello"
    assert chain.languages == ScriptedStt.languages


# ---------------------------------------------------------------- the breaker


def test_a_server_that_is_down_is_left_out_for_all_utterances() -> None:
    server = Listener("server", final=BROKEN)
    chain = SttChain([server, Listener("local")])

    async def story() -> None:
        open_already = chain.open(SttOptions())
        open_already.feed(SOUND)
        for _ in range(FAILURES):
            await heard(chain)
        words = await heard(chain)
        assert server.finals == FAILURES
        assert words.fallback is not None
        assert "has been left out" in str(words.fallback.error)
        words = await open_already.final()
        assert words.text == "final of local: 1600"
        assert server.finals == FAILURES
        await open_already.close()

    virtual(story())


def test_one_utterance_probes_from_its_first_sample_on() -> None:
    server = Listener("server", final=BROKEN)
    chain = SttChain([server, Listener("local")])

    async def story() -> None:
        for _ in range(FAILURES):
            await heard(chain)
        server.trouble["final"] = None
        await asyncio.sleep(COOLING_SECONDS)
        probe, other = chain.open(SttOptions()), chain.open(SttOptions())
        assert len(server.streams) == FAILURES + 1
        assert "local" in (await other.final()).text
        words = await probe.final()
        assert "server" in words.text
        assert words.fallback is None
        assert chain.members[0].is_ready
        for stream in (probe, other):
            await stream.close()

    virtual(story())


def test_an_utterance_that_is_dropped_leaves_the_probe_to_the_next_one() -> None:
    server = Listener("server", final=BROKEN)
    chain = SttChain([server, Listener("local")])

    async def story() -> None:
        for _ in range(FAILURES):
            await heard(chain)
        server.trouble["final"] = None
        await asyncio.sleep(COOLING_SECONDS)
        await chain.open(SttOptions()).close()
        assert "server" in (await heard(chain)).text

    virtual(story())


def test_a_final_that_is_cancelled_may_be_asked_again() -> None:
    chain = SttChain([stt("server", Hearing("hello", delay=1.0)), Listener("local")])

    async def story() -> None:
        stream = chain.open(SttOptions())
        stream.feed(SOUND)
        for _ in range(2 * FAILURES):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await stream.final()
        words = await stream.final()
        assert (words.text, words.fallback) == ("hello", None)
        await stream.close()
        assert len(asyncio.all_tasks()) == 1

    virtual(story())
