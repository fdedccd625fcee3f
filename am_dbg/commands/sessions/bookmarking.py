"""``am-dbg sessions bookmark``: mark moments of a session, so that they are found again and never removed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.timefmt import date_and_time
from am_dbg.viewmodels.spans import clean

if TYPE_CHECKING:
    from am_telemetry.store.bookmarks import Bookmark
    from am_telemetry.store.session_file import SessionFile


@click.command("bookmark")
@click.argument("session", metavar="SESSION")
@click.argument("place", metavar="[URL]", required=False)
@click.option("-t", "--title", default="", metavar="TEXT", help="A short name of the moment.")
@click.option("-n", "--note", default="", metavar="TEXT", help="What there is to say about it.")
@click.option("--author", default=None, metavar="NAME", help="Who marks it.  [default: you]")
@click.option("--rm", "remove", is_flag=True, help="Remove the bookmark instead.")
@click.option("--json", "as_json", is_flag=True, help="Print the bookmarks as JSON.")
def command(
    session: str, place: str | None, title: str, note: str, author: str | None, remove: bool, as_json: bool
) -> None:
    """Mark a moment of a session, or list what is marked.

    The moment is an address as the debugger shows and copies it, like mach://orders/#96. What is bookmarked is removed
    neither by retention nor by "sessions gc". The session may be one that is being recorded.
    """
    from am_telemetry.store.bookmarks import add_bookmark, read_bookmarks, remove_bookmark
    from am_telemetry.store.folder import find
    from am_telemetry.store.session_file import SessionFile

    path = find(session)
    with SessionFile.open(path) as recording:
        found = read_bookmarks(recording.reader())
        if place is None:
            _print(recording, found, as_json)
            return
        machine_id, number = _place(recording, place)
    if remove:
        marked = [mark for mark in found if (mark.machine_id, mark.number) == (machine_id, number)]
        if not marked:
            raise AmDbgError(f"{place} has no bookmark", f"am-dbg sessions bookmark {session} lists them")
        for mark in marked:
            remove_bookmark(path, mark.id)
        return
    add_bookmark(path, machine_id, number, title=title, note=note, author=_user() if author is None else author)


def _place(recording: SessionFile, text: str) -> tuple[int, int]:
    """The machine run and the transition of an address.

    Raises:
        AmDbgError: there is none.
    """
    from am_dbg.session.addressing import go_to_url, is_recorded
    from am_dbg.session.session import Session
    from am_dbg.session.urls import UrlError, parse_url

    try:
        url = parse_url(text)
    except UrlError as error:
        raise AmDbgError(str(error), "write it like mach://orders/#96", ExitCode.USAGE) from error
    session = Session(recording, live=False)
    session.clear_filters()
    there = go_to_url(session, url)
    if not there or session.machine_id is None or not is_recorded(session, url):
        raise AmDbgError(session.message or f"{text} is not in this session", "", ExitCode.USAGE)
    return session.machine_id, session.number


def _print(recording: SessionFile, found: list[Bookmark], as_json: bool) -> None:
    from am_dbg.session.urls import MachineUrl, format_url

    machines = {machine.id: machine for machine in recording.machines}
    runs = [machine.name for machine in recording.machines]
    urls = []
    for mark in found:
        machine = machines[mark.machine_id]
        run = machine.run if runs.count(machine.name) > 1 else None
        urls.append(format_url(MachineUrl(machine.name, number=mark.number, run=run)))
    if as_json:
        texts.echo_json([{"url": url, **asdict(mark)} for url, mark in zip(urls, found, strict=True)])
        return
    if not found:
        click.echo("no bookmarks")
        return
    rows = [
        (clean(url), clean(mark.title), clean(mark.note), clean(mark.author), date_and_time(mark.created_ns))
        for url, mark in zip(urls, found, strict=True)
    ]
    click.echo(texts.table(("PLACE", "TITLE", "NOTE", "BY", "MADE"), rows))


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        return ""
