"""Asking a hub who it is and what time it is there, without sending it anything."""

from __future__ import annotations

import time
from dataclasses import dataclass

from am_telemetry.sending.link import probe, push
from am_telemetry.sending.route import LinkError
from am_telemetry.settings import Security


@dataclass(frozen=True, slots=True)
class Visit:
    """What a hub answered."""

    hub: str
    """Name and version; empty when it does not introduce itself."""
    protocol: int
    """Revision it speaks, 0 when it does not say."""
    skew_ns: int
    """How far its wall clock is ahead of ours."""
    round_trip_ns: int


def visit(address: str, security: Security, timeout: float = 3.0) -> Visit:
    """Ask the hub at an address.

    Args:
        address: as in ``AM_DBG_ADDR``, with a port.
        security: what is shown to the hub.
        timeout: seconds to wait for the answer.

    Raises:
        LinkError: nobody answers, or the hub refuses; the text says why.
    """
    route = probe(address, security)
    push(route, b"", timeout)  # a first call includes making the connection, which would count as distance
    began, wall = time.monotonic_ns(), time.time_ns()
    frames = push(route, b"", timeout)
    took = time.monotonic_ns() - began
    for frame in frames:
        if frame.WhichOneof("frame") == "welcome":
            answer = frame.welcome
            skew = answer.hub_wall_ns - (wall + took // 2) if answer.hub_wall_ns else 0
            return Visit(answer.hub, answer.proto, skew, took)
        if frame.WhichOneof("frame") == "go_away":
            return Visit("", 0, 0, took)
    raise LinkError("what listens there answers, but not like a hub")
