"""A browser's side of a WebRTC call, by aiortc: speaks what it is given, keeps what it hears and is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import httpx2
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from tests.serving import WITHIN
from voice_grpc.core.audio import Samples

RATE_HZ, FRAME = 48_000, 960


class Microphone(MediaStreamTrack):
    """Silence, and what `say` puts there, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pending = np.zeros(0, np.int16)
        self._count = 0
        self._start = 0.0
        self.lose = 0
        """So many of the next frames never leave: their time passes."""

    def say(self, samples: Samples) -> None:
        """PCM16 mono at 48 kHz."""
        self._pending = np.concatenate((self._pending, samples))

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        while self.lose:
            self.lose -= 1
            self._count += 1
        await asyncio.sleep(max(0.0, self._start + self._count * 0.02 - loop.time()))
        part, self._pending = self._pending[:FRAME], self._pending[FRAME:]
        samples = np.concatenate((part, np.zeros(FRAME - len(part), np.int16)))
        frame = AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = self._count * FRAME
        self._count += 1
        return frame


@dataclass
class Peer:
    peer: RTCPeerConnection
    microphone: Microphone
    channel: Any
    location: str = ""
    texts: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Samples] = field(default_factory=list)
    """20 ms each."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, text: str) -> None:
        self.texts.append(json.loads(text))
        self._changed.set()

    async def listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            sound = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)[:, 0]
            self.heard.append(sound.astype(np.int16))
            self._changed.set()

    def send(self, message: dict[str, Any]) -> None:
        self.channel.send(json.dumps(message))

    async def until(self, found: Any, what: str) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while not found():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"nothing of {what} in: {self.texts}") from None

    def of(self, arm: str) -> list[dict[str, Any]]:
        return [text[arm] for text in self.texts if arm in text]

    def state(self, name: str) -> bool:
        return any(event["state"] == name for event in self.of("turnEvent"))

    @property
    def loud(self) -> int:
        """Frames with sound in them."""
        return sum(int(np.abs(samples).max()) > 1_000 for samples in self.heard)


@asynccontextmanager
async def calling(
    url: str,
    token: str = "",
    *,
    speaks: bool = True,
    resume_token: str = "",
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Peer]:
    """Connected, its channel open; hung up without a word when the block ends. One that does not speak
    offers to receive only. `headers`: of the offer, besides."""
    connection = RTCPeerConnection()
    microphone = Microphone()
    if speaks:
        connection.addTrack(microphone)
    else:
        connection.addTransceiver("audio", direction="recvonly")
    peer = Peer(connection, microphone, connection.createDataChannel("voice"))
    is_open = asyncio.Event()
    peer.channel.on("open", is_open.set)
    peer.channel.on("message", peer.told)
    async with asyncio.TaskGroup() as tasks:
        listening: list[asyncio.Task[None]] = []
        connection.on("track", lambda track: listening.append(tasks.create_task(peer.listen(track))))
        await connection.setLocalDescription(await connection.createOffer())
        headers = {"Content-Type": "application/sdp", **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if resume_token:
            headers["Resume-Token"] = resume_token
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            answer = await http.post("/v1/webrtc", content=connection.localDescription.sdp, headers=headers)
        assert answer.status_code == 201, answer.text
        peer.location = answer.headers["Location"]
        await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(WITHIN):
            await is_open.wait()
        try:
            yield peer
        finally:
            await connection.close()
            for task in listening:
                task.cancel()
