"""`voice-grpc whisper-server` as a process, and sounds to send to it."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import soundfile

from voice_grpc.core.audio import RATE_HZ
from voice_grpc.whisper_server.options import COMMAND_LINE, WhisperServerSettings

ROOT = Path(__file__).parents[2]
KEY = "test-key-1"
COMMAND = (sys.executable, "-m", "voice_grpc", "whisper-server")
TRANSCRIPTIONS = "/v1/audio/transcriptions"


@dataclass
class Process:
    popen: "subprocess.Popen[str]"
    url: str = ""
    said: list[str] = field(default_factory=list)
    """On stdout, up to the address."""
    errors: list[str] = field(default_factory=list)
    """On stderr, as it comes."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def metric(self, name: str, **labels: str) -> float:
        """The value of one line of /metrics."""
        return metric(httpx2.get(f"{self.url}/metrics").text, name, **labels)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.popen.pid}/fd"))

    def end(self, number: signal.Signals, timeout: float = 60) -> int:
        """The exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout)


def metric(text: str, name: str, **labels: str) -> float:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    line = re.escape(name + (f"{{{inside}}}" if inside else ""))
    found = re.search(rf"^{line} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} {labels} is not in the metrics"
    return float(found[1])


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Nothing of this machine's settings."""
    ours = {COMMAND_LINE.variable(name) for name in WhisperServerSettings.model_fields}
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **given}


@contextmanager
def started(
    *arguments: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Process]:
    """In a process group of its own: what is left of it at the end is killed."""
    with tempfile.TemporaryDirectory() as empty:
        popen = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=cwd or empty,
            env=environment({"WHISPER_API_KEY": KEY} if variables is None else variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        process = Process(popen)
        assert popen.stderr is not None
        reading = threading.Thread(target=process.errors.extend, args=(popen.stderr,))
        reading.start()
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
            reading.join()
            for stream in (popen.stdout, popen.stderr):
                assert stream is not None
                stream.close()


@contextmanager
def running(*arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Once it listens."""
    with started(*arguments, variables=variables) as process:
        assert process.popen.stdout is not None
        for line in process.popen.stdout:
            process.said.append(line.rstrip("\n"))
            if found := re.fullmatch(r"listening on (http://\S+)\n", line):
                process.url = found[1]
                break
        else:
            raise AssertionError(f"it ended: {''.join(process.errors)}")
        yield process


def wav(samples: Any, rate: int = RATE_HZ, format: str = "WAV", subtype: str | None = None) -> bytes:
    """A file in memory; `samples` of shape (n,) or (n, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype)
    return file.getvalue()


def tone(seconds: float) -> Any:
    return (0.1 * np.sin(np.arange(round(seconds * RATE_HZ)) * 0.2)).astype(np.float32)


def upload(data: bytes, name: str = "speech.wav") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, data)}


def multipart(data: bytes, fields: Sequence[tuple[str, str]] = ()) -> tuple[bytes, bytes]:
    """Content type and body, by hand: to cut it, or to send it through a bare socket."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields
    ]
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return b"multipart/form-data; boundary=edge", b"".join([*parts, head, data, b"\r\n--edge--\r\n"])


def raw_request(data: bytes, fields: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole HTTP request."""
    kind, body = multipart(data, fields)
    head = (
        f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: {kind.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
