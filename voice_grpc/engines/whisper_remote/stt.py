"""A Whisper server, wherever it is and whichever protocol it speaks: `WHISPER_SERVER_URL`.

http(s)://   OpenAI's /v1/audio/transcriptions, or whisper.cpp's /inference             whisper_service.py
ws(s)://     WhisperLive, or a realtime transcription session      whisper_live.py  whisper_realtime.py
tcp://       Wyoming                                                                whisper_wyoming.py
"""

import numpy as np

from ...core.audio import RATE_HZ
from ...core.errors import EngineMissing
from ...ports import Stt, SttOptions
from ..timeouts import Timeouts
from ..whisper.languages import iso_codes, known_to, whisper_codes
from .address import WhisperAddress, parse_address
from .http_client import LOADING_SECONDS, HttpClient
from .http_dialects import CPP, OPENAI
from .http_stream import HttpStream, InterimLimiter

AUTO = "auto"
PROTOCOLS = {
    "http": (OPENAI, CPP), "https": (OPENAI, CPP),
    "ws": ("whisperlive", "realtime"), "wss": ("whisperlive", "realtime"),
    "tcp": ("wyoming",),
}  # fmt: skip
"""What can be spoken over what."""

_PATIENCE = Timeouts()


def whisper_server(
    url: str, *, key: str = "", protocol: str = AUTO, model: str = "", patience: Timeouts = _PATIENCE
) -> Stt:
    """Touches no network. Raises `EngineMissing` for a URL that is none, and for a protocol that does not
    go with it."""
    address = parse_address(url, key)
    spoken = PROTOCOLS[address.scheme]
    if protocol not in (AUTO, *spoken):
        accepted = ", ".join((AUTO, *spoken))
        text = f"WHISPER_PROTOCOL: got {protocol!r} with {address.scheme}://, accepted: {accepted}"
        raise EngineMissing("stt", text)
    if address.scheme in ("http", "https"):
        return WhisperHttpStt(address, protocol=protocol, model=model, patience=patience)
    if address.scheme == "tcp":
        from .wyoming import WyomingStt

        return WyomingStt(address, patience=patience)
    if protocol == "realtime" or (protocol == AUTO and "/realtime" in address.path):
        from .realtime import RealtimeStt

        return RealtimeStt(address, model=model, patience=patience)
    from .whisper_live import WhisperLiveStt

    return WhisperLiveStt(address, model=model, patience=patience)


class WhisperHttpStt:
    """Implements `ports.Stt`."""

    is_embedded = False

    def __init__(
        self,
        address: WhisperAddress,
        *,
        protocol: str = AUTO,
        model: str = "",
        patience: Timeouts = _PATIENCE,
    ) -> None:
        self._service = HttpClient(address, protocol, model, patience)
        self._model = model
        self._traffic = InterimLimiter(self._is_serial)

    @property
    def name(self) -> str:
        manners = self._service.manners
        model = manners.model if manners else self._model
        return model or ("whisper.cpp" if manners and manners.protocol == CPP else "whisper server")

    @property
    def location(self) -> str:
        return self._service.address.location

    @property
    def languages(self) -> frozenset[str]:
        """Whisper's own; a server that knows fewer says so by its answers."""
        return iso_codes(known_to(self.name))

    async def warm(self) -> None:
        """Real requests, so that the model is loaded there and the connection open here."""
        hum = (np.sin(np.arange(RATE_HZ) * 0.2) * 3_000).astype(np.int16)
        await self._service.prove(hum, LOADING_SECONDS)

    def open(self, options: SttOptions) -> HttpStream:
        """Raises `EngineError` when Whisper understands none of the languages."""
        codes = whisper_codes(options.languages, known_to(self.name))
        return HttpStream(self._service, self._traffic, codes, options.prompt)

    async def close(self) -> None:
        await self._service.close()

    def _is_serial(self) -> bool:
        """whisper.cpp has one mutex; whoever hangs up gives it free."""
        manners = self._service.manners
        return manners is not None and manners.protocol == CPP
