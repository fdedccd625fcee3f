"""Clocks of several computers: by how much the times of a process are put right before they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from am_telemetry.store.reading import Recording

LEAST_SKEW_NS: Final = 200_000_000
"""What is less may be nothing but the time that a message was under way, and is left alone."""


def corrections(recording: Recording) -> Mapping[int, int]:
    """Nanoseconds to add to the times of a process, by its database id; processes that need none are left out.

    Processes of one host share a clock. An estimate of how far a clock is behind holds the time its message was under
    way, so of all estimates for a host the smallest one is the best.
    """
    hosts: dict[str, int] = {}
    process_hosts: dict[int, str] = {}
    for process_id, skew_ns in recording.skews().items():
        host = process_hosts[process_id] = recording.process(process_id).host
        hosts[host] = min(skew_ns, hosts.get(host, skew_ns))
    return {process_id: hosts[host] for process_id, host in process_hosts.items() if abs(hosts[host]) >= LEAST_SKEW_NS}
