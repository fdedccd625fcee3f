"""``am-dbg`` and ``am-dbg SESSION.db``: the debugger, listening for programs or looking at a recording."""

from __future__ import annotations

from pathlib import Path

import click

from am_dbg.commands.launching import place_cursor, require_terminal, start_hub
from am_dbg.errors import AmDbgError, ExitCode


@click.command("open")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[SESSION.db]")
@click.option(
    "-l",
    "--listen",
    default="localhost:6831",
    metavar="HOST:PORT",
    show_default=True,
    help="Where programs report to. Not used with a file.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Session file to record into.  [default: a new one]"
)
@click.option("-m", "--select-machine", metavar="ID", help="Select this machine at the start. Only with a file.")
@click.option("-t", "--select-transition", type=click.IntRange(min=0), metavar="N", help="Start at this transition.")
def command(
    file: Path | None, listen: str, output: Path | None, select_machine: str | None, select_transition: int | None
) -> None:
    """Watch programs live, or look at a recorded session.

    Without a file, programs started with AM_DBG_ADDR=1 appear as they run. This is what am-dbg does without a command.
    """
    if file is not None:
        _open_file(file, output, select_machine, select_transition)
    else:
        _listen(output, listen, select_machine)


def _open_file(file: Path, output: Path | None, machine: str | None, transition: int | None) -> None:
    if output is not None:
        raise AmDbgError("--output is for recording, not for looking at a file", "leave it out", ExitCode.USAGE)
    if file.name.endswith((".gob.br", ".br", ".gob")):
        raise AmDbgError(
            f"{file.name} is a recording of another tool", f"convert it first: am-dbg import {file}", ExitCode.BAD_DATA
        )
    from am_dbg.session import Session
    from am_telemetry.store import files
    from am_telemetry.store.session_file import SessionFile

    recording = SessionFile.open(file)
    if notice := files.notice(file):
        click.echo(f"am-dbg: {notice}", err=True)
    try:
        require_terminal()
        session = Session(recording)
        place_cursor(session, machine, transition)
        from am_dbg.ui.app import DebuggerApp

        DebuggerApp(session).run()
    finally:
        recording.close()


def _listen(output: Path | None, listen: str, machine: str | None) -> None:
    if machine is not None:
        raise AmDbgError("--select-machine needs a session file", "no machine has reported yet", ExitCode.USAGE)
    require_terminal()
    from am_dbg.session import Session
    from am_dbg.ui.app import DebuggerApp

    with start_hub(output, listen) as hub:
        session = Session(hub.recording, live=True)
        DebuggerApp(session, listen=hub.address, failure=lambda: hub.failure).run()
        hub.recording.catch_up()
        totals = hub.recording.totals()
    if totals.machines:
        click.echo(
            f"recorded {totals.transitions:,} transitions of {totals.machines:,} machines in {hub.path}\n"
            f"look at them again: am-dbg {hub.path}"
        )
