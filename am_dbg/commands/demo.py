"""``am-dbg demo``: a live system to look at, without a program of one's own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.launching import describe, require_terminal, start_hub
from am_dbg.commands.switching import browse
from am_dbg.commands.view_settings import read_view_options, view_options
from am_dbg.errors import AmDbgError

if TYPE_CHECKING:
    from am_dbg.demo.processes import DemoProcesses


@click.command("demo")
@click.option("--headless", is_flag=True, help="Record without a user interface, then print a summary.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="How long to record with --headless.",
)
@click.option("--speed", type=click.FloatRange(0.1, 50), default=1.0, show_default=True, help="Pace of events.")
@click.option("--seed", type=int, default=1, show_default=True, help="Repeats the same events for the same number.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Session file to write.  [default: a new one]")
@click.option(
    "-l",
    "--listen",
    default="localhost:0",
    metavar="HOST:PORT",
    show_default="a free port",
    help="Where the demo programs report to.",
)
@view_options
def command(
    headless: bool, seconds: float, speed: float, seed: int, output: Path | None, listen: str, **settings: Any
) -> None:
    """Start a small web shop of state machines in two processes and watch it live."""
    view = read_view_options(settings)
    if not headless:
        require_terminal()
    from am_dbg.demo.processes import DemoProcesses

    with start_hub(output, listen) as hub:
        with DemoProcesses(hub.address, speed, seed) as processes:
            if headless:
                _wait(processes, seconds)
            else:
                from am_dbg.session import Session

                session = Session(hub.recording, live=True)
                browse(
                    session,
                    view,
                    hub.recording,
                    listen=hub.address,
                    failure=lambda: hub.news() or processes.check(),
                    ask_detail=hub.request_detail,
                )
        hub.wait_for_clients_to_leave(timeout=3.0)
        hub.writer.flush(5.0)
        totals = describe(hub.recording)
        if not totals.transitions:
            raise AmDbgError("the demo recorded nothing", "give it more --seconds")


def _wait(processes: DemoProcesses, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        trouble = processes.check()
        if trouble:
            raise AmDbgError(trouble, "start it alone to see why: python -m am_dbg.demo.shop")
        time.sleep(min(0.1, seconds))
