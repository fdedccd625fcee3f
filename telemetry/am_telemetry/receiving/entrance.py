"""A way into the hub: who may come through it, and where gRPC calls from there are led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from am_telemetry.receiving.foreign import ForeignProtocol
from am_telemetry.receiving.relay import Dial

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Entrance:
    """What holds for all connections that arrive at the same sockets."""

    dial: Dial
    """Connects to the gRPC server."""
    foreign: tuple[ForeignProtocol, ...] = ()
    """Readers of other protocols; none where a token is wanted, because they cannot show one."""
    tls: ssl.SSLContext | None = None
