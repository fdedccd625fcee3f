"""``am-dbg sessions ls``: the sessions of the folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.timefmt import age, date_and_time

if TYPE_CHECKING:
    from am_telemetry.store.summary import SessionSummary

_HEADS = ("SESSION", "BEGAN", "LENGTH", "PROGRAMS", "MACHINES", "TRANSITIONS", "PROBLEMS", "SIZE", "")
_RIGHT = (2, 4, 5, 6, 7)


@click.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def command(as_json: bool) -> None:
    """List the sessions of the folder, newest last.

    Problems are transitions into an error state, and holes where transitions never arrived. The last column tells which
    sessions are being recorded, which are bookmarked and therefore kept, and which cannot be read.
    """
    from am_telemetry.store.folder import summaries
    from am_telemetry.store.paths import sessions_dir

    found = summaries()
    if as_json:
        texts.echo_json([{"name": s.name, **asdict(s), "problems": s.problems} for s in found])
        return
    if not found:
        click.echo(f"There are no sessions in {sessions_dir()}.\nRecord one: am-dbg; or am-dbg demo", err=True)
        return
    click.echo(texts.table(_HEADS, map(_row, found), _RIGHT))
    click.echo(f"{len(found)} sessions, {texts.size(sum(s.size for s in found))}, in {sessions_dir()}", err=True)


def _row(session: SessionSummary) -> tuple[str, ...]:
    if session.trouble:
        return (
            session.name,
            date_and_time(session.last_ns),
            "",
            "",
            "",
            "",
            "",
            texts.size(session.size),
            "unreadable",
        )
    marks = [*(["live"] if session.live else []), *(["bookmarked"] if session.bookmarks else [])]
    return (
        session.name,
        date_and_time(session.began_ns),
        age(session.last_ns - session.began_ns),
        texts.some(session.services),
        f"{session.machines:,}",
        f"{session.transitions:,}",
        f"{session.problems:,}" if session.problems else "-",
        texts.size(session.size),
        ", ".join(marks),
    )
