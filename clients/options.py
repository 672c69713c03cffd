"""The command line of `voice-grpc talk`, and the session that it asks for.

How a server is reached is said in the same words by every command that does.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from voice_grpc.client import Access
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.process.home import expanded

from .audio import INPUT_HZ, OUTPUT_HZ
from .echo import is_installed

DEFAULT_TARGET = "127.0.0.1:50051"

_EXAMPLES = """\
examples:
  voice-grpc talk                                      microphone and loudspeaker
  voice-grpc talk --push-to-talk                       Enter begins and ends what you say
  voice-grpc talk --text "What is the capital of France?"
  voice-grpc talk --wav question.wav --save both.wav   you on the left, the answer on the right
  voice-grpc talk --wav first.wav --wav second.wav --session tuesday
  voice-grpc talk --target https://voice.example.org --token "$TOKEN"

While you talk by microphone, a typed line is sent as text, and
  /stop    stops the answer      /pause and /resume   hold the conversation      /quit   ends it
  /stop-recording   takes back what --allow-recording allowed

exit code: 0 it went well · 1 a question was not answered, or the conversation broke off ·
2 it could not begin, and one line says why · 130 Ctrl-C
"""


@dataclass(slots=True)
class TalkOptions:
    target: str = DEFAULT_TARGET
    token: str = ""
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    session: str = ""
    persona: str = ""
    voice: str = ""
    language: list[str] = field(default_factory=list)
    allow_recording: bool = False
    wav: list[Path] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    text_only: bool = False
    play: bool = False
    save: Path | None = None
    push_to_talk: bool = False
    half_duplex: bool = False
    timings: bool = False
    list_devices: bool = False
    input_device: str = ""
    output_device: str = ""

    @property
    def access(self) -> Access:
        return Access(self.token, self.ca, self.cert, self.key, self.tls)

    @property
    def is_prepared(self) -> bool:
        """The user's side is given, so no microphone is needed."""
        return bool(self.wav or self.text)

    @property
    def cancels_echo(self) -> bool:
        """No microphone hears the loudspeaker, or what it hears of it is taken out here."""
        return self.is_prepared or is_installed()

    @property
    def is_silent(self) -> bool:
        """Nobody would hear the answers of a typed conversation, so they are asked for as text alone."""
        return not self.wav and (self.text_only or not (self.play or self.save))

    def config(self) -> pb.SessionConfig:
        config = session_config(is_prepared=self.is_prepared)
        config.session_id, config.persona_id = self.session, self.persona
        config.language_codes.extend(self.language)
        config.voice.voice_id = self.voice
        config.recording = self.allow_recording
        config.capabilities.half_duplex = self.half_duplex
        config.capabilities.echo_cancellation = self.cancels_echo
        if self.push_to_talk:
            config.turn_detection.mode = pb.TurnDetection.MODE_MANUAL
        return config


