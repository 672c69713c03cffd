"""Everything that is answered instead of a transcript, in OpenAI's shape.

{"error": {"message": …, "type": …, "param": …, "code": …}}
"""

import logging
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

log = logging.getLogger(__name__)


class ApiError(Exception):
    """`param` is the form field that is wrong; `code` is for programs. Both as OpenAI names them."""

    def __init__(
        self, status: int, message: str, param: str = "", code: str = "", retry_after: int = 0
    ) -> None:
        """`retry_after`: seconds after which the same request may go well; 0 for those that never will."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        about = {"message": self.message, "type": kind}
        return {"error": {**about, "param": self.param or None, "code": self.code or None}}

    @property
    def headers(self) -> dict[str, str]:
        found = {"retry-after": str(self.retry_after)} if self.retry_after else {}
        if self.status == HTTPStatus.UNAUTHORIZED:
            found["www-authenticate"] = "Bearer"
        return found


def bad_request(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message, param, code)


async def answer_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, error.status, error.headers)


async def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """What the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    if error.status_code == HTTPStatus.NOT_FOUND:
        known = ApiError(error.status_code, f"Unknown request URL: {where}", code="unknown_url")
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        said = f"Not allowed: {where}; it takes {allowed}"
        known = ApiError(error.status_code, said, code="method_not_supported")
    else:
        known = ApiError(error.status_code, str(error.detail))
    return JSONResponse(known.body, known.status, {**(error.headers or {}), **known.headers})


async def answer_bug(request: Request, error: Exception) -> JSONResponse:
    """Logged with its traceback by whoever runs the application; the caller gets no inside of it."""
    bug = ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "The server had an error; its log tells more")
    return JSONResponse(bug.body, bug.status)
