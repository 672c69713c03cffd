"""Bearer tokens in a file, by their digests: who has which, and until when.

A line is `NAME:SHA256` or `NAME:SHA256:LAST-DAY`, such as `alice:9f86…0a08:2027-01-31`; of somebody who may
see and erase everybody's conversations `:admin` stands behind it. Empty lines and those that begin with `#`
are nothing. A name may have several lines, so that a token can be replaced while the old one still counts.
Whoever reads the file learns no token, since tokens are long and random.
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..process.reloaded import OperatorFile, Reloaded
from .bearer import digest

LINE = re.compile(
    r"(?P<name>[\w.@-]{1,64}):(?P<digest>[0-9a-fA-F]{64})(:(?P<day>\d{4}-\d{2}-\d{2}))?(?P<admin>:admin)?",
    re.ASCII,
)
ACCEPTED = (
    "NAME:SHA256 or NAME:SHA256:LAST-DAY, the digest in 64 hexadecimal digits, the day as 2027-01-31, and "
    "of an administrator :admin behind it"
)
MOST = 10_000
"""Tokens. Each is compared with each that is given: a thousand take 0.14 ms (measured on two busy cores)."""


@dataclass(frozen=True, slots=True)
class NamedToken:
    name: str
    digest: bytes
    ends: datetime | None
    """From then on it is no longer let in; None: it always is."""
    is_admin: bool = False

    def is_over(self, now: datetime) -> bool:
        return self.ends is not None and now >= self.ends


def read_tokens(text: str) -> Iterator[NamedToken]:
    """Raises `ValueError` that names the line. It repeats nothing of it: a token may stand there as it is."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = LINE.fullmatch(line.strip())
        if found is None:
            raise ValueError(f"line {number} is none")
        try:
            ends = datetime.fromisoformat(found["day"]).replace(tzinfo=UTC) if found["day"] else None
        except ValueError:
            raise ValueError(f"line {number} has a day that no calendar has") from None
        ends = ends + timedelta(days=1) if ends is not None else None
        yield NamedToken(found["name"], bytes.fromhex(found["digest"]), ends, found["admin"] is not None)


def find_token(tokens: Sequence[NamedToken], token: str) -> NamedToken | None:
    """All are compared each time, whatever is found. Of several lines of one token the last one counts."""
    given = digest(token)
    found = [each for each in tokens if hmac.compare_digest(given, each.digest)]
    return found[-1] if found else None


def token_file(path: Path, option: str) -> Reloaded[tuple[NamedToken, ...]]:
    """Blocks: it reads the file. Raises `BadField`."""
    file = OperatorFile(path, option, f"a file of lines {ACCEPTED}")

    def read() -> tuple[NamedToken, ...]:
        try:
            tokens = tuple(read_tokens(file.read().decode("utf-8-sig")))
        except UnicodeDecodeError:
            raise file.wrong("it is no text") from None
        except ValueError as error:
            raise file.wrong(str(error)) from None
        if len(tokens) > MOST:
            raise file.wrong(f"it has {len(tokens)}, and {MOST} is the most")
        return tokens

    return Reloaded([path], read)
