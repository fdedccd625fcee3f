"""``am-dbg detail``: have programs tell more of a machine while somebody looks at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from am_dbg.commands.attaching import find_hub, unix_socket
from am_dbg.commands.hub_settings import listen_option
from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.runtime import RunningHub

LEVELS = {"0": 0, "1": 1, "2": 2, "3": 3, "off": -1}
LONGEST_S = 3600


@click.command("detail")
@click.argument("machine")
@click.argument("level", type=click.Choice(list(LEVELS)), default="3")
@click.option(
    "--for", "length", default="5m", show_default=True, metavar="LENGTH", help="For how long, an hour at most."
)
@listen_option
def command(machine: str, level: str, length: str, listen: tuple[str, ...]) -> None:
    """Ask the programs that have MACHINE ("*" for all) to tell more of it for a while, or less.

    LEVEL is that of AM_DETAIL: 0 changes of states only, 1 also called states, handlers, causes and logs, 2 also steps,
    3 also values of arguments; "off" takes back what was asked before. A program never tells more than its own
    AM_DETAIL_MAX permits. The hub is found as by am-dbg --attach, and asked through its Unix socket.
    """
    from am_dbg.viewmodels.detail_levels import DETAIL_LEVELS
    from am_telemetry.receiving.control import request_detail

    wanted = LEVELS[level]
    seconds = 0 if wanted < 0 else _seconds(length)
    hub = find_hub(listen)
    programs, near = request_detail(_socket(hub), "" if machine == "*" else machine, max(0, wanted), seconds)
    if not programs:
        _nobody(machine, near)
    asked = f"{programs:,} program{'' if programs == 1 else 's'}"
    if wanted < 0:
        click.echo(f"{asked} asked to tell of {machine} as much as before", err=True)
    else:
        told = f"detail {level} of {machine} ({DETAIL_LEVELS[wanted]})"
        click.echo(f"{asked} asked to tell {told} for {seconds:,} s, as far as they permit", err=True)


def _seconds(length: str) -> int:
    from am_telemetry.store.limits import parse_length

    try:
        seconds = round(parse_length(length) / 1e9)
    except ValueError as error:
        raise AmDbgError(f"--for: {error}", "", ExitCode.USAGE) from error
    if not 1 <= seconds <= LONGEST_S:
        raise AmDbgError(f"--for {length} is not between 1s and 1h", "ask again when it is over", ExitCode.USAGE)
    return seconds


def _socket(hub: RunningHub) -> Path:
    socket = unix_socket(hub)
    if socket is not None:
        return socket
    raise AmDbgError(
        f"the hub at {hub.addresses[0] if hub.addresses else hub.session} has no Unix socket, and takes requests "
        "nowhere else",
        "start it without --no-socket",
        ExitCode.NO_CONNECTION,
    )


def _nobody(machine: str, near: list[str]) -> None:
    if machine == "*":
        raise AmDbgError("no program is connected that could be asked", "programs of Go tell all they can")
    hint = f"did you mean {near[0]!r}?" if near else "am-dbg --attach shows which machines are connected"
    raise AmDbgError(f"no connected program that could be asked has a machine {machine!r}", hint)
