"""Who is let in: with a right key, once the model is warm, and only so many at once.

Decided before anything of the body is read.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from ..net.bearer import BearerTokens, bearer_token
from .errors import ApiError
from .metrics import Metrics

RETRY_SECONDS = 1
"""What OpenAI's clients wait at least, and about what a short request takes."""
_LOADING_RETRY_SECONDS = 5


class Admission:
    def __init__(self, keys: Iterable[str], most: int, metrics: Metrics) -> None:
        """Without `keys` everybody has the right one."""
        self._keys = BearerTokens(keys)
        self._most = most
        self._metrics = metrics
        self._inside = 0
        self.is_ready = False

    def check_key(self, authorization: str) -> None:
        """Takes as long for a wrong key as for a right one. Raises `ApiError`."""
        key = bearer_token(authorization)
        if self._keys and not self._keys.find(key):
            said = "Incorrect API key provided" if key else "Send the API key as Authorization: Bearer KEY"
            raise ApiError(HTTPStatus.UNAUTHORIZED, said, code="invalid_api_key")

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place while the block runs. Raises `ApiError` when the model loads or all places are taken."""
        if not self.is_ready:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The model is loading",
                code="loading",
                retry_after=_LOADING_RETRY_SECONDS,
            )
        if self._inside >= self._most:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The server is busy with {self._most} requests; try again in a while",
                code="overloaded",
                retry_after=RETRY_SECONDS,
            )
        self._inside += 1
        self._metrics.open.set(self._inside)
        try:
            yield
        finally:
            self._inside -= 1
            self._metrics.open.set(self._inside)
