"""SSML from the caller to the voice: said with its marks, shown and remembered in plain words."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from voice_grpc.core.errors import PersonaError
from voice_grpc.engines.scripted import Script, ScriptedTts
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Clause, Speech, VoiceChoice
from voice_grpc.settings.personas import load_personas

from ..serving import OK, PERSONAS, ConverseCall, scripted, serving

DOCUMENT = (
    '<speak>Well. <emphasis level="strong">This</emphasis> is it.<break time="1s"/> Bye &amp; thanks.</speak>'
)
WORDS = "Well. This is it. Bye & thanks."


class MarkedTts(ScriptedTts):
    """Keeps the clauses as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.clauses: list[Clause] = []

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async def kept() -> AsyncIterator[Clause]:
            async for clause in clauses:
                self.clauses.append(clause)
                yield clause

        async for speech in super().speak(kept(), voice):
            yield speech


def marked() -> tuple[Script, MarkedTts]:
    tts = MarkedTts()
    return replace(scripted(), tts=tts), tts


async def say(talk: ConverseCall, **fields: object) -> None:
    await talk.send(pb.ConverseRequest(seq=5, say=pb.Say(**fields)))  # type: ignore[arg-type]


async def test_a_document_is_said_with_its_marks_and_remembered_in_words() -> None:
    script, tts = marked()
    async with serving(script) as served, served.talk() as talk:
        await talk.config(session_id="mine")
        await say(talk, ssml=DOCUMENT)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert [clause.ssml for clause in tts.clauses] == [
            '<speak>Well. <emphasis level="strong">This</emphasis> is it.</speak>',
            '<speak><break time="1s"></break> Bye &amp; thanks.</speak>',
        ]
        assert " ".join(talk.words(1).split()) == WORDS
        assert "<" not in "".join(clause.text for clause in tts.clauses)
        await talk.half_close()
        assert await talk.ended() == OK
        saved = (await served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))).session
        assert [" ".join(message.text.split()) for message in saved.messages] == [WORDS]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ssml": "<speak>Hi <audio/></speak>"}, "line 1, column 11: got <audio>"),
        ({"ssml": "Hi"}, "line 1, column 1"),
        ({"ssml": "<speak>Hi</speak>", "text": "Hi"}, "a text beside it"),
    ],
)
async def test_a_wrong_document_is_skipped_and_says_where(fields: dict[str, str], said: str) -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await say(talk, **fields)
        notice = await talk.notice("BAD_MESSAGE")
        assert (notice.field, notice.request_seq) == ("say.ssml", 5)
        assert said.replace("got ", "") in notice.message.replace("got ", "")
        await say(talk, ssml=DOCUMENT)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED


async def test_a_greeting_may_be_a_document_and_a_wrong_one_ends_the_call() -> None:
    script, tts = marked()
    async with serving(script) as served:
        async with served.talk() as talk:
            await talk.config(greeting='<speak>Hi<break time="1s"/> there.</speak>')
            assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
            assert tts.clauses[0].ssml == '<speak>Hi<break time="1s"></break> there.</speak>'
            assert " ".join(talk.words(1).split()) == "Hi there."
        async with served.talk() as talk:
            await talk.send(pb.ConverseRequest(config=pb.SessionConfig(greeting="<speak>Hi")))
            assert list((await talk.ended()).fields) == ["config.greeting"]


async def test_a_personas_prosody_is_around_every_clause() -> None:
    script, tts = marked()
    personas = PERSONAS | {
        "default": replace(PERSONAS["default"], pitch="+2st", volume="soft", speaking_rate=1.2)
    }
    async with serving(script, is_open=False) as served:
        await served.server.make_ready(served.script.engines, served.store, personas)
        async with served.talk() as talk:
            started = await talk.config()
            assert round(started.effective_config.voice.speaking_rate, 3) == 1.2
            await talk.text("Is Tom < Anna?")
            await talk.over(1)
    assert tts.clauses[0].ssml == '<speak><prosody pitch="+2st" volume="soft">Sure thing.</prosody></speak>'
    assert [choice.rate for choice in tts.choices] == [1.2]


async def test_a_conversation_that_changes_its_language_is_answered_in_it() -> None:
    """English, Spanish, English: the voice is told each time, with the region that was configured."""
    from voice_grpc.engines.scripted import Hearing, ScriptedStt

    script = replace(
        scripted(),
        stt=ScriptedStt([Hearing("hello", language="en"), Hearing("hola", language="es"), Hearing("bye")]),
    )
    async with serving(script) as served, served.talk() as talk:
        await talk.config(language_codes=["en-GB", "es-US"])
        for turn in (1, 2, 3):
            await talk.speak()
            await talk.over(turn)
    assert [choice.language for choice in script.tts.choices] == ["en-GB", "es-US", "en-GB"]
    assert [prompt.language for prompt in script.llm.prompts] == ["en-GB", "es-US", "en-GB"]


async def test_the_voices_say_who_renders_marks() -> None:
    async with serving() as served:
        voices = list((await served.stub.ListVoices(pb.ListVoicesRequest())).voices)
        assert not any(voice.renders_ssml for voice in voices)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('pitch = "funny"', "[persona.default] pitch: got 'funny'"),
        ('volume = "11"', "[persona.default] volume: got '11'"),
        ("speaking_rate = 9", "[persona.default] speaking_rate: got 9, accepted: a number from 0.5 to 2"),
        ('greeting = "<speak>Hi"', "[persona.default] greeting: got 'line 1"),
    ],
)
def test_a_wrong_persona_is_told(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'[persona.default]\nname = "Me"\ninstructions = "Be."\n{line}\n')
    with pytest.raises(PersonaError) as told:
        load_personas(file)
    assert said in str(told.value)
