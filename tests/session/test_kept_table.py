"""The table of what is kept of a conversation says the numbers of the code. Each is measured: here
in `test_kept.py`, `test_kept_sound.py`, `test_flood.py`, `test_ahead_of_the_ear.py`, in `tests/core` and in
`tests/rpc/test_kept.py`."""

from gateway.dialects import proto_json
from tests.pages import page
from voice_grpc.core.config import MAX_TEXT
from voice_grpc.core.conversation import KEPT_SHARE, MAX_CHARACTERS, MAX_MESSAGES, MAX_UNANSWERED
from voice_grpc.core.errors import SHOWN
from voice_grpc.core.playout.pacer import BEHIND_SECONDS, SENT_SECONDS
from voice_grpc.core.tools import MAX_RESULTS
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.core.turn.state import MAX_MESSAGE, MAX_SPLITS
from voice_grpc.engines.prompt_history import HISTORY_CHARACTERS
from voice_grpc.rpc.status import MAX_STATUS
from voice_grpc.session.hearing import listener, transcriber
from voice_grpc.session.reader import MAX_UPDATES, MAX_WAITING
from voice_grpc.session.telling.notices import MAX_TRANSCRIPT
from voice_grpc.wire.tools import MAX_DEPTH, MAX_JSON, MAX_TOOLS

LIMIT = TurnSettings().turn_limit
OVERLONG = f"{listener._OVERLONG:g}"  # noqa: SLF001 - it is told
GIVEN_UP = f"{transcriber.PART_LEAST_SECONDS:g} s, or as long as it lasted"
WORDS = f"{MAX_TEXT:,} characters a text; {MAX_MESSAGE:,} a turn, spoken ones and those given back included"
ROWS = [
    ("of one conversation", "at most", "beyond it"),
    (
        "the user's words",
        WORDS,
        "left out of the message; TOO_MANY for a text, else TURN_LIMIT, once a turn",
    ),
    ("texts that wait for the end of an answer", f"{MAX_WAITING}", "TOO_MANY, each"),
    (
        "what a recogniser gives for an utterance, interims too",
        f"{MAX_TRANSCRIPT:,} characters",
        "cut; TOO_MANY once an utterance",
    ),
    (
        "sound of a turn, or of an utterance of Transcribe",
        f"{OVERLONG} × `turn_limit`, which is {LIMIT:g} s unless set",
        "becomes a part with a final of its own; TURN_LIMIT (Transcribe: once an utterance)",
    ),
    ("a part that is transcribed", GIVEN_UP, "ENGINE_TIMEOUT; what was known of its words is kept"),
    ("parts of a recording", f"{transcriber.PARTS_AHEAD} that are transcribed", "it is read no faster"),
    (
        "a turn of the button",
        f"{MAX_SPLITS + 1} parts",
        "the server takes it to be over and answers; TURN_LIMIT",
    ),
    ("changes of the settings that wait", f"{MAX_UPDATES}", "TOO_MANY, each"),
    (
        "sound of an answer, read or not",
        f"10 s ahead of the ear; {SENT_SECONDS:g} s that left, {BEHIND_SECONDS:g} s where the client reports",
        "is not made yet; is forgotten",
    ),
    (
        "tools",
        f"{MAX_TOOLS}; schemas of {MAX_JSON:,} characters as JSON in all, {MAX_DEPTH} levels deep",
        "INVALID_ARGUMENT, or BAD_MESSAGE for an update; both name the tool",
    ),
    (
        "what tools return",
        f"{MAX_JSON:,} characters a result, {MAX_DEPTH} levels deep; {MAX_RESULTS:,} a turn",
        "BAD_MESSAGE; TOO_MANY, and the model is told that it was too long",
    ),
    (
        "the history, in memory and in the store",
        f"{MAX_CHARACTERS:,} characters, {MAX_MESSAGES:,} messages",
        f"the oldest turns give way, down to {KEPT_SHARE:.0%}; TOO_MANY once a stream",
    ),
    (
        "a prompt",
        f"{HISTORY_CHARACTERS:,} characters of earlier turns; {MAX_UNANSWERED:,} since the last answer",
        "the oldest are left out of it; TOO_MANY once a stream for the latter",
    ),
    (
        "the text of a status",
        f"{MAX_STATUS:,} bytes, {SHOWN} characters of a value",
        "cut, so that it reaches the client",
    ),
]


def kept_table() -> str:
    lines = [f"| {' | '.join(row)} |" for row in ROWS]
    return "\n".join([lines[0], "|---|---|---|", *lines[1:]])


def test_the_table_of_what_is_kept_is_the_code() -> None:
    assert kept_table() in page("limits"), kept_table()


def test_the_gateway_names_the_depth_that_the_server_takes() -> None:
    assert proto_json.MAX_LEVELS == MAX_DEPTH
