"""The standard health service of gRPC, with an answer for each part of a hub that can be in trouble."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import grpc

    Server = grpc.aio.Server

logger = logging.getLogger("am_telemetry.receiving.collector")

CHECK_INTERVAL_S: Final = 1.0
PREFIX: Final = "amdbg.v1"

Check = Callable[[], str]
"""Says what is wrong; an empty text when nothing is. Called on helper threads, one call at a time; must not raise."""


class Health:
    """Asks the checks once a second and tells whoever watches. Runs on one event loop.

    The service ``""`` stands for the whole hub, ``amdbg.v1.Collector`` for taking in records, and ``amdbg.v1.NAME`` for
    each check. The whole is well when all parts are.

    Args:
        checks: by name.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        from grpc_health.v1 import health, health_pb2

        self._checks = dict(checks)
        self._servicer = health.aio.HealthServicer()
        self._pb = health_pb2
        self._troubles: dict[str, str] = {}
        # Of its own, because the others may all be waiting for a disk when it matters.
        self._threads = ThreadPoolExecutor(1, "am-collector-health")

    @property
    def troubles(self) -> dict[str, str]:
        """Check name to what is wrong, at the last look. Any thread."""
        return dict(self._troubles)

    def add_to(self, server: Server) -> None:
        """Answer on a server, which has not been started."""
        from grpc_health.v1 import health_pb2_grpc

        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def watch(self) -> None:
        """Look at everything again and again, until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def stop(self) -> None:
        """Say that nothing is served any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._servicer.enter_graceful_shutdown()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        found = {name: await loop.run_in_executor(self._threads, check) for name, check in self._checks.items()}
        troubles = {name: trouble for name, trouble in found.items() if trouble}
        for name, trouble in troubles.items():
            if name not in self._troubles:
                logger.warning("%s: %s", name, trouble)
        for name in self._troubles.keys() - troubles.keys():
            logger.info("%s: all is well again", name)
        self._troubles = troubles
        for name in self._checks:
            await self._set(f"{PREFIX}.{name}", name not in troubles)
        await self._set(f"{PREFIX}.Collector", not troubles)
        await self._set("", not troubles)

    async def _set(self, service: str, serving: bool) -> None:
        status = self._pb.HealthCheckResponse.ServingStatus
        await self._servicer.set(service, status.SERVING if serving else status.NOT_SERVING)
