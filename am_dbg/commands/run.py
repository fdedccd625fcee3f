"""``am-dbg run``: a program and the debugger together, without a change to the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.launching import require_terminal, start_hub
from am_dbg.commands.switching import browse
from am_dbg.commands.view_settings import ViewOptions, read_view_options, view_options

if TYPE_CHECKING:
    from am_dbg.hub import Hub


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "--module", is_flag=True, help="The program is a module, as in python -m.")
@click.option("--no-ui", is_flag=True, help="Only record; the program keeps the terminal.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Session file to record into.  [default: a new one]"
)
@click.option(
    "-l",
    "--listen",
    default="localhost:0",
    metavar="HOST:PORT",
    show_default="a free port",
    help="Where the program reports to.",
)
@click.argument("target", nargs=-1, required=True, type=click.UNPROCESSED, metavar="PROGRAM [ARGUMENTS]...")
@view_options
def command(
    target: tuple[str, ...], module: bool, no_ui: bool, output: Path | None, listen: str, **settings: Any
) -> None:
    """Run a Python program and watch its machines.

    The program needs no line for telemetry, and neither do the Python processes it starts. What it prints goes to a
    file beside the session file, unless it keeps the terminal with --no-ui. It is ended when the debugger is closed.
    The exit code is that of the program.
    """
    from am_dbg.program import Program, command_line

    view = read_view_options(settings)
    arguments = command_line(target, module)
    if not no_ui:
        require_terminal()
    with start_hub(output, listen) as hub:
        if no_ui:
            with Program(arguments, hub.address) as program:
                code = program.wait()
            _finish(hub)
        else:
            code = _watch(hub, arguments, view)
    if code:
        raise click.exceptions.Exit(code)


def _watch(hub: Hub, arguments: list[str], view: ViewOptions) -> int:
    from am_dbg.program import Program
    from am_dbg.session import Session

    printed = hub.path.with_suffix(".out.txt")
    with printed.open("wb") as file, Program(arguments, hub.address, file) as program:
        session = Session(hub.recording, live=True)
        browse(session, view, hub.recording, listen=hub.address, failure=hub.news, ask_detail=hub.request_detail)
        program.stop()
        code = 0 if program.ended_by_us else program.exit_code or 0
    _finish(hub)
    if printed.stat().st_size:
        click.echo(f"what the program printed: {printed}", err=True)
    else:
        printed.unlink()
    return code


def _finish(hub: Hub) -> None:
    """Take in what is still on its way, and say on standard error what was recorded; the output is the program's."""
    hub.wait_for_clients_to_leave(timeout=3.0)
    hub.writer.flush(5.0)
    hub.recording.catch_up()
    totals = hub.recording.totals()
    if totals.machines:
        click.echo(
            f"recorded {totals.transitions:,} transitions of {totals.machines:,} machines in {hub.path}\n"
            f"look at them: am-dbg {hub.path}",
            err=True,
        )
    else:
        click.echo("the program has made no machines of a supported engine", err=True)
