"""The log of conversations, as text and as JSON: what a line says, and that each says whose it is."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.process.log_lines import JsonLines, TextLines, lines_of
from voice_grpc.process.redaction import Redaction

from ..serving import LONG, Served, scripted, serving

SECRET = "tok-4711-of-the-caller"
ALWAYS = {"time", "level", "logger", "message", "session_id", "trace_id"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPOKEN, ANSWER = "my secret garden blooms", "Roses prefer marmalade."


@contextmanager
def written(formatter: logging.Formatter, level: int = logging.INFO) -> Iterator[io.StringIO]:
    """What everybody logs in this block."""
    out = io.StringIO()
    handler, root = logging.StreamHandler(out), logging.getLogger()
    handler.setFormatter(formatter)
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield out
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


async def talk_of(served: Served, metadata: tuple[tuple[str, str], ...] = ()) -> None:
    async with served.talk(metadata) as talk:
        await talk.config(session_id="garden", metadata={"Shop": "North\nSide", "other": "hidden"})
        await talk.speak()
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        await talk.half_close()
        await talk.ended()


async def gone(served: Served) -> None:
    """Until the server has seen that nobody is left."""
    async with asyncio.timeout(60):
        while (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).use.open_sessions:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0)


async def json_lines(**given: object) -> list[dict[str, object]]:
    with written(JsonLines(Redaction([SECRET]))) as out:
        async with serving(scripted(ANSWER, SPOKEN), **given) as served:  # type: ignore[arg-type]
            metadata = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("x-user", "Clementine"))
            await talk_of(served, metadata)
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_a_session_is_a_line_at_its_begin_one_a_turn_and_one_at_its_end() -> None:
    lines = [line for line in await json_lines() if line["session_id"]]
    assert [line["event"] for line in lines] == ["session_began", "turn", "session_ended"]
    for line in lines:
        assert set(line) >= ALWAYS
        assert (line["session_id"], line["trace_id"]) == ("garden", TRACE)
    _, turn, ended = lines
    assert (turn["turn"], turn["end"], ended["why"]) == (1, "completed", "half_close")
    stages = turn["stages_ms"]
    assert isinstance(stages, dict)
    assert {"voice_to_voice", "stt_final_delay", "llm_first_token"} <= set(stages)
    assert all(isinstance(value, int) for value in stages.values())
    assert (turn["llm"], turn["output_tokens"]) == ("script", 3)


async def test_no_word_is_told_unless_asked_for() -> None:
    told = json.dumps(await json_lines())
    assert "garden blooms" not in told
    assert "marmalade" not in told
    lines = await json_lines(log_words=True)
    (words,) = [line for line in lines if line.get("event") == "words"]
    assert (words["user"], words["answer"]) == (SPOKEN, ANSWER)


async def test_metadata_is_told_by_the_list_alone() -> None:
    began = (await json_lines())[0]
    assert began["metadata"] == {}
    began = (await json_lines(log_metadata=["shop", "X-User"]))[0]
    assert began["metadata"] == {"shop": "North?Side", "x-user": "Clementine"}


@pytest.mark.parametrize("leaves", ["cancels", "is superseded", "is refused"])
async def test_the_end_is_told_whatever_brings_it(leaves: str) -> None:
    with written(TextLines(Redaction())) as out:
        async with serving(scripted(LONG)) as served, served.talk() as talk:
            await talk.config(session_id="garden")
            await talk.text("Tell me.")
            await talk.next("audio")
            if leaves == "cancels":
                talk.cancel()
                await gone(served)
            elif leaves == "is superseded":
                async with served.talk() as other:
                    await other.config(session_id="garden")
                    await talk.ended()
            else:
                await talk.send(pb.ConverseRequest(config=pb.SessionConfig()))
                await talk.ended()
    lines = out.getvalue().splitlines()
    ends = [line for line in lines if "session garden: " in line and ", after" in line]
    why = {"cancels": "parked", "is superseded": "SUPERSEDED", "is refused": "BAD_"}[leaves]
    assert why in ends[0], lines
    assert any("turn 1: interrupted (ended)" in line for line in lines)
    assert all(" session=garden trace=" in line for line in lines if "turn 1" in line or "garden" in line)


def test_an_exception_is_inside_its_object_and_secrets_never_break_it() -> None:
    log = logging.getLogger("voice_grpc.test")
    with written(JsonLines(Redaction([SECRET, 'quo"ted\\secret']))) as out, lines_of("talk", TRACE):
        try:
            raise ValueError(f'Bearer abcdefgh" with {SECRET}\nand a line')
        except ValueError:
            log.exception("it broke: %s", 'quo"ted\\secret')
        log.info("fine", extra={"fields": {"where": f"at {SECRET}", "message": "another"}})
    first, second = map(json.loads, out.getvalue().splitlines())
    assert SECRET not in out.getvalue()
    assert "abcdefgh" not in out.getvalue()
    assert first["message"] == "it broke: ***"
    assert "Traceback" in first["exception"]
    assert "and a line" in first["exception"]
    assert (second["message"], second["where"], second["session_id"]) == ("fine", "at ***", "talk")


def test_a_line_of_no_session_has_the_same_keys_and_the_text_says_nothing_of_it() -> None:
    with written(JsonLines(Redaction())) as out:
        logging.getLogger("voice_grpc.test").warning("hello")
    line = json.loads(out.getvalue())
    assert set(line) == ALWAYS
    assert (line["session_id"], line["trace_id"], line["level"]) == ("", "", "warning")
    with written(TextLines(Redaction())) as out:
        logging.getLogger("voice_grpc.test").warning("hello")
    assert out.getvalue().endswith("WARNING voice_grpc.test hello\n")
