"""A Whisper server, wherever it is and whichever protocol it speaks: `WHISPER_SERVER_URL`.

http(s)://   OpenAI's /v1/audio/transcriptions, or whisper.cpp's /inference   whisper_http.py
ws(s)://     WhisperLive, or a realtime transcription session      whisper_live.py  whisper_realtime.py
tcp://       Wyoming                                                          whisper_wyoming.py
"""

import asyncio

import numpy as np

from ..core.audio import RATE_HZ, Samples, sample_count
from ..core.errors import EngineMissing
from ..ports import Stt, SttOptions, Transcription
from .patience import Patience
from .whisper_address import Address, parse_address
from .whisper_http import CPP, OPENAI, Question, WhisperHttp
from .whisper_languages import iso_code, whisper_codes
from .whisper_spoken import LANGUAGES, iso_codes
from .whisper_utterance import agreement

PROTOCOLS = {
    "http": (OPENAI, CPP), "https": (OPENAI, CPP),
    "ws": ("whisperlive", "realtime"), "wss": ("whisperlive", "realtime"),
    "tcp": ("wyoming",),
}  # fmt: skip
"""What can be spoken over what."""

_INTERIM_AT_LEAST_S = 0.4
"""Of less, a text is a guess that only flickers."""

_PATIENCE = Patience()


def whisper_server(
    url: str, *, key: str = "", protocol: str = "auto", model: str = "", patience: Patience = _PATIENCE
) -> Stt:
    """Touches no network. Raises `EngineMissing` for a URL that is none, and for a protocol that does not
    go with it."""
    address = parse_address(url, key)
    spoken = PROTOCOLS[address.scheme]
    if protocol not in ("auto", *spoken):
        accepted = ", ".join(("auto", *spoken))
        text = f"WHISPER_PROTOCOL: got {protocol!r} with {address.scheme}://, accepted: {accepted}"
        raise EngineMissing("stt", text)
    if address.scheme in ("http", "https"):
        return WhisperHttpStt(address, protocol, model, patience)
    if address.scheme == "tcp":
        from .whisper_wyoming import WyomingStt

        return WyomingStt(address, patience=patience)
    if protocol == "realtime" or (protocol == "auto" and "/realtime" in address.path):
        from .whisper_realtime import RealtimeStt

        return RealtimeStt(address, model=model, patience=patience)
    from .whisper_live import WhisperLiveStt

    return WhisperLiveStt(address, model=model, patience=patience)


class WhisperHttpStt:
    """Implements `ports.Stt`."""

    languages = iso_codes(LANGUAGES)
    """Whisper's own; a server that knows fewer says so by its answers."""

    def __init__(self, address: Address, protocol: str, model: str, patience: Patience) -> None:
        self._http = WhisperHttp(address, protocol, model, patience)

    @property
    def name(self) -> str:
        return self._http.model or ("whisper.cpp" if self._http.protocol == CPP else "whisper server")

    @property
    def location(self) -> str:
        return self._http.address.location

    async def warm(self) -> None:
        """One real request, so that the model is loaded there and the connection open here."""
        await self._http.find()
        hum = (np.sin(np.arange(RATE_HZ) * 0.2) * 3_000).astype(np.int16)
        await self._http.prove(hum)

    def open(self, options: SttOptions) -> "WhisperHttpStream":
        """Raises `EngineError` when Whisper understands none of the languages."""
        return WhisperHttpStream(self._http, whisper_codes(options.languages, LANGUAGES), options.prompt)

    async def close(self) -> None:
        await self._http.close()


class WhisperHttpStream:
    """Implements `ports.SttStream`: the growing utterance goes up whole each time."""

    def __init__(self, http: WhisperHttp, codes: tuple[str, ...], prompt: str) -> None:
        self._http, self._codes = http, codes
        self._question = Question(codes[0] if len(codes) == 1 else "", prompt)
        self._pcm = bytearray()
        self._looking: asyncio.Task[Transcription] | None = None
        self._final: tuple[int, Transcription] | None = None
        """With how much was fed when it was asked for."""
        self._interim = ""

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.tobytes()

    async def interim(self) -> Transcription | None:
        """None also while the last one is still on its way: what is late is skipped, never queued."""
        if self._looking is not None or len(self._pcm) < 2 * sample_count(_INTERIM_AT_LEAST_S):
            return None
        self._looking = asyncio.get_running_loop().create_task(self._transcribe(), name="whisper-interim")
        try:
            await asyncio.wait([self._looking])
            if self._looking.cancelled():
                return None  # a final was asked for
            heard = self._looking.result()
        finally:
            self._stop_looking()
            self._looking = None
        stability = agreement(self._interim, heard.text)
        self._interim = heard.text
        return Transcription(heard.text, heard.language, stability)

    async def final(self) -> Transcription:
        """What is still being looked at is taken back: its connection is closed."""
        self._stop_looking()
        fed = len(self._pcm)
        if self._final is None or self._final[0] != fed:
            self._final = fed, (await self._transcribe() if fed else Transcription(""))
        return self._final[1]

    async def close(self) -> None:
        self._stop_looking()
        self._pcm.clear()

    async def _transcribe(self) -> Transcription:
        samples = np.frombuffer(bytes(self._pcm), np.int16)
        heard = await self._http.transcribe(samples, self._question)
        language = heard.language or (iso_code(self._codes[0]) if len(self._codes) == 1 else "")
        if self._codes and language not in [iso_code(code) for code in self._codes]:
            language = ""
        return Transcription(heard.text, language, words=heard.words)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
