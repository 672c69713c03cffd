"""`voice-grpc talk`: a person, or prepared files and lines, in conversation with a server."""

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from voice_grpc.client import Call, CallFailed

from . import interactive, scripted_user
from .conversation import Conversation
from .devices import Device, NoDevice, choose, described, devices, loudspeaker, microphone
from .echo import DeviceEcho
from .options import TalkOptions, parse
from .recording import LONGEST, Recording
from .screen import DIM, Screen
from .scripted_user import Question
from .wav import BadFile, check_writable, read_voice

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def command(argv: list[str]) -> int:
    """Returns the exit code; what went wrong is one line on standard error."""
    options = parse(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ▸ is no reason to stop
    try:
        if options.list_devices:
            print(described(devices()))
            return OK
        faults = asyncio.run(_talk(options))
    except (BadFile, NoDevice, CallFailed, OSError) as error:
        faults, code = [str(error)], REFUSED
    except KeyboardInterrupt:
        faults, code = [], INTERRUPTED
    else:
        code = FAILED if faults else OK
    for fault in faults:
        print(f"voice-grpc talk: {fault}", file=sys.stderr)
    return code


async def _talk(options: TalkOptions) -> list[str]:
    """What is wrong on this side is found before the server is troubled."""
    if options.save:
        check_writable(options.save)
    questions = [Question(str(path), read_voice(path)) for path in options.wav]
    questions += [Question(text, text_only=options.is_silent or options.text_only) for text in options.text]
    needed = [] if options.is_prepared else ["microphone"]
    needed += ["loudspeaker"] if options.play or not options.is_prepared else []
    found = devices() if needed else []
    wanted = {"microphone": options.input_device, "loudspeaker": options.output_device}
    chosen = {kind: choose(kind, wanted[kind], found) for kind in needed}
    async with _conversation(options) as conversation:
        with ExitStack() as opened:
            return await _hold(conversation, options, questions, chosen, opened)


@asynccontextmanager
async def _conversation(options: TalkOptions) -> AsyncIterator[Conversation]:
    """Whatever happens in it, what was recorded is saved."""
    screen = Screen(timings=options.timings)
    async with Call.open(options.target, options.config(), options.access) as call:
        started = call.started
        again = ", going on" if started.resumed else ""
        recorded = ", recorded" if started.recording else ", not recorded" if options.allow_recording else ""
        screen.line(f"session {started.session_id}{again} at {options.target}{recorded}", DIM)
        kept = LONGEST if options.save else 0
        conversation = Conversation(call, screen, Recording(time.monotonic(), kept))
        try:
            yield conversation
        finally:
            if options.save:
                conversation.recording.save(options.save)
                screen.line(f"saved {options.save}", DIM)


async def _hold(
    conversation: Conversation,
    options: TalkOptions,
    questions: list[Question],
    chosen: dict[str, Device | None],
    opened: ExitStack,
) -> list[str]:
    recording = conversation.recording
    echo = DeviceEcho() if options.cancels_echo and not options.is_prepared else None
    if "loudspeaker" in chosen:
        opened.enter_context(
            loudspeaker(chosen["loudspeaker"], conversation.playout, recording.answer, recording.start, echo)
        )
    if options.is_prepared:
        return await scripted_user.hold(conversation, questions, plays="loudspeaker" not in chosen)
    listening = opened.enter_context(microphone(chosen["microphone"], recording.user, recording.start, echo))
    conversation.screen.line(
        "press Enter and speak" if options.push_to_talk else "speak, or type; /quit ends it", DIM
    )
    return await interactive.hold(conversation, listening, options.push_to_talk)
