"""The door of the hub: one port for everybody. Looks at the first bytes and shows each caller to its reader.

gRPC cannot be handed a connection that was accepted here, so its callers are joined with a private socket on which the
gRPC server listens. Batches are few and small on the wire, so what the detour costs is not measurable beside decoding.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Final

from am_telemetry.receiving.complaints import Complaints
from am_telemetry.receiving.foreign import ForeignProtocol
from am_telemetry.receiving.foreign_connection import ForeignConnection
from am_telemetry.receiving.listening import BACKLOG
from am_telemetry.receiving.relay import Dial, join
from am_telemetry.receiving.sniffing import HTTP_ANSWER, MAX_HEAD, REFUSALS, Caller, identify
from am_telemetry.sink import Sink

HEAD_DEADLINE_S: Final = 5.0
"""Within which a caller must have said who it is."""
LINGER_S: Final = 1.0
MAX_CALLERS: Final = 4096
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Front:
    """Accepts connections. Everything runs on one event loop.

    Args:
        dial: connects to the gRPC server.
        foreign: readers of other protocols.
        sink: where these put their records.
    """

    def __init__(self, dial: Dial, foreign: Sequence[ForeignProtocol], sink: Sink) -> None:
        self.complaints = Complaints()
        self._dial = dial
        self._protocols = tuple(foreign)
        self._sink = sink
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Transport] = set()
        self._foreign: set[ForeignConnection] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._relayed: set[asyncio.Transport] = set()

    @property
    def programs(self) -> int:
        """Connected programs that speak a foreign protocol. Any thread."""
        return len(self._foreign)

    @property
    def callers(self) -> int:
        """Connections that are open and not yet identified, or being sent away. Any thread."""
        return len(self._open)

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(await loop.create_server(lambda: _Caller(self), sock=one, backlog=BACKLOG))

    async def close(self) -> None:
        """Accept nobody any more, and end all foreign connections; returns when their records are handed over."""
        for server in self._servers:
            server.close()
        for transport in list(self._open):
            transport.abort()
        for task in list(self._joining):
            task.cancel()
        for connection in list(self._foreign):
            connection.end()
        while self._foreign:
            endings = [one.finished for one in self._foreign if one.finished is not None]
            if endings:
                await asyncio.wait(endings)
            else:
                await asyncio.sleep(0)  # their transports are about to tell them

    def cut(self) -> None:
        """Cut what still leads to the gRPC server, once that has ended."""
        for transport in list(self._relayed):
            transport.abort()

    # -- for callers ----------------------------------------------------------------------------------------------

    def arrived(self, transport: asyncio.Transport) -> bool:
        """Whether there is room for one more."""
        if len(self._open) + len(self._foreign) >= MAX_CALLERS:
            return False
        self._open.add(transport)
        return True

    def left(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def identify(self, head: bytes) -> Caller | ForeignProtocol | None:
        return identify(head, self._protocols)

    def welcome(self, protocol: ForeignProtocol, transport: asyncio.Transport, head: bytes) -> None:
        """Hand a connection to a reader of its protocol."""
        self.left(transport)
        who = f"{protocol.name} program at {address_of(transport)}"
        connection = ForeignConnection(protocol.connect(), self._sink, who, self.complaints, self._foreign.discard)
        self._foreign.add(connection)
        connection.begin(transport, head)

    def relay(self, transport: asyncio.Transport, head: bytes) -> None:
        """Join a connection with the gRPC server."""
        task = asyncio.get_running_loop().create_task(self._join(transport, head))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, transport: asyncio.Transport, head: bytes) -> None:
        try:
            await join(transport, head, self._dial, self._relayed)
        except OSError as error:
            self.complaints.about(address_of(transport), f"it cannot be served: {error.strerror or error}")
            transport.abort()
        finally:
            self.left(transport)


class _Caller(asyncio.Protocol):
    """A connection until it is known who it is."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._front.arrived(transport):
            self._front.complaints.about(address_of(transport), f"more than {MAX_CALLERS:,} connections are open")
            transport.abort()
            return
        _keep_alive(transport.get_extra_info("socket"))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HEAD_DEADLINE_S, self._too_late)

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if self._refused or transport is None:
            return  # read, so that closing does not cut the answer off
        self._head += data
        caller = self._front.identify(self._head[:MAX_HEAD])
        if caller is None:
            return
        self._cancel_timer()
        if caller == "grpc":
            self._front.relay(transport, self._head)
        elif isinstance(caller, str):
            self._refuse(transport, caller)
        else:
            self._front.welcome(caller, transport, self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        if self._transport is not None:
            self._front.left(self._transport)

    def _refuse(self, transport: asyncio.Transport, caller: Caller) -> None:
        self._refused = True
        self._head = b""
        self._front.complaints.about(address_of(transport), REFUSALS[caller])
        if caller != "http":
            transport.close()
            return
        transport.write(HTTP_ANSWER)
        transport.write_eof()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)

    def _too_late(self) -> None:
        if self._transport is not None:
            if self._head:
                what = f"it sent {len(self._head)} bytes in {HEAD_DEADLINE_S:.0f} s, too few to tell who it is"
            else:
                what = f"it said nothing for {HEAD_DEADLINE_S:.0f} s"
            self._front.complaints.about(address_of(self._transport), what)
            self._transport.abort()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def address_of(transport: asyncio.BaseTransport) -> str:
    """Host and port of the other end."""
    peer = transport.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "a caller"


def _keep_alive(connection: socket.socket | None) -> None:
    """Have the system find out about peers that vanished without a word."""
    if connection is None:
        return
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            option = getattr(socket, name, None)
            if option is not None:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
