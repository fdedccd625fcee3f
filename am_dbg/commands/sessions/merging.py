"""``am-dbg sessions merge``: make one session of several."""

from __future__ import annotations

from pathlib import Path

import click

from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode


@click.command("merge")
@click.argument("sessions", nargs=-1, required=True, metavar="SESSION SESSION...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.db",
    help="Session file to write.  [default: a new one in the folder]",
)
@click.option("-f", "--force", is_flag=True, help="Replace the session file when it exists.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(sessions: tuple[str, ...], output: Path | None, force: bool, quiet: bool) -> None:
    """Bring several sessions together in a new file, in the order of time.

    The sessions themselves stay as they are. Machines of the same name become further runs of it.
    """
    from am_telemetry.store.folder import find
    from am_telemetry.store.merging import merge
    from am_telemetry.store.paths import new_session_path

    if len(sessions) < 2:
        raise AmDbgError("merging takes two or more sessions", exit_code=ExitCode.USAGE)
    sources = [find(text) for text in sessions]
    if output is not None and output.exists() and any(output.samefile(source) for source in sources):
        raise AmDbgError("a session cannot be merged into itself", "name another file: -o", ExitCode.USAGE)
    target = output if output is not None else new_session_path("merged")
    with progress_bar(target.name, quiet, "transitions") as progress:
        done = merge(sources, target, progress, replace=force)
    click.echo(
        f"merged {done.sessions} sessions: {done.machines:,} machines of {done.processes:,} programs,"
        f" {done.transitions:,} transitions, into {done.path} in {done.seconds:.1f} s"
    )
