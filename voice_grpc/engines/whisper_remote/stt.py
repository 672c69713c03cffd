"""A Whisper server, wherever it is and whichever protocol it speaks: `WHISPER_SERVER_URL`.

http(s)://   OpenAI's /v1/audio/transcriptions, or whisper.cpp's /inference   http/client.py  http/stream.py
ws(s)://     WhisperLive, or a realtime transcription session                 whisper_live.py  realtime.py
tcp://       Wyoming                                                          wyoming.py
"""

from ...core.audio import to_pcm16
from ...core.errors import EngineMissing
from ...ports import Stt, SttOptions
from ..timeouts import Timeouts
from ..whisper.languages import iso_codes, known_to, whisper_codes
from ..whisper.model import hum
from .address import WhisperAddress, parse_address
from .http.client import LOADING_SECONDS, HttpClient
from .http.dialects import CPP, OPENAI
from .http.stream import HttpStream, interim_limiter

AUTO = "auto"
PROTOCOLS = {
    "http": (OPENAI, CPP), "https": (OPENAI, CPP),
    "ws": ("whisperlive", "realtime"), "wss": ("whisperlive", "realtime"),
    "tcp": ("wyoming",),
}  # fmt: skip
"""What can be spoken over what."""

_TIMEOUTS = Timeouts()


def whisper_server(
    url: str, *, key: str = "", protocol: str = AUTO, model: str = "", timeouts: Timeouts = _TIMEOUTS
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
        return WhisperHttpStt(address, protocol=protocol, model=model, timeouts=timeouts)
    if address.scheme == "tcp":
        from .wyoming import WyomingStt

        return WyomingStt(address, timeouts=timeouts)
    if protocol == "realtime" or (protocol == AUTO and "/realtime" in address.path):
        from .realtime import RealtimeStt

        return RealtimeStt(address, model=model, timeouts=timeouts)
    from .whisper_live import WhisperLiveStt

    return WhisperLiveStt(address, model=model, timeouts=timeouts)


class WhisperHttpStt:
    """Implements `ports.Stt`."""

    is_embedded = False

    def __init__(
        self,
        address: WhisperAddress,
        *,
        protocol: str = AUTO,
        model: str = "",
        timeouts: Timeouts = _TIMEOUTS,
    ) -> None:
        self._client = HttpClient(address, protocol, model, timeouts)
        self._model = model
        self._limiter = interim_limiter(self._client)

    @property
    def name(self) -> str:
        dialect = self._client.dialect
        model = dialect.model if dialect else self._model
        return model or ("whisper.cpp" if dialect and dialect.protocol == CPP else "whisper server")

    @property
    def location(self) -> str:
        return self._client.address.location

    @property
    def languages(self) -> frozenset[str]:
        """Whisper's own; a server that knows fewer says so by its answers."""
        return iso_codes(known_to(self.name))

    async def warm(self) -> None:
        """Real requests, so that the model is loaded there and the connection open here."""
        await self._client.prove(to_pcm16(hum()), LOADING_SECONDS)

    def has_room(self) -> bool:
        return False

    def is_alone(self) -> bool:
        return False

    def open(self, options: SttOptions) -> HttpStream:
        """Raises `EngineError` when Whisper understands none of the languages."""
        codes = whisper_codes(options.languages, known_to(self.name))
        return HttpStream(self._client, self._limiter, codes, options.prompt)

    async def close(self) -> None:
        await self._client.close()
