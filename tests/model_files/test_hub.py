"""Models from a hub, as `huggingface_hub` fetches them, against a hub of this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from .index import CONFIG, ONE, TWO, sha

pytest.importorskip("huggingface_hub")

FETCH = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.model_files.index import PIECES, Silent
from voice_grpc.core.errors import EngineError
from voice_grpc.model_files.cache import locate

try:
    print(locate(replace(PIECES, hub=sys.argv[2]), Path(sys.argv[1]), Silent()))
except EngineError as error:
    sys.exit(str(error))
"""
"""In a process of its own: the library reads its variables once, when it is imported."""


@dataclass
class Hub:
    url: str
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.reply(with_body=False)

        def do_GET(self) -> None:
            self.reply(with_body=True)

        def reply(self, *, with_body: bool) -> None:
            found.asked.append(f"{self.command} {self.path}")
            data = found.files.get(self.path.lstrip("/"))
            if data is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            headers = {"X-Repo-Commit": "a" * 40, "ETag": f'"{sha(data)}"', "Content-Length": str(len(data))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = "makers/pieces/resolve/v1/"
    found = Hub(
        f"http://127.0.0.1:{server.server_address[1]}",
        {f"{base}m.gguf": ONE + TWO, f"{base}config.json": CONFIG},
    )
    thread = Thread(target=server.serve_forever, name="hub")
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(hub: Hub, cache: Path, place: str = "makers/pieces@v1", **more: str) -> tuple[int, str]:
    settings = {"VOICE_MODEL_SOURCE": "hub", "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1"}
    environment = os.environ | settings | {"NO_PROXY": "127.0.0.1", "HF_HOME": str(cache / "hf")} | more
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", FETCH, str(cache), place]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, (ended.stdout or ended.stderr).strip()


def test_files_come_from_their_makers(hub: Hub, tmp_path: Path) -> None:
    code, said = fetch(hub, tmp_path)
    assert (code, said) == (0, str(tmp_path / "pieces/m.gguf"))
    assert (tmp_path / "pieces/m.gguf").read_bytes() == ONE + TWO
    assert (tmp_path / "pieces/config.json").read_bytes() == CONFIG


def test_another_file_than_the_pinned_one_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["makers/pieces/resolve/v1/m.gguf"] = b"something else"
    code, said = fetch(hub, tmp_path)
    assert code == 1
    assert "m.gguf is not what was pinned" in said
    assert not (tmp_path / "pieces/m.gguf").exists()


def test_what_is_not_there_is_one_line(hub: Hub, tmp_path: Path) -> None:
    hub.files.clear()
    code, said = fetch(hub, tmp_path)
    assert (code, said.count("\n")) == (1, 0)
    assert "could not be fetched" in said


def test_offline_is_offline(hub: Hub, tmp_path: Path) -> None:
    code, said = fetch(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert (code, said.count("\n"), hub.asked) == (1, 0, [])


def test_a_model_that_is_on_no_hub_says_so(hub: Hub, tmp_path: Path) -> None:
    code, said = fetch(hub, tmp_path, place="")
    assert code == 1
    assert "pieces is on no hub" in said
