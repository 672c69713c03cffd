"""A conversation that goes from English to Spanish and back is answered in the right voice of Google's."""

from dataclasses import replace
from itertools import groupby

from tests.engines.google_tts.harness import opened
from tests.fakes.google_tts import FakeGoogleTts
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.store import MemoryStore

from ..serving import PERSONAS, scripted, serving

TURNS = (
    ("en", "How are you?", "I am well, thank you.", "en-US-Chirp3-HD-Kore"),
    ("es", "¿Qué tal?", "Muy bien, gracias.", "es-ES-Chirp3-HD-Kore"),
    ("en", "And now?", "We speak English again.", "en-US-Chirp3-HD-Kore"),
)


async def test_each_answer_is_said_by_the_voice_of_its_language() -> None:
    script = replace(
        scripted(),
        stt=ScriptedStt([Hearing(question, language=language) for language, question, _, _ in TURNS]),
        llm=ScriptedLlm([ScriptedAnswer(answer) for _, _, answer, _ in TURNS]),
    )
    async with opened(FakeGoogleTts(), voice="en-US-Chirp3-HD-Kore") as (fake, tts):
        await tts.warm()
        fake.said.clear()
        async with serving(script, is_open=False) as served:
            engines = replace(script.engines, tts=tts)
            await served.server.make_ready(engines, MemoryStore(), PERSONAS)
            async with served.talk() as talk:
                await talk.config(language_codes=["en-US", "es-ES"])
                for turn in range(1, len(TURNS) + 1):
                    await talk.speak()
                    assert await talk.over(turn) == pb.TurnEvent.STATE_COMPLETED
    said = [
        (voice, " ".join(each.text.strip() for each in clauses))
        for voice, clauses in groupby(fake.said, key=lambda each: each.voice)
    ]
    assert said == [(voice, answer) for _, _, answer, voice in TURNS]
    assert [prompt.language for prompt in script.llm.prompts] == ["en-US", "es-ES", "en-US"]
