"""Finding the hub that somebody wants to watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.runtime import RunningHub


def hub_in_the_way(listen: Sequence[str]) -> RunningHub | None:
    """The running hub of this user that has one of the addresses."""
    from am_dbg.runtime import running_hubs

    ports = _ports(listen)
    return next((hub for hub in running_hubs() if hub.port in ports), None)


def find_hub(listen: Sequence[str]) -> RunningHub:
    """The running hub at one of the addresses, or the only one there is.

    Raises:
        AmDbgError: there is none, or it is not clear which one is meant.
    """
    from am_dbg.runtime import running_hubs

    hubs = running_hubs()
    there = [hub for hub in hubs if hub.port in _ports(listen)]
    if there or len(hubs) == 1:
        return (there or hubs)[0]
    if not hubs:
        raise AmDbgError(
            "no am-dbg of this user is recording on this computer", "start one: am-dbg collect", ExitCode.NO_CONNECTION
        )
    raise AmDbgError(
        f"{len(hubs)} hubs are recording: {', '.join(hub.addresses[0] for hub in hubs if hub.addresses)}",
        "choose one with --listen, or open its file: am-dbg FILE",
        ExitCode.USAGE,
    )


def unix_socket(hub: RunningHub) -> Path | None:
    """Where the hub takes requests."""
    found = (address for address in hub.addresses if address.startswith("unix:"))
    return next((Path(address.removeprefix("unix:")) for address in found), None)


def asker_of(session: Path) -> Callable[[str, int, int], int] | None:
    """Asks programs for detail through the hub that records a session (machine id, level, seconds); None without one.

    It raises ``ControlError`` when the hub does not answer any more.
    """
    from am_dbg.runtime import running_hubs

    hubs = [hub for hub in running_hubs() if hub.path.resolve() == session.resolve()]
    socket = unix_socket(hubs[0]) if hubs else None
    if socket is None:
        return None

    def ask(machine: str, level: int, seconds: int) -> int:
        from am_telemetry.receiving.control import request_detail

        return request_detail(socket, machine, level, seconds)[0]

    return ask


def _ports(listen: Sequence[str]) -> set[int]:
    from am_telemetry.endpoints import parse_endpoint

    ports = set()
    for address in listen:
        try:
            ports.add(parse_endpoint(address).port)
        except ValueError as error:
            raise AmDbgError(str(error), "use host:port", ExitCode.USAGE) from error
    return ports - {0}
