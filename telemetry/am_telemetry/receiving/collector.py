"""Receives the telemetry of programs over gRPC and passes it to a sink."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import grpc

from am_telemetry.endpoints import DEFAULT_ADDRESS
from am_telemetry.receiving.admission import Credentials, Limits, Refusals
from am_telemetry.receiving.control import METHOD as CONTROL_METHOD
from am_telemetry.receiving.control import SERVICE as CONTROL_SERVICE
from am_telemetry.receiving.control import Control
from am_telemetry.receiving.entrance import Entrance
from am_telemetry.receiving.foreign import ForeignProtocol
from am_telemetry.receiving.front import Front
from am_telemetry.receiving.guard import Guard
from am_telemetry.receiving.health import Check, Health
from am_telemetry.receiving.intake import Intake
from am_telemetry.receiving.listening import CollectorError, allow_many_connections, bind, bind_path, check_address
from am_telemetry.receiving.private import private_address
from am_telemetry.sink import Sink

__all__ = ["Collector", "CollectorError"]

logger = logging.getLogger("am_telemetry.receiving.collector")

SERVICE: Final = "amdbg.v1.Collector"
START_TIMEOUT: Final = 10.0
STOP_GRACE: Final = 0.5
_NO_CREDENTIALS: Final = Credentials()
_DEFAULT_LIMITS: Final = Limits()
IDLE_MS: Final = 600_000
"""After which a connection without calls is closed."""
WINDOW: Final = 1024 * 1024
"""Bytes of one stream that may be on their way to this process."""

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_connection_idle_ms", IDLE_MS),
    # Finding out the best window would cost a message to the program and one back for every batch.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", WINDOW),
)


class Collector:
    """The ways into the hub, in a daemon thread with an event loop of its own.

    Start and stop it from one thread; the properties may be read by any.

    Args:
        sink: takes the batches; called from the collector's thread and from helper threads.
        address: one or several of ``host:port``; port 0 picks a free one. ``localhost`` listens on IPv4 and IPv6.
        foreign: readers of what programs send that do not speak gRPC.
        credentials: what is asked of whoever connects over a network.
        limits: how much is taken.
        checks: what the health service looks at, by name.
        socket_path: given the port, says where to make a Unix socket as well; None for nowhere.
        hub_id: tells this hub from others, so that records that are forwarded in a circle are recognised.
    """

    def __init__(
        self,
        sink: Sink,
        address: str | Sequence[str] = DEFAULT_ADDRESS,
        foreign: Sequence[ForeignProtocol] = (),
        *,
        credentials: Credentials = _NO_CREDENTIALS,
        limits: Limits = _DEFAULT_LIMITS,
        checks: Mapping[str, Check] | None = None,
        socket_path: Callable[[int], Path | None] | None = None,
        hub_id: str = "",
    ) -> None:
        self.addresses = (address,) if isinstance(address, str) else tuple(address)
        self.port = 0
        """The first port listened on, once started."""
        self.ports: list[int] = []
        """The ports of all addresses, 0 for a Unix socket, once started."""
        self.socket: Path | None = None
        """The Unix socket, once started."""
        self.refusals = Refusals()
        self._credentials = credentials
        self._limits = limits
        self._checks = dict(checks or {})
        self._socket_path = socket_path
        self._sink = sink
        self._foreign = tuple(foreign)
        self._intake = Intake(sink, limits, self.refusals, hub_id)
        self._health: Health | None = None
        self._front: Front | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: CollectorError | None = None
        self._stop: asyncio.Event | None = None

    @property
    def clients(self) -> int:
        """Number of connected programs."""
        front = self._front
        return self._intake.clients + (front.programs if front is not None else 0)

    def request_detail(self, machine: str, level: int, seconds: int) -> int:
        """Ask the programs that have a machine to tell more of it (or less again) for some seconds.

        They decide whether they do: a program never tells more than its own settings permit.

        Args:
            machine: its id; empty for all machines.
            level: of detail, 0 to 3, see :class:`am_telemetry.settings.Settings`.
            seconds: after which it is as before; 0 ends an earlier request.

        Returns:
            How many programs were asked. 0 when the collector does not run.
        """
        loop = self._loop
        if loop is None or not loop.is_running():
            return 0

        async def ask() -> int:
            return self._intake.request_detail(machine, level, seconds)

        return asyncio.run_coroutine_threadsafe(ask(), loop).result(START_TIMEOUT)

    @property
    def troubles(self) -> dict[str, str]:
        """Names of health checks to what is wrong. Any thread."""
        return self._health.troubles if self._health is not None else {}

    def start(self) -> None:
        """Listen. Returns when programs can connect.

        Raises:
            CollectorError: an address is taken, foreign, malformed, or open to strangers.
            CredentialsError: a certificate or key cannot be used.
        """
        self._endpoints = [check_address(address, self._credentials) for address in self.addresses]
        self._tls = self._credentials.tls()
        self._thread = threading.Thread(target=self._run, name="am-collector", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise CollectorError(
                f"the collector did not start on {', '.join(self.addresses)}", "look into the log for the reason"
            )
        if self._failure is not None:
            self._thread.join(START_TIMEOUT)
            raise self._failure

    def stop(self) -> None:
        """End all streams, as disconnected, and the thread. May be called twice, or without :meth:`start`."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None or loop is None or stop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop ended by itself
            loop.call_soon_threadsafe(stop.set)
        thread.join(START_TIMEOUT)
        self._thread = None

    # -- start-up -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            logger.exception("the collector ended")
            self._failure = CollectorError(f"the collector failed: {error}")
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            try:
                self._bind(stack)
            except CollectorError as error:
                self._failure = error
                return
            files = allow_many_connections()
            health = self._health = Health(self._checks)
            front = self._front = Front(self._sink, self.refusals, files)
            servers = await self._open_entrances(stack, front, health)
            watch = asyncio.create_task(health.watch())
            logger.info("collecting on port %s", self.port)
            self._started.set()
            try:
                await self._stop.wait()
            finally:
                watch.cancel()
                await health.stop()
                await front.close()
                await asyncio.gather(*(server.stop(STOP_GRACE) for server in servers))
                front.cut()
                await self._intake.drained()

    def _bind(self, stack: contextlib.AsyncExitStack) -> None:
        """Take all addresses, or none."""
        self._over_network: list[socket.socket] = []
        self._on_computer: list[socket.socket] = []
        for endpoint in self._endpoints:
            sockets = bind(endpoint)
            for one in sockets:
                stack.callback(one.close)
            if endpoint.kind == "unix":
                self._on_computer += sockets
                self._keep_path(stack, Path(endpoint.path))
                self.ports.append(0)
            else:
                self._over_network += sockets
                self.ports.append(sockets[0].getsockname()[1])
                self.port = self.port or self.ports[-1]
        path = self._socket_path(self.port) if self._socket_path is not None else None
        if path is not None and sys.platform != "win32":
            one = bind_path(path)
            stack.callback(one.close)
            self._on_computer.append(one)
            self._keep_path(stack, path)

    def _keep_path(self, stack: contextlib.AsyncExitStack, path: Path) -> None:
        """Remove a socket's file in the end, unless another hub has taken its place."""
        self.socket = self.socket or path
        status = path.stat()

        def remove() -> None:
            with contextlib.suppress(OSError):
                if os.path.samestat(path.lstat(), status):
                    path.unlink()

        stack.callback(remove)

    async def _open_entrances(
        self, stack: contextlib.AsyncExitStack, front: Front, health: Health
    ) -> list[grpc.aio.Server]:
        guarded = bool(self._credentials.token)
        confidential = self._credentials.any or not self._over_network
        servers = []
        for sockets, wants_token in ((self._on_computer, False), (self._over_network, guarded)):
            if not sockets:
                continue
            server = self._server(health, wants_token, may_control=sockets is self._on_computer)
            dial = stack.enter_context(private_address(server, confidential))
            await server.start()
            servers.append(server)
            tls = self._tls if sockets is self._over_network else None
            await front.listen(sockets, Entrance(dial, () if wants_token else self._foreign, tls))
        return servers

    def _server(self, health: Health, wants_token: bool, may_control: bool) -> grpc.aio.Server:
        server = grpc.aio.server(options=(*_OPTIONS, ("grpc.max_receive_message_length", self._limits.message)))
        guard = Guard(self._credentials, self.refusals) if wants_token else None
        stream, push = self._intake.stream, self._intake.push
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Stream": grpc.stream_stream_rpc_method_handler(guard.stream(stream) if guard else stream),
            "Push": grpc.unary_unary_rpc_method_handler(guard.unary(push) if guard else push),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        if may_control:
            control = Control(self._intake.request_detail, self._intake.machine_names)
            methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
                CONTROL_METHOD: grpc.unary_unary_rpc_method_handler(control.request_detail)
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(CONTROL_SERVICE, methods),))
        health.add_to(server)
        return server
