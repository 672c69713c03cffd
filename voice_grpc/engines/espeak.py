"""espeak-ng: a hundred languages, plainly, by the program that Debian installs. One process a clause.

What it lacks in beauty it has in reach: it speaks where no other voice knows the language.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

import numpy as np

from ..core.audio import Samples, levelled, to_float, to_pcm16
from ..core.errors import EngineError, EngineMissing, shown
from ..core.languages import primary
from ..core.text.duration import pieces
from ..ports import Clause, Speech, Voice, VoiceChoice

RATE_HZ = 22_050
"""What espeak-ng makes."""

WORDS_A_MINUTE = 165
"""At rate 1: espeak-ng's own 175 is hurried beside Piper and Chirp."""

AT_ONCE = 4
"""Processes at once. A clause takes some 30 ms."""

PIECE_SECONDS = 8.0
"""Sound of one process, by estimate; as Piper's, so that no clause keeps one of the `AT_ONCE` for long."""

CLAUSE_SECONDS = 10.0


def is_installed(binary: str = "espeak-ng") -> bool:
    return shutil.which(binary) is not None


class EspeakTts:
    """Implements `ports.Tts`. A voice is known by its language, such as `espeak-es`."""

    location = "in process"
    is_embedded = True

    def __init__(self, binary: str = "espeak-ng") -> None:
        self._binary = binary
        self._voices: dict[str, tuple[Voice, str]] = {}
        """By id, with espeak's own name of the language."""
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def name(self) -> str:
        return "espeak-ng"

    async def voices(self) -> Sequence[Voice]:
        return [voice for voice, _ in self._voices.values()]

    async def warm(self) -> None:
        """Raises `EngineMissing` without the program."""
        if not await asyncio.to_thread(is_installed, self._binary):
            raise EngineMissing("tts", f"{self._binary} is not installed: apt install espeak-ng")
        listed = await self._run(["--voices"], b"")
        for line in listed.decode(errors="replace").splitlines()[1:]:
            _, tag, _, title, file, *_ = line.split()
            if file.startswith("mb/"):
                continue  # MBROLA's: listed, whether their data are there or not
            id = f"espeak-{tag}"
            voice = Voice(id, _bcp47(tag), "espeak-ng", title.replace("_", " "), RATE_HZ, renders_ssml=True)
            self._voices.setdefault(id, (voice, tag))
        await self._say(Clause(0, "Hello."), "en", 1.0)

    async def close(self) -> None:
        """Nothing runs between two clauses."""
        self._voices.clear()

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """Raises `EngineError` for an unknown voice and for a language that espeak-ng does not speak."""
        tag = self._pick(voice)
        async for clause in clauses:
            for piece in _pieces(clause, tag):
                samples = await self._say(piece, tag, voice.rate)
                if len(samples):
                    yield Speech(clause.index, samples, RATE_HZ)

    def _pick(self, choice: VoiceChoice) -> str:
        """The voice that is named, unless another language is to be spoken."""
        if choice.id and choice.id not in self._voices:
            raise EngineError(
                "tts", f"no voice {shown(choice.id)}; espeak-ng's are espeak-LANGUAGE", retryable=False
            )
        named = self._voices.get(choice.id)
        if named is not None and (
            not choice.language or primary(named[0].language) == primary(choice.language)
        ):
            return named[1]
        wanted = choice.language if choice.language not in ("", "en") else "en-US"
        speaking = [entry for entry in self._voices.values() if primary(entry[0].language) == primary(wanted)]
        exact = [entry for entry in speaking if entry[0].language.lower() == wanted.lower()]
        plain = [entry for entry in speaking if "-" not in entry[0].language]
        if not speaking:
            raise EngineError("tts", f"espeak-ng has no voice for {shown(wanted)}", retryable=False)
        return (exact or plain or speaking)[0][1]

    async def _say(self, clause: Clause, tag: str, rate: float) -> Samples:
        speed = round(WORDS_A_MINUTE * min(max(rate, 0.5), 2.0))
        markup = ["-m"] if clause.ssml else []
        text = (clause.ssml or clause.text).encode()
        wav = await self._run(["-v", tag, "-s", str(speed), *markup, "--stdin", "--stdout"], text)
        return to_pcm16(levelled(to_float(np.frombuffer(wav[44 : len(wav) // 2 * 2], "<i2"))))

    async def _run(self, arguments: list[str], text: bytes) -> bytes:
        """What a process writes to its standard output. Cancelled, it is killed and reaped."""
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                self._binary, *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                async with asyncio.timeout(CLAUSE_SECONDS):
                    wav, complaint = await process.communicate(text)
            except TimeoutError:
                raise EngineError(
                    "tts", f"espeak-ng took more than {CLAUSE_SECONDS:g} s for a clause"
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            said = complaint.decode(errors="replace").strip()[:120]
            raise EngineError("tts", f"espeak-ng ended with {process.returncode}: {said}")
        return wav


def _pieces(clause: Clause, tag: str) -> Iterator[Clause]:
    """A clause of many digits sounds for a minute: its first sound does not wait for its last."""
    if clause.ssml:
        yield clause
        return
    for text in pieces(clause.text, PIECE_SECONDS, tag):
        yield Clause(clause.index, text)


def _bcp47(tag: str) -> str:
    """`en-us` → `en-US`; longer variants (`en-gb-x-rp`) stay as they are."""
    subtags = tag.split("-")
    return f"{subtags[0]}-{subtags[1].upper()}" if len(subtags) == 2 and len(subtags[1]) == 2 else tag
