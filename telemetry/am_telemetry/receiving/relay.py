"""Two connections joined into one: what arrives on either is written to the other, no faster than it is read there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Dial: TypeAlias = Callable[
    [Callable[[], asyncio.Protocol]], Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol]]
]
"""Opens a connection for a protocol factory."""


class Side(asyncio.Protocol):
    """One of the two connections.

    Args:
        alive: holds the transport from the beginning of the connection to its end.
    """

    def __init__(self, alive: set[asyncio.Transport]) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.has_ended = False
        """Nothing more is to be read here."""
        self._alive = alive

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._alive.add(transport)

    def data_received(self, data: bytes) -> None:
        target = self._target
        if target is not None:
            target.write(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        target = self._target
        if target is None or (self.other is not None and self.other.has_ended):
            return False  # closes this one, and that the other
        if target.can_write_eof() and not target.is_closing():
            target.write_eof()
        # The other direction may still have something to say, except under TLS, which ends both at once.
        return self.transport is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        if (target := self._target) is not None:
            target.pause_reading()

    def resume_writing(self) -> None:
        if (target := self._target) is not None:
            target.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self._alive.discard(self.transport)
        if (target := self._target) is not None:
            target.close()

    @property
    def _target(self) -> asyncio.Transport | None:
        return self.other.transport if self.other is not None else None


async def join(transport: asyncio.Transport, head: bytes, dial: Dial, alive: set[asyncio.Transport]) -> None:
    """Make an accepted connection one with a new one, which gets to read ``head`` first.

    Args:
        transport: the accepted connection.
        head: what was read from it.
        dial: opens the new connection.
        alive: holds both transports until they end.

    Raises:
        OSError: there is nobody to connect to; the accepted connection is left as it was.
    """
    accepted, dialled = Side(alive), Side(alive)
    transport.pause_reading()
    await dial(lambda: dialled)
    if dialled.transport is None or transport.is_closing():
        if dialled.transport is not None:
            dialled.transport.close()
        return
    accepted.other, dialled.other = dialled, accepted
    transport.set_protocol(accepted)
    accepted.connection_made(transport)
    dialled.transport.write(head)
    transport.resume_reading()
