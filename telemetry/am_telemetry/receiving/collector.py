"""Receives the telemetry of programs over gRPC and passes it to a sink."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from typing import ClassVar, Final

import grpc

from am_telemetry.errors import TelemetryError
from am_telemetry.receiving.intake import Intake
from am_telemetry.settings import DEFAULT_ADDRESS, is_loopback, split_address
from am_telemetry.sink import Sink
from am_telemetry.wire import MAX_MESSAGE_BYTES

logger = logging.getLogger("am_telemetry.receiving.collector")

SERVICE: Final = "amdbg.v1.Collector"
START_TIMEOUT: Final = 10.0
STOP_GRACE: Final = 0.5

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class CollectorError(TelemetryError):
    """The collector cannot listen."""

    exit_code: ClassVar[int] = 3


class Collector:
    """A gRPC server in a daemon thread with an event loop of its own.

    Start and stop it from one thread; the properties may be read by any.

    Args:
        sink: takes the batches; called from the collector's thread and from helper threads.
        address: ``host:port`` of this computer; port 0 picks a free one. ``localhost`` listens on IPv4 and IPv6.
    """

    def __init__(self, sink: Sink, address: str = DEFAULT_ADDRESS) -> None:
        self.address = address
        self.port = 0
        """The port listened on, once started."""
        self._intake = Intake(sink)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: CollectorError | None = None
        self._stop: asyncio.Event | None = None

    @property
    def clients(self) -> int:
        """Number of connected programs."""
        return self._intake.clients

    def start(self) -> None:
        """Listen. Returns when programs can connect.

        Raises:
            CollectorError: the address is taken, foreign or malformed.
        """
        self._check_address()
        self._thread = threading.Thread(target=self._run, name="am-collector", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise CollectorError(f"the collector did not start on {self.address}", "look into the log for the reason")
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

    def _check_address(self) -> None:
        try:
            host, _ = split_address(self.address)
        except ValueError as error:
            raise CollectorError(str(error), f"use host:port, for example {DEFAULT_ADDRESS}") from error
        if not is_loopback(host):
            raise CollectorError(
                f"refusing to listen on {self.address}, which other computers can reach, without encryption",
                f"listen on {DEFAULT_ADDRESS} and forward the port, for example with: ssh -R 6831:localhost:6831 HOST",
            )

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
        server = grpc.aio.server(options=_OPTIONS)
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Stream": grpc.stream_stream_rpc_method_handler(self._intake.stream),
            "Push": grpc.unary_unary_rpc_method_handler(self._intake.push),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        try:
            self.port = self._bind(server)
        except CollectorError as error:
            self._failure = error
            return
        await server.start()
        logger.info("collecting on port %s", self.port)
        self._started.set()
        try:
            await self._stop.wait()
        finally:
            await server.stop(STOP_GRACE)
            await self._intake.drained()

    def _bind(self, server: grpc.aio.Server) -> int:
        host, port = split_address(self.address)
        families = _families(host)
        for attempt in range(20):
            chosen = port or _free_port(host, families)
            try:
                for literal in _literals(host, families):
                    _check_free(literal, chosen)
                    if server.add_insecure_port(f"{literal}:{chosen}") != chosen:
                        raise OSError(f"port {chosen} was not bound")
            except (OSError, RuntimeError) as error:
                if port == 0 and attempt < 19:
                    continue
                raise CollectorError(
                    f"cannot listen on {self.address}: {_reason(error)}",
                    "another am-dbg may be running: stop it, or choose another port with --listen localhost:PORT",
                ) from error
            else:
                return chosen
        raise AssertionError("unreachable")


def _families(host: str) -> list[socket.AddressFamily]:
    """Address families that a loopback host stands for and this computer has."""
    if ":" in host:
        return [socket.AF_INET6]
    if host.replace(".", "").isdigit():
        return [socket.AF_INET]
    return [socket.AF_INET, socket.AF_INET6] if _has_ipv6() else [socket.AF_INET]


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _literals(host: str, families: list[socket.AddressFamily]) -> list[str]:
    if len(families) == 1 and (":" in host or host.replace(".", "").isdigit()):
        return [f"[{host}]" if ":" in host else host]
    return ["127.0.0.1" if family == socket.AF_INET else "[::1]" for family in families]


def _free_port(host: str, families: list[socket.AddressFamily]) -> int:
    literal = _literals(host, families)[0].strip("[]")
    with socket.socket(families[0], socket.SOCK_STREAM) as probe:
        probe.bind((literal, 0))
        return int(probe.getsockname()[1])


def _check_free(literal: str, port: int) -> None:
    """Raise OSError when the port is taken. gRPC's own message would bury the reason."""
    host = literal.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
