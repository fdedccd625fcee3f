"""``am-dbg sessions search``: which transitions mention something?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from am_dbg.commands import texts
from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.timefmt import date_and_time


@dataclass(frozen=True, slots=True)
class _Found:
    session: str
    machine: str
    run: int
    number: int
    at_ns: int
    kind: str
    text: str


@click.command("search")
@click.argument("text", metavar="TEXT")
@click.argument("sessions", nargs=-1, metavar="[SESSION...]")
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True, help="Largest number of hits.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(text: str, sessions: tuple[str, ...], limit: int, as_json: bool, quiet: bool) -> None:
    """Find transitions by their log lines, arguments, errors, and names of states and handlers.

    All words have to occur in the same text, as whole words or as beginnings of words; what stands between double
    quotes has to occur exactly like that. Without SESSION, all sessions of the folder are searched, newest first. An
    index beside each session makes the next search quick. Ends with code 1 when nothing was found.
    """
    from am_telemetry.store.errors import StoreError
    from am_telemetry.store.folder import find, summaries

    paths = [find(name) for name in sessions] or [summary.path for summary in reversed(summaries())]
    found: list[_Found] = []
    for path in paths:
        try:
            found += _search(path, text, limit - len(found), quiet)
        except StoreError as error:
            if sessions:
                raise
            click.echo(f"am-dbg: {error.message}", err=True)
        if len(found) >= limit:
            break
    if as_json:
        texts.echo_json(found)
    elif found:
        heads = ("SESSION", "TIME", "MACHINE", "TRANSITION", "IN", "TEXT")
        click.echo(texts.table(heads, [_row(hit) for hit in found], (3,)))
    if not found:
        raise AmDbgError(f"nothing mentions {text!r}", exit_code=ExitCode.FAILURE)


def _search(path: Path, text: str, limit: int, quiet: bool) -> list[_Found]:
    from am_telemetry.store import files
    from am_telemetry.store.errors import from_sqlite
    from am_telemetry.store.paths import SUFFIX
    from am_telemetry.store.search import SearchIndex

    with SearchIndex(path) as index:
        with progress_bar(f"reading {path.name}", quiet, "transitions") as progress:
            index.catch_up(progress)
        hits = index.search(text, limit)
    found = []
    with closing(files.connect_reader(path)) as connection:
        try:
            for hit in hits:
                name, run, number, at_ns = connection.execute(
                    "SELECT name, run, number, at_ns FROM transitions JOIN machines ON machines.id = machine_id"
                    " WHERE transitions.id = ?",
                    (hit.transition_id,),
                ).fetchone()
                session = path.name.removesuffix(SUFFIX)
                found.append(_Found(session, name, run, number, at_ns, hit.kind.name.lower(), hit.text))
        except sqlite3.Error as error:
            raise from_sqlite(path, error) from error
    return found


def _row(hit: _Found) -> tuple[str, ...]:
    machine = hit.machine if hit.run == 1 else f"{hit.machine} (run {hit.run})"
    return (hit.session, date_and_time(hit.at_ns), machine, str(hit.number), hit.kind, " ".join(hit.text.split()))
