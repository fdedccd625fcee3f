"""``am-dbg sessions show``: what one session holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.timefmt import date_and_time
from am_dbg.viewmodels.spans import clean

if TYPE_CHECKING:
    from am_telemetry.store.details import SessionDetails
    from am_telemetry.store.summary import SessionSummary

_GAPS_SHOWN = 20


@click.command("show")
@click.argument("session", metavar="SESSION")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def command(session: str, as_json: bool) -> None:
    """Show the programs, machines and holes of a session."""
    from am_telemetry.store.details import read_details
    from am_telemetry.store.folder import find
    from am_telemetry.store.summary import summarize

    path = find(session)
    details, summary = read_details(path), summarize(path)
    if as_json:
        texts.echo_json({"name": summary.name, **asdict(summary), **asdict(details)})
        return
    _print_head(details, summary)
    _print_processes(details)
    _print_runs(details)
    _print_gaps(details)


def _print_head(details: SessionDetails, summary: SessionSummary) -> None:
    rows = [
        ("session", str(details.path)),
        ("began", date_and_time(summary.began_ns)),
        ("last sign", date_and_time(summary.last_ns) + (", being recorded" if summary.live else "")),
        ("made by", f"{details.made_by}, layout {details.layout}"),
        ("size", texts.size(summary.size)),
        ("transitions", f"{summary.transitions:,}, in {details.patterns:,} patterns of {details.schemas:,} schemas"),
        ("errors", f"{summary.errors:,}"),
        ("lost", f"{summary.lost:,} transitions in {summary.gaps:,} holes"),
        *((("removed", _removed(details, summary)),) if summary.removed else ()),
        ("bookmarks", f"{summary.bookmarks:,}"),
        *((name.replace("_", " "), f"{count:,}") for name, count in details.counters.items()),
    ]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:<{width}}  {clean(text)}")


def _removed(details: SessionDetails, summary: SessionSummary) -> str:
    last = max(details.removals, key=lambda removal: removal.removed_ns)
    return (
        f"{summary.removed:,} earlier transitions (kept: {last.kept}), the last of them on"
        f" {date_and_time(last.removed_ns)}"
    )


def _print_processes(details: SessionDetails) -> None:
    rows = [
        (str(p.id), p.name, p.host, str(p.pid), p.library, date_and_time(p.first_seen_ns), f"{p.machines:,}")
        for p in details.processes
    ]
    heads = ("", "PROGRAM", "HOST", "PID", "LIBRARY", "FIRST SEEN", "MACHINES")
    click.echo("\n" + texts.table(heads, rows, (0, 3, 6)))


def _print_runs(details: SessionDetails) -> None:
    rows = [
        (
            run.name,
            str(run.run),
            str(run.process_id),
            f"{run.transitions:,}",
            *((f"{run.removed:,}",) if details.removals else ()),
            f"{run.log_lines:,}",
            f"{run.errors:,}",
            f"{run.lost:,}",
            str(run.schemas),
            run.status,
        )
        for run in details.runs
    ]
    removed = ("REMOVED",) if details.removals else ()
    heads = ("MACHINE", "RUN", "PROGRAM", "TRANSITIONS", *removed, "LOG LINES", "ERRORS", "LOST", "SCHEMAS", "")
    click.echo("\n" + texts.table(heads, rows, range(1, len(heads) - 1)))


def _print_gaps(details: SessionDetails) -> None:
    if not details.gaps:
        return
    rows = [
        (gap.machine, str(gap.run), f"{gap.after_number:,}", f"{gap.lost:,}", gap.reason)
        for gap in details.gaps[:_GAPS_SHOWN]
    ]
    click.echo("\n" + texts.table(("HOLE IN", "RUN", "BEHIND", "LOST", "REASON"), rows, (1, 2, 3)))
    if len(details.gaps) > _GAPS_SHOWN:
        click.echo(f"and {len(details.gaps) - _GAPS_SHOWN:,} more: --json")
