"""``am-dbg`` and ``am-dbg SESSION.db``: the debugger, listening for programs or looking at a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.attaching import find_hub, hub_in_the_way
from am_dbg.commands.hub_settings import hub_options, listen_option, read_hub_options
from am_dbg.commands.launching import place_cursor, require_terminal, start_hub, text_index_of
from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.hub import HubOptions
    from am_dbg.runtime import RunningHub


@click.command("open")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[SESSION.db]")
@listen_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Session file to record into.  [default: a new one]"
)
@click.option("-a", "--attach", is_flag=True, help="Watch what another am-dbg of this computer is recording.")
@click.option("-m", "--select-machine", metavar="ID", help="Select this machine at the start. Only with a file.")
@click.option("-t", "--select-transition", type=click.IntRange(min=0), metavar="N", help="Start at this transition.")
@hub_options
def command(
    file: Path | None,
    listen: tuple[str, ...],
    output: Path | None,
    attach: bool,
    select_machine: str | None,
    select_transition: int | None,
    **settings: Any,
) -> None:
    """Watch programs live, or look at a recorded session.

    Without a file, programs started with AM_DBG_ADDR=1 appear as they run. This is what am-dbg does without a command.
    """
    if file is not None:
        _open_file(file, output, select_machine, select_transition)
    elif select_machine is not None and not attach:
        raise AmDbgError("--select-machine needs a session file", "no machine has reported yet", ExitCode.USAGE)
    elif attach:
        _attach(find_hub(listen), select_machine, select_transition)
    else:
        _listen(output, listen, read_hub_options(settings))


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

        DebuggerApp(session, open_index=text_index_of(file)).run()
    finally:
        recording.close()


def _listen(output: Path | None, listen: tuple[str, ...], options: HubOptions) -> None:
    require_terminal()
    from am_dbg.session import Session
    from am_dbg.ui.app import DebuggerApp
    from am_telemetry.receiving.listening import CollectorError

    try:
        started = start_hub(output, listen, options)
    except CollectorError as error:
        other = hub_in_the_way(listen)
        if other is None:
            raise
        question = f"{error.message}: am-dbg (process {other.pid}) is recording there already. Watch its recording?"
        if not click.confirm(question, default=True, err=True):
            raise
        _attach(other, None, None)
        return
    with started as hub:
        session = Session(hub.recording, live=True)
        DebuggerApp(session, listen=hub.address, failure=hub.news, open_index=text_index_of(hub.path)).run()
        hub.recording.catch_up()
        totals = hub.recording.totals()
    if totals.machines:
        click.echo(
            f"recorded {totals.transitions:,} transitions of {totals.machines:,} machines in {hub.path}\n"
            f"look at them again: am-dbg {hub.path}"
        )


def _attach(other: RunningHub, machine: str | None, transition: int | None) -> None:
    """Look at a recording that another process goes on with."""
    require_terminal()
    from am_dbg.session import Session
    from am_telemetry.store.lock import has_writer
    from am_telemetry.store.session_file import SessionFile

    recording = SessionFile.open(other.path)
    try:
        session = Session(recording, live=True)
        place_cursor(session, machine, transition)
        from am_dbg.ui.app import DebuggerApp

        def news() -> str:
            return "" if has_writer(other.path) else f"process {other.pid}, which recorded this, has ended"

        listen = other.addresses[0] if other.addresses else None
        DebuggerApp(session, listen=listen, failure=news, open_index=text_index_of(other.path)).run()
    finally:
        recording.close()
