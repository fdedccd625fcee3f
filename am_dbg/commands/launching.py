"""What the commands that open the user interface have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from am_dbg.hub import Hub, HubOptions
    from am_dbg.session import Session
    from am_dbg.session.finding import TextIndex
    from am_telemetry.store.reading import Recording, RecordingTotals


def require_terminal() -> None:
    """Refuse to draw into a pipe, or on a terminal that cannot move its cursor.

    Raises:
        AmDbgError: standard input or output is not a terminal, or a dumb one.
    """
    import os
    import sys

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AmDbgError(
            "the user interface needs a terminal",
            "for a run without one: am-dbg demo --headless; for the data: sqlite-utils or any SQLite tool",
            ExitCode.USAGE,
        )
    if os.environ.get("TERM") == "dumb":
        raise AmDbgError(
            "this terminal cannot move its cursor (TERM=dumb)",
            "use another terminal, or tell the truth about this one: TERM=xterm-256color am-dbg",
            ExitCode.USAGE,
        )


def text_index_of(path: Path) -> Callable[[], TextIndex]:
    """How to get a full-text index of a session. It is built beside the file, from the first search on."""

    def opened() -> TextIndex:
        from am_telemetry.store.background_search import BackgroundSearch

        return BackgroundSearch(path)

    return opened


def start_hub(path: Path | None, listen: str | Sequence[str], options: HubOptions | None = None) -> Hub:
    """Start recording.

    Raises:
        AmDbgError: the session file exists already.
        TelemetryError: the file cannot be created, or the address cannot be listened on.
    """
    from am_dbg.hub import Hub, HubOptions

    if path is not None and path.exists():
        raise AmDbgError(
            f"{path} exists already", "choose another name, or open it: am-dbg " + str(path), ExitCode.USAGE
        )
    return Hub(path, listen, options or HubOptions())


def place_cursor(session: Session, machine: str | None, transition: int | None) -> None:
    """Select what the command line asked for.

    Raises:
        AmDbgError: there is no such machine, or more than one.
    """
    if machine is not None:
        names = list(dict.fromkeys(run.name for run in session.recording.machines))
        found = [name for name in names if name == machine] or [name for name in names if machine in name]
        if not found:
            import difflib

            near = difflib.get_close_matches(machine, names, n=3) or sorted(names)[:5]
            hint = f"perhaps one of: {', '.join(near)}" if near else ""
            raise AmDbgError(f"no machine is called {machine!r}", hint, ExitCode.USAGE)
        if len(found) > 1:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise AmDbgError(
                f"{len(found)} machines have {machine!r} in their id",
                f"choose one of: {', '.join(found[:5])}{more}",
                ExitCode.USAGE,
            )
        session.select_machine(session.runs(found[0])[-1].id)
    if transition is not None:
        session.go_to_number(transition)


def describe(recording: Recording) -> RecordingTotals:
    """Print a summary of a finished recording to standard output; returns the counts."""
    recording.catch_up()
    totals = recording.totals()
    rows = [
        ("machines", totals.machines),
        ("transitions", totals.transitions),
        ("canceled", totals.canceled),
        ("errors", totals.errors),
        ("log lines", totals.log_lines),
        ("lost", totals.lost),
    ]
    for name, count in rows:
        click.echo(f"{name:<12}{count:>12,}")
    click.echo(f"{'session':<12}{recording.label}")
    return totals
