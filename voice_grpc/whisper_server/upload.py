"""A multipart request → its fields and its file. What is too large or too slow is refused while it comes in
(`bounded`); a file above 1 MB waits on disk, so that no caller decides how much memory is used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import ASGIApp

from ..net.http.body import BodyTooLarge, BodyTooSlow, BoundedBody
from .errors import ApiError, bad_request

MIB = 1024 * 1024
_FIELDS_BYTES = MIB
"""Bytes of all that is not the file."""
_FIELDS = 100
_FILES = 4
_UPLOAD_SECONDS = 120.0
"""Enough for 25 MB at 2 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Upload:
    file: UploadFile
    fields: dict[str, list[str]]
    """All values of each, in order."""


def bounded(app: ASGIApp, most_bytes: int) -> BoundedBody:
    """`app` with the bounds of an upload whose file has `most_bytes`."""
    return BoundedBody(app, most_bytes + _FIELDS_BYTES, _UPLOAD_SECONDS)


@asynccontextmanager
async def uploaded(request: Request, most_bytes: int) -> AsyncIterator[Upload]:
    """Raises `ApiError`, and `ClientDisconnect` when the caller goes away while it sends."""
    form = await _form(request, most_bytes)
    try:
        yield _upload(form, most_bytes)
    finally:
        await form.close()


async def _form(request: Request, most_bytes: int) -> FormData:
    kind = request.headers.get("content-type", "nothing")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        said = f"The request must be multipart/form-data; this one is {kind[:80]}"
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, said, code="unsupported_content_type")
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=_FILES,
        max_fields=_FIELDS,
        max_part_size=_FIELDS_BYTES,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise bad_request(f"The multipart body cannot be read: {error.message}", "", "invalid_body") from None
    except BodyTooLarge as error:
        raise _too_large(most_bytes, error.size) from None
    except BodyTooSlow as error:
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, str(error), code="upload_timeout") from None


def _too_large(most: int, size: int) -> ApiError:
    said = f"Maximum content size limit ({most}) exceeded ({size} bytes)"
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said, "file", "content_too_large")


def _upload(form: FormData, most_bytes: int) -> Upload:
    fields: dict[str, list[str]] = {}
    file: UploadFile | None = None
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
        elif name == "file":
            file = value
    if file is None:
        why = "must be an uploaded file with a filename" if "file" in fields else "is missing"
        raise bad_request(f"file {why}: send the audio as the form field `file`", "file", "missing_file")
    if not file.size:
        raise bad_request("The file is empty", "file", "empty_file")
    if file.size > most_bytes:
        raise _too_large(most_bytes, file.size)
    return Upload(file, fields)
