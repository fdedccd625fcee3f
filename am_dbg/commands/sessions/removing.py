"""``am-dbg sessions rm``: delete sessions."""

from __future__ import annotations

import click

from am_dbg.commands import texts
from am_dbg.errors import AmDbgError, ExitCode


@click.command("rm")
@click.argument("sessions", nargs=-1, required=True, metavar="SESSION...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(sessions: tuple[str, ...], yes: bool) -> None:
    """Delete sessions. Those that are being recorded are refused."""
    from am_telemetry.store.errors import SessionLockedError
    from am_telemetry.store.folder import find, remove
    from am_telemetry.store.summary import summarize

    found = [summarize(path) for path in dict.fromkeys(map(find, sessions))]
    for session in found:
        if session.live:
            raise SessionLockedError(f"{session.path} is being recorded.", "End the program that records it first.")
    if not yes:
        for session in found:
            marks = f", {session.bookmarks} bookmarks" if session.bookmarks else ""
            click.echo(
                f"{session.path}: {session.transitions:,} transitions, {texts.size(session.size)}{marks}", err=True
            )
        _ask(len(found))
    for session in found:
        remove(session.path)
        click.echo(f"removed {session.path}")


def _ask(count: int) -> None:
    import sys

    if not sys.stdin.isatty():
        raise AmDbgError("there is nobody to ask whether to delete that", "say so beforehand: --yes", ExitCode.USAGE)
    what = "this session" if count == 1 else f"these {count} sessions"
    if not click.confirm(f"Delete {what}?", err=True):
        raise AmDbgError("nothing was deleted", exit_code=ExitCode.FAILURE)
