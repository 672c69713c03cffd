"""grpc.health.v1: whether the server serves, told once or to whoever watches, up to its end.

The servicer that comes with grpcio-health-checking forgets all who watch a service as soon as one of them
leaves, and never ends a Watch. Who may watch, and how long, is for `side_streams.py` to say.
"""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from ..core.errors import Draining
from .status import Context
from .streams import opened, promptly

Status = health_pb2.HealthCheckResponse


class HealthService:
    def __init__(self) -> None:
        self._statuses: dict[str, health_pb2.HealthCheckResponse.ServingStatus.ValueType] = {}
        self._changed = asyncio.Event()
        """Set at the next change, and replaced then."""
        self._has_ended = False

    def set(self, service: str, *, is_serving: bool) -> None:
        """After `end` nothing changes any more."""
        if not self._has_ended:
            self._statuses[service] = Status.SERVING if is_serving else Status.NOT_SERVING
            self._wake()

    def end(self) -> None:
        """The server goes away: NOT_SERVING from now on, and who watches is told that last."""
        for service in list(self._statuses):
            self.set(service, is_serving=False)
        self._has_ended = True
        self._wake()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return Status(status=status)

    async def List(self, request: Any, context: Context) -> Any:
        """All services. Where the installed grpcio-health-checking has no such method nobody asks."""
        statuses = {service: Status(status=status) for service, status in self._statuses.items()}
        return getattr(health_pb2, "HealthListResponse")(statuses=statuses)  # noqa: B009 - not in every version

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Raises `Draining` at the end of the server, and what a write raises."""
        write, told = promptly(await opened(context)), None
        while True:
            changed = self._changed
            status = self._statuses.get(request.service, Status.SERVICE_UNKNOWN)
            if status != told:
                await write(Status(status=status))
                told = status
            elif self._has_ended:
                raise Draining("the server goes away; watch another")
            else:
                await changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