def path(text: str) -> Path:
    """For argparse: `~` is the home directory, as in the settings. Not every shell expands `--save=~/x`."""
    try:
        return Path(expanded(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"got {text!r}, accepted: {error}") from None


def session_config(*, is_prepared: bool) -> pb.SessionConfig:
    """What every session of these clients asks for. `is_prepared`: the user's side is given, in files and
    lines, so that no microphone hears the loudspeaker."""
    pcm = pb.AUDIO_ENCODING_PCM_S16LE
    config = pb.SessionConfig(
        voice=pb.VoiceConfig(),
        input_audio=pb.AudioFormat(encoding=pcm, sample_rate_hz=INPUT_HZ, channels=1),
        output_audio=pb.AudioFormat(encoding=pcm, sample_rate_hz=OUTPUT_HZ, channels=1),
        turn_detection=pb.TurnDetection(mode=pb.TurnDetection.MODE_SERVER_VAD),
        capabilities=pb.ClientCapabilities(
            playback_reports=True, playback_control=True, echo_cancellation=is_prepared
        ),
    )
    if is_prepared:
        config.greeting = ""  # a question from a file would be said over it
    return config


def parse(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> TalkOptions:
    """Wrong arguments end the program with code 2 and a line, as argparse does."""
    environment = os.environ if environment is None else environment
    parser = argparse.ArgumentParser(
        prog="voice-grpc talk",
        description="Talk to a voice server: by microphone and loudspeaker, from sound files, or typed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    server = parser.add_argument_group("the server")
    server_arguments(server, environment)
    _session_arguments(server)
    _user_arguments(parser)
    _answer_arguments(parser)
    options = TalkOptions(**vars(parser.parse_args(argv)))
    if options.is_prepared and options.push_to_talk:
        parser.error("--push-to-talk is for the microphone; with --wav and --text there is none")
    if any(not text.strip() for text in options.text):
        parser.error("--text needs words")
    options.token = checked_token(parser, options.token)
    _check_texts(parser, options)
    return options


def checked_token(parser: argparse.ArgumentParser, token: str) -> str:
    """Without the space around it."""
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        parser.error("--token: got a secret, accepted: printable ASCII characters")
    return token


def is_utf8(text: str) -> bool:
    """Whether gRPC can send it: bytes of a command line that are no UTF-8 come as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_texts(parser: argparse.ArgumentParser, options: TalkOptions) -> None:
    for name in ("target", "session", "persona", "voice", "language", "text"):
        given = getattr(options, name)
        for text in [given] if isinstance(given, str) else given:
            if not is_utf8(text):
                parser.error(f"--{name}: got {text!r}, accepted: text in UTF-8")


class Arguments(Protocol):
    """A parser, or a group of one."""

    def add_argument(self, *names: str, **how: Any) -> object: ...


def server_arguments(server: Arguments, environment: Mapping[str, str]) -> None:
    """`token`, and those of `address_arguments`."""
    address_arguments(server, environment)
    server.add_argument(
        "--token", default=environment.get("VOICE_TOKEN", ""), help="bearer token; env VOICE_TOKEN"
    )


def address_arguments(server: Arguments, environment: Mapping[str, str]) -> None:
    """`target`, `tls`, `ca`, `cert` and `key`."""
    target = environment.get("VOICE_TARGET") or DEFAULT_TARGET
    server.add_argument(
        "--target", default=target, metavar="HOST:PORT", help="or https://…; env VOICE_TARGET; %(default)s"
    )
    server.add_argument("--tls", action="store_true", help="encrypt, as https://… does")
    server.add_argument(
        "--ca",
        "--ca-file",
        type=path,
        metavar="PEM",
        help="authorities to trust, not the system's; turns TLS on",
    )
    server.add_argument("--cert", type=path, metavar="PEM", help="your certificate; turns TLS on")
    server.add_argument("--key", type=path, metavar="PEM", help="its private key")


def _session_arguments(server: Arguments) -> None:
    server.add_argument("--session", default="", metavar="ID", help="go on with this conversation")
    server.add_argument("--persona", default="", metavar="ID", help="who answers")
    server.add_argument("--voice", default="", metavar="ID", help="with which voice")
    server.add_argument(
        "--language", action="append", default=[], metavar="TAG", help="such as de-DE; again: one of these"
    )
    server.add_argument(
        "--allow-recording",
        action="store_true",
        help="the server may record the conversation, where it does; the first line tells",
    )


def _user_arguments(parser: argparse.ArgumentParser) -> None:
    user = parser.add_argument_group("you")
    user.add_argument(
        "--wav",
        action="append",
        default=[],
        type=path,
        metavar="FILE",
        help="say this file, in real time; again: the next question, after the answer",
    )
    user.add_argument(
        "--text", action="append", default=[], metavar="WORDS", help="type this; again: the next question"
    )
    user.add_argument("--push-to-talk", action="store_true", help="Enter begins and ends what you say")
    user.add_argument(
        "--half-duplex",
        action="store_true",
        help="do not listen while the answer plays: for an echo that nothing cancels",
    )
    user.add_argument("--input-device", default="", metavar="N|NAME", help="which microphone")


def _answer_arguments(parser: argparse.ArgumentParser) -> None:
    answer = parser.add_argument_group("the answer")
    answer.add_argument("--text-only", action="store_true", help="answer --text in text alone")
    answer.add_argument("--play", action="store_true", help="with --wav and --text: play it too")
    answer.add_argument("--save", type=path, metavar="WAV", help="stereo: you left, the answer right")
    answer.add_argument(
        "--timings",
        action="store_true",
        help="tell why each turn was taken to be over, and what a voice over an answer did to it",
    )
    answer.add_argument("--output-device", default="", metavar="N|NAME", help="which loudspeaker")
    answer.add_argument("--list-devices", action="store_true", help="list the devices and stop")
