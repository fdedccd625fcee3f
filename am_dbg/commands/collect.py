"""``am-dbg collect``: the hub without the debugger, for servers and containers."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.hub_settings import hub_options, listen_option, read_hub_options
from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.hub import Hub
    from am_dbg.status_line import StatusLine
    from am_dbg.systemd import Notifier

TICK_S = 1.0
STATUS_S = 10.0
"""How often systemd is told how it goes."""


@click.command("collect")
@listen_option
@click.option(
    "-s",
    "--session",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Session file to record into; one that exists is continued.  [default: a new one]",
)
@click.option("--pid-file", type=click.Path(path_type=Path, dir_okay=False), help="File to hold the process id.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but warnings.")
@click.option("-v", "--verbose", is_flag=True, help="Also say who connects and leaves.")
@hub_options
def command(
    listen: tuple[str, ...], session: Path | None, pid_file: Path | None, quiet: bool, verbose: bool, **settings: Any
) -> None:
    """Record without a user interface until told to stop.

    Look at the recording at any time with am-dbg --attach, or later with am-dbg FILE. SIGTERM and Ctrl+C store what
    has arrived and end it; a second one ends it at once.
    """
    from am_dbg.hub import Hub
    from am_dbg.status_line import StatusLine
    from am_dbg.systemd import Notifier

    options = read_hub_options(settings, resume=True)
    status, notifier = StatusLine(quiet=quiet), Notifier()
    with status.logging(verbose), _signals() as signals, Hub(session, listen, options) as hub, _pid_file(pid_file):
        status.say(f"recording into {hub.path}")
        status.say(f"listening on {', '.join(hub.addresses)}")
        notifier.ready(_summary(hub, 0.0))
        received = _collect(hub, status, notifier, signals)
        notifier.stopping()
        status.clear()
        hub.recording.catch_up()
        totals = hub.recording.totals()
    kept = f", {totals.removed:,} of them removed since," if totals.removed else ""
    recorded = totals.transitions + totals.removed
    status.say(f"recorded {recorded:,} transitions{kept} of {totals.machines:,} machines in {hub.path}")
    if received == signal.SIGINT:
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)


def _collect(hub: Hub, status: StatusLine, notifier: Notifier, signals: queue.SimpleQueue[int]) -> int:
    """Go on until a signal arrives; returns its number."""
    before, began = 0, time.monotonic()
    next_report = began + STATUS_S
    tick = min(TICK_S, notifier.watchdog_s or TICK_S)
    while True:
        with contextlib.suppress(queue.Empty):
            return signals.get(timeout=tick)
        now = time.monotonic()
        hub.recording.catch_up()
        totals = hub.recording.totals()
        transitions = totals.transitions + totals.removed
        line = _summary(hub, (transitions - before) / (now - began))
        before, began = transitions, now
        status.show(line)
        if notifier.watchdog_s and not any("stuck" in trouble for trouble in hub.troubles.values()):
            notifier.alive()
        if now >= next_report:
            next_report = now + STATUS_S
            notifier.status(line)


def _summary(hub: Hub, rate: float) -> str:
    totals = hub.recording.totals()
    parts = [
        _count(hub.clients, "program"),
        _count(totals.machines, "machine"),
        _count(totals.transitions, "transition"),
        f"{rate:,.0f}/s",
    ]
    if totals.removed:
        parts.append(f"{totals.removed:,} removed")
    if totals.lost:
        parts.append(f"{totals.lost:,} lost")
    if hub.forwarding:
        parts.append(hub.forwarding)
    if hub.refusals:
        parts.append(f"refused: {hub.refusals}")
    if hub.failure:
        parts.append(f"✕ {hub.failure}")
    return " · ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@contextlib.contextmanager
def _signals() -> Iterator[queue.SimpleQueue[int]]:
    """Collect the signals that ask for the end; the second one is final."""
    received: queue.SimpleQueue[int] = queue.SimpleQueue()
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        received.put(number)

    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    earlier = {number: signal.signal(number, note) for number in wanted}
    try:
        yield received
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _pid_file(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    try:
        path.write_text(f"{os.getpid()}\n", "ascii")
    except OSError as error:
        raise AmDbgError(f"{path} cannot be written: {error.strerror}", "choose another --pid-file") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
