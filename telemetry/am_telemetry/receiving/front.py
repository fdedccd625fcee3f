"""The door of the hub: one port for everybody. Looks at the first bytes and shows each caller to its reader.

gRPC cannot be handed a connection that was accepted here, so its callers are joined with a private socket on which the
gRPC server listens. Batches are few and small on the wire, so what the detour costs is not measurable beside decoding.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from am_telemetry.receiving import sniffing
from am_telemetry.receiving.admission import Refusals
from am_telemetry.receiving.complaints import Complaints
from am_telemetry.receiving.entrance import Entrance
from am_telemetry.receiving.foreign import ForeignProtocol
from am_telemetry.receiving.foreign_connection import ForeignConnection
from am_telemetry.receiving.listening import BACKLOG
from am_telemetry.receiving.relay import join
from am_telemetry.receiving.sniffing import HTTP_ANSWER, MAX_HEAD, REFUSALS, identify
from am_telemetry.settings import is_loopback
from am_telemetry.sink import Sink

HEAD_DEADLINE_S: Final = 10.0
"""Within which a caller must have said who it is."""
LINGER_S: Final = 1.0
MAX_CALLERS: Final = 4096
"""Connections at the same time, whoever they are of, if there are files enough."""
FILES_EACH: Final = 3
FILES_RESERVED: Final = 128
"""For the session file, its readers, and everything else."""
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Front:
    """Accepts connections. Everything runs on one event loop.

    Args:
        sink: where readers of other protocols than gRPC put their records.
        refusals: counts who is sent away.
        files: that this process may have open.
    """

    def __init__(self, sink: Sink, refusals: Refusals, files: int) -> None:
        self.complaints = Complaints()
        self._sink = sink
        self._refusals = refusals
        self._room = max(1, (files - FILES_RESERVED) // FILES_EACH)
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

    @property
    def max_callers(self) -> int:
        """Connections that are let in at the same time."""
        return min(MAX_CALLERS, self._room)

    async def listen(self, sockets: Sequence[socket.socket], entrance: Entrance) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        for one in sockets:
            if one.family == getattr(socket, "AF_UNIX", None):
                server = await loop.create_unix_server(lambda: self._caller(entrance), sock=one, backlog=BACKLOG)
            else:
                server = await loop.create_server(lambda: self._caller(entrance), sock=one, backlog=BACKLOG)
            self._servers.append(server)

    def _caller(self, entrance: Entrance) -> asyncio.Protocol:
        return Caller(self, entrance) if entrance.tls is None else Handshake(self, entrance)

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
        if len(self._open) + len(self._foreign) + len(self._relayed) // 2 >= self.max_callers:
            return False
        self._open.add(transport)
        return True

    def left(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def refuse(self, who: str, what: str) -> None:
        """Say, and count, that somebody is sent away."""
        self._refusals.count("connections sent away")
        self.complaints.about(who, what)

    def welcome(self, protocol: ForeignProtocol, transport: asyncio.Transport, head: bytes) -> None:
        """Hand a connection to a reader of its protocol."""
        self.left(transport)
        who = f"{protocol.name} program at {address_of(transport)}"
        connection = ForeignConnection(protocol.connect(), self._sink, who, self.complaints, self._foreign.discard)
        self._foreign.add(connection)
        connection.begin(transport, head)

    def relay(self, entrance: Entrance, transport: asyncio.Transport, head: bytes) -> None:
        """Join a connection with the gRPC server."""
        self.run(self._join(entrance, transport, head))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something of its own for a connection; cancelled when the front closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, entrance: Entrance, transport: asyncio.Transport, head: bytes) -> None:
        try:
            await join(transport, head, entrance.dial, self._relayed)
        except OSError as error:
            self.complaints.about(address_of(transport), f"it cannot be served: {error.strerror or error}")
            transport.abort()
        finally:
            self.left(transport)


class Handshake(asyncio.Protocol):
    """A connection until it speaks TLS."""

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._front = front
        self._entrance = entrance

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        if not self._front.arrived(transport):
            self._front.refuse(address_of(transport), f"more than {self._front.max_callers:,} connections are open")
            transport.abort()
            return
        self._front.run(self._shake_hands(transport))

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        loop, tls = asyncio.get_running_loop(), self._entrance.tls
        assert tls is not None
        caller = Caller(self._front, self._entrance)
        try:
            secure = await loop.start_tls(
                transport, caller, tls, server_side=True, ssl_handshake_timeout=HEAD_DEADLINE_S
            )
        except ConnectionError:
            transport.abort()  # looked whether somebody is here, and left
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
            self._front.refuse(address_of(transport), f"TLS handshake failed: {reason.lower().replace('_', ' ')}")
            transport.abort()
        else:
            if secure is not None:
                caller.connection_made(secure)
        finally:
            self._front.left(transport)


class Caller(asyncio.Protocol):
    """A connection until it is known who it is."""

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._front = front
        self._entrance = entrance
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._front.arrived(transport):
            self._front.refuse(address_of(transport), f"more than {self._front.max_callers:,} connections are open")
            transport.abort()
            return
        _keep_alive(transport.get_extra_info("socket"))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HEAD_DEADLINE_S, self._too_late)
        if self._head:
            self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if self._refused:
            return  # read, so that closing does not cut the answer off
        self._head += data
        if transport is None:
            return  # came with the end of the handshake
        caller = identify(self._head[:MAX_HEAD], self._entrance.foreign)
        if caller is None:
            return
        self._cancel_timer()
        if caller == "grpc":
            self._front.relay(self._entrance, transport, self._head)
        elif isinstance(caller, str):
            self._refuse(transport, caller)
        elif not is_local(transport):
            self._refuse(transport, "stranger")
        else:
            self._front.welcome(caller, transport, self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        if self._transport is not None:
            self._front.left(self._transport)

    def _refuse(self, transport: asyncio.Transport, caller: sniffing.Caller) -> None:
        self._refused = True
        self._head = b""
        self._front.refuse(address_of(transport), REFUSALS[caller])
        if caller != "http":
            transport.close()
            return
        transport.write(HTTP_ANSWER)
        if transport.can_write_eof():
            transport.write_eof()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)

    def _too_late(self) -> None:
        if self._transport is not None:
            if self._head:
                what = f"it sent {len(self._head)} bytes in {HEAD_DEADLINE_S:.0f} s, too few to tell who it is"
            else:
                what = f"it said nothing for {HEAD_DEADLINE_S:.0f} s"
            self._front.refuse(address_of(self._transport), what)
            self._transport.abort()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def address_of(transport: asyncio.BaseTransport) -> str:
    """Host and port of the other end."""
    peer = transport.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "a caller"


def is_local(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end is on this computer."""
    peer = transport.get_extra_info("peername")
    return not isinstance(peer, tuple) or is_loopback(peer[0])


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
