"""One Whisper server over HTTP: which protocol and model it has, one request, and what its failures mean.

The whole of an utterance goes up as a WAV file. Closing the connection is how a request is taken back.
"""

import asyncio
import io
import wave
from dataclasses import dataclass

import httpx2

from ..core import errors as e
from ..core.audio import RATE_HZ, Samples, seconds
from ..ports import Transcription
from .patience import Patience
from .whisper_address import Address
from .whisper_answers import complaint, read

OPENAI, CPP = "openai", "whispercpp"
PATHS = {OPENAI: "/v1/audio/transcriptions", CPP: "/inference"}
DEFAULT_MODEL = "whisper-1"

CONNECTIONS, KEPT_ALIVE = 64, 16
LOADING_SECONDS, LOOK_AGAIN = 30.0, 0.5
MAX_SECONDS = 600.0
"""Of sound in one request: 19 MB of WAV, under OpenAI's 25 MB."""

_AGAIN = (502, 503, 504)


@dataclass(frozen=True, slots=True)
class Question:
    """What goes up besides the sound."""

    language: str = ""
    """Whisper's code; empty: it is to find out."""
    prompt: str = ""


class Busy(e.EngineUnreachable):
    """It says 503: it still loads its model, or has too much to do."""


class WhisperHttp:
    """Made without touching the network; `find` comes first."""

    def __init__(self, address: Address, protocol: str, model: str, patience: Patience) -> None:
        self.address, self.model, self.protocol = address, model, protocol
        self._patience = patience
        self._client: httpx2.AsyncClient | None = None
        self._path = ""
        self._format = "verbose_json"

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # ------------------------------------------------------------ what it is

    async def find(self) -> None:
        """Which protocol it speaks and what its model is called. Raises `EngineError`."""
        if self._client is None:
            self._client = await asyncio.to_thread(self._new_client)
        path = self.address.path
        for protocol, known in PATHS.items():
            if path.endswith(known.removeprefix("/v1")):
                self.protocol, self._path = (protocol if self.protocol == "auto" else self.protocol), path
        if self.protocol == "auto":
            self.protocol = await self._probed()
        if not self._path:
            base = path.removesuffix("/v1") if self.protocol == OPENAI else path
            self._path = base + PATHS[self.protocol]
        if self.protocol == OPENAI and not self.model:
            self.model = await self._first_model()

    async def _probed(self) -> str:
        """A server says 404 of a path that it does not have, and anything else of one that it has."""
        base = self.address.path.removesuffix("/v1")
        until = asyncio.get_running_loop().time() + LOADING_SECONDS
        while True:
            codes = {name: (await self._get(base + path)).status_code for name, path in PATHS.items()}
            there = [name for name, code in codes.items() if code not in (404, 503)]
            if there:
                return there[0]
            if 503 not in codes.values() or asyncio.get_running_loop().time() > until:
                raise e.EngineMissing(
                    "stt",
                    f"{self.address.location} has neither {' nor '.join(PATHS.values())}: check the address, "
                    "or set WHISPER_PROTOCOL",
                )
            await asyncio.sleep(LOOK_AGAIN)

    async def prove(self, samples: Samples) -> None:
        """One real request, waited for while the server still loads. Raises `EngineError`."""
        until = asyncio.get_running_loop().time() + LOADING_SECONDS
        while True:
            try:
                await self.transcribe(samples, Question("en"))
                return
            except Busy:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(LOOK_AGAIN)

    async def _first_model(self) -> str:
        answer = await self._get(self._path.removesuffix("/audio/transcriptions") + "/models")
        try:
            return str(answer.json()["data"][0]["id"]) if answer.status_code == 200 else DEFAULT_MODEL
        except (ValueError, LookupError, TypeError):
            return DEFAULT_MODEL

    async def _get(self, path: str) -> httpx2.Response:
        """Of a server that sits there: whatever its status says, but for a refused key."""
        try:
            async with asyncio.timeout(self._patience.connect + self._patience.first):
                answer = await self._open_client.get(path)
        except TimeoutError:
            raise self._late() from None
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from None
        if answer.status_code in (401, 403):
            raise self._refused(answer.status_code, answer.content)
        return answer

    # ------------------------------------------------------------ one request

    async def transcribe(self, samples: Samples, question: Question) -> Transcription:
        """Raises `EngineError`. What broke before an answer came is sent once more, on a fresh connection."""
        body = await asyncio.to_thread(_wav, samples[-round(MAX_SECONDS * RATE_HZ) :])
        patient = self._patience.connect + self._patience.first + 0.1 * seconds(len(samples))
        try:
            async with asyncio.timeout(patient):
                answer = await self._sent(body, question)
                if answer.status_code in (400, 422) and self._format != "json" and self.protocol == OPENAI:
                    self._format = "json"
                    answer = await self._sent(body, question)
        except TimeoutError:
            raise self._late() from None
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from None
        if answer.status_code != 200:
            raise self._refused(answer.status_code, answer.content)
        return read(answer.headers.get("content-type", ""), answer.content)

    async def _sent(self, body: bytes, question: Question) -> httpx2.Response:
        for is_last in (False, True):
            try:
                answer = await self._post(body, question)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.PoolTimeout):
                if is_last:
                    raise
                continue
            if is_last or answer.status_code not in _AGAIN:
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _post(self, body: bytes, question: Question) -> httpx2.Response:
        data = {"response_format": self._format, "temperature": "0"}
        if self.protocol == OPENAI:
            data |= {"model": self.model, "model_name": self.model}
        if question.language or self.protocol == CPP:
            data["language"] = question.language or "auto"
        if question.prompt:
            data["prompt"] = question.prompt
        file = {"file": ("speech.wav", body, "audio/wav")}
        return await self._open_client.post(self._path, data=data, files=file)

    # ------------------------------------------------------------ inside

    @property
    def _open_client(self) -> httpx2.AsyncClient:
        if self._client is None:
            raise e.EngineError("stt", "the Whisper server was never warmed, or is closed", retryable=False)
        return self._client

    def _new_client(self) -> httpx2.AsyncClient:
        """Reads certificates, and on first use its own modules."""
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return httpx2.AsyncClient(
            base_url=f"{self.address.scheme}://{host}:{self.address.port}",
            headers=self.address.headers,
            timeout=httpx2.Timeout(None, connect=self._patience.connect),
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=KEPT_ALIVE),
        )

    def _late(self) -> e.EngineError:
        return e.EngineTimeout("stt", f"{self.address.location} did not answer in time")

    def _unreachable(self, error: Exception) -> e.EngineError:
        if isinstance(error, httpx2.ConnectTimeout):
            return self._late()
        return e.EngineUnreachable(
            "stt", f"{self.address.location} cannot be reached ({type(error).__name__})"
        )

    def _refused(self, status: int, body: bytes) -> e.EngineError:
        where, said = self.address.location, complaint(body)
        secret = self.address.authorization.partition(" ")[2]
        said = said.replace(secret, "…") if secret else said
        match status:
            case 401 | 403:
                advice = "set WHISPER_API_KEY to a key that this server lets in"
                return e.EngineDenied("stt", f"{where} refused the credentials ({status})", advice=advice)
            case 404:
                text = f"{where} has no {self._path} or no model {self.model!r}: check WHISPER_PROTOCOL"
                return e.EngineMissing("stt", text)
            case 429:
                return e.EngineQuota("stt", f"{where} has too much to do: {said}")
            case 503:
                return Busy("stt", f"{where} failed ({status}): {said}")
            case _ if status >= 500:
                return e.EngineUnreachable("stt", f"{where} failed ({status}): {said}")
        return e.EngineError("stt", f"{where} refused the sound ({status}): {said}")


def _wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes(samples.astype("<i2", copy=False).tobytes())
    return file.getvalue()
