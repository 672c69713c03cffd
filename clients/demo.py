"""`voice-grpc demo`: a server of its own, a user with a borrowed voice, and a conversation to listen to."""

import argparse
import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from voice_grpc.client import Call, CallFailed, connect, reach
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.process.child_process import LISTENING, ChildEnded, running
from voice_grpc.process.installation import advice, lacking, program

from .audio import Samples
from .conversation import Conversation
from .demo_script import FIRST, LAST, LAST_OF_STRANGER, LEGEND, LONG, OVER_IT, PITCH, Script, spoken, table
from .options import path, session_config
from .recording import Recording
from .screen import DIM, Screen
from .scripted_user import VirtualMicrophone, conversing, finish
from .wav import BadFile, check_writable, read_voice

SERVE = (sys.executable, "-m", "voice_grpc", "serve", "--port", "0")

STOP_SECONDS = 5.0
"""For the server to end: nobody is talking to it any more."""


@dataclass(slots=True)
class DemoOptions:
    wav: Path | None
    """The first question, instead of a made one."""
    save: Path


def command(argv: list[str]) -> int:
    """0: every turn was answered; 1: one was not; 2: it could not begin; 130: Ctrl-C."""
    options = parse(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        faults = asyncio.run(hold(options, Screen(interims=True)))
    except (BadFile, ChildEnded, CallFailed, OSError) as error:
        print(f"voice-grpc demo: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    for fault in faults:
        print(f"voice-grpc demo: {fault}", file=sys.stderr)
    print("\n".join(next_steps()))
    return 1 if faults else 0


def parse(argv: Sequence[str]) -> DemoOptions:
    own = os.environ.get("DEMO_WAV")
    parser = argparse.ArgumentParser(
        prog="voice-grpc demo",
        description="Starts a server, talks to it by voice in real time, and saves what was said and heard.",
        epilog="exit code: 0 every turn was answered · 1 one was not · 2 it could not begin · 130 Ctrl-C",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--wav",
        type=path,
        default=own or None,
        metavar="FILE",
        help="the first question, in your own voice; env DEMO_WAV",
    )
    parser.add_argument(
        "--save", type=path, default=Path("demo.wav"), metavar="WAV", help="the recording; %(default)s"
    )
    return DemoOptions(**vars(parser.parse_args(argv)))


async def hold(options: DemoOptions, screen: Screen, serve: Sequence[str] = SERVE) -> list[str]:
    """The whole demo; returns a line for each thing that went wrong."""
    began = time.monotonic()
    check_writable(options.save)
    recorded = read_voice(options.wav) if options.wav else None
    if (main := asyncio.current_task()) is not None:  # a terminated demo leaves no server behind
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
    screen.line("starting a server", DIM)
    is_loading = True

    def hear(line: str) -> None:
        if is_loading and not line.startswith(LISTENING):
            screen.line(f"  {line}", DIM)

    with running("server", serve, hear, stop_within=STOP_SECONDS) as server:
        target = await server.listening()
        is_loading = False
        async with connect(target) as channel:
            await reach(channel, target)
            clips = await _clips(channel, recorded, screen)
            screen.line(f"ready after {time.monotonic() - began:.1f} s", DIM)
            script = await _converse(channel, clips, options, screen)
    saved = f"saved {options.save}: the user on the left, the answer on the right"
    for line in ("", *table(script.outcomes), "", LEGEND, saved):
        screen.line(line)
    return script.faults


def next_steps() -> list[str]:
    """What to try now, each with what has to be installed first where that is missing."""
    name = program()
    page = f"first run {advice('gateway', 'webrtc')}" if lacking("gateway") else "a page to talk to it"
    microphone = f"first run {advice('mic')}" if lacking("mic") else "your microphone, while `serve` runs"
    ways = {
        "up": page,
        "serve": "the server alone, on port 50051",
        "talk": microphone,
        "doctor": "checks the engines, once you have set your own",
    }
    return ["", "now try", *(f"  {name} {command:7} {what}" for command, what in ways.items())]


async def _clips(channel: grpc.aio.Channel, recorded: Samples | None, screen: Screen) -> dict[str, Samples]:
    """What the user says, by its words."""
    screen.line(f"the user borrows the server's voice, raised by {PITCH - 1:.0%}", DIM)
    stub = VoiceServiceStub(channel)
    clips = {FIRST: recorded} if recorded is not None else {}
    for words in (FIRST, *LONG, OVER_IT, LAST if recorded is None else LAST_OF_STRANGER):
        if words not in clips:
            clips[words] = await spoken(stub, words)
    return clips


async def _converse(
    channel: grpc.aio.Channel, clips: dict[str, Samples], options: DemoOptions, screen: Screen
) -> Script:
    """What was said and heard is saved however it ends."""
    async with Call.open(channel, session_config(is_prepared=True)) as call:
        conversation = Conversation(call, screen, Recording(time.monotonic()))
        microphone = VirtualMicrophone()
        script = Script(conversation, microphone, clips, LAST if LAST in clips else LAST_OF_STRANGER)
        try:
            async with conversing(conversation, microphone, plays=True):
                await script.play()
                await finish(conversation)
        finally:
            conversation.recording.save(options.save)
    return script
