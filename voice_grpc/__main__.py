"""`voice-grpc COMMAND …`: each command comes from the package that owns it (entry points)."""

import os
import sys
from importlib.metadata import entry_points
from typing import NoReturn

from . import __version__
from .engines.worker_threads import computing
from .net.proxy import spare_near_hosts

USAGE = """usage: voice-grpc COMMAND [OPTION ...]

Talk to it and it answers like a person would.

  serve           the server: conversations over gRPC
  up              a server and a page to talk to it, in one command
  talk            talk to a server: by microphone, with a recording, or by text
  gateway         browsers: WebSocket, WebRTC and a page to talk to
  doctor          check each configured engine with one small call
  health          whether a server serves, for the probes of containers
  sessions        the kept conversations of a server: list, show, export, delete
  demo            start a server and hold a spoken conversation with it
  models          the embedded engines' models: what there is, and fetched beforehand
  whisper-server  Whisper over OpenAI's HTTP protocol, for other machines and tools

voice-grpc COMMAND --help tells more; voice-grpc --version says which this is."""


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 well, 1 the work failed, 2 the command line or its surroundings are wrong."""
    argv = sys.argv[1:] if argv is None else argv
    commands = {point.name: point for point in entry_points(group="voice_grpc.commands")}
    if argv and argv[0] in ("-h", "--help", "help"):
        print(USAGE)  # noqa: T201 - asked for
        return 0
    if "--version" in argv[:1] or (argv and argv[0] in commands and "--version" in argv[1:2]):
        print(f"voice-grpc {__version__}")  # noqa: T201 - asked for
        return 0
    if not argv or argv[0] not in commands:
        wrong = f"no command {argv[0]!r}; there are: {', '.join(sorted(commands))}" if argv else USAGE
        print(wrong, file=sys.stderr)  # noqa: T201 - no log before the settings are read
        return 2
    spare_near_hosts()
    # Read when grpc is first imported: its core would log what we say in one line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Read when onnxruntime is first imported: it would send usage to its maker, and needs a home for that.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        code: int = commands[argv[0]].load()(argv[1:])
    except KeyboardInterrupt:  # before the command itself minds it
        return 130
    return code


def run() -> NoReturn:
    """`main` as a process, which ends with its exit code, at once also while an engine still computes."""
    code = main()
    if computing():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
