"""Where a bucket is: s3://BUCKET[/PREFIX]. Whose service it is, and as whom it is called, is for the SDK's
own variables to say (`AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, …).

A file of its own: settings read it, and so does the server, without the SDK.
"""

import re
from dataclasses import dataclass

ACCEPTED = "a directory, or s3://BUCKET[/PREFIX] with a bucket of 3 to 63 of a-z 0-9 . -"

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[^/\x00-\x1f]+)*)/?")


def is_s3(text: str) -> bool:
    return text.startswith("s3://")


@dataclass(frozen=True, slots=True)
class S3Address:
    bucket: str
    prefix: str
    """Empty, or ends with a slash."""

    @classmethod
    def read(cls, text: str) -> "S3Address":
        """Raises `ValueError` that says what is accepted."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(ACCEPTED)
        prefix = found["prefix"].removeprefix("/")
        return cls(found["bucket"], f"{prefix}/" if prefix else "")
