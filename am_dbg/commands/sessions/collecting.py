"""``am-dbg sessions gc``: delete old sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.timefmt import age

if TYPE_CHECKING:
    from am_telemetry.store.errors import StoreError


@click.command("gc")
@click.option("--older-than", metavar="AGE", help="Delete sessions that were not written to for so long, as in 14d.")
@click.option("--max-size", metavar="SIZE", help="Delete the oldest sessions until all take no more, as in 2GB.")
@click.option("-n", "--dry-run", is_flag=True, help="Only tell what would be deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
def command(older_than: str | None, max_size: str | None, dry_run: bool, as_json: bool) -> None:
    """Delete old sessions from the folder.

    Without limits, those of AM_DBG_KEEP and AM_DBG_KEEP_SIZE hold, which am-dbg also applies when it starts to record.
    Sessions that are being recorded, have bookmarks, or cannot be read are never deleted.
    """
    from am_telemetry.store import retention
    from am_telemetry.store.folder import collect_garbage, summaries
    from am_telemetry.store.limits import folder_policy, parse_length, parse_size

    if older_than is None and max_size is None:
        policy, warnings = folder_policy()
        for warning in warnings:
            click.echo(f"am-dbg: {warning}", err=True)
    else:
        policy = retention.Policy(
            _parsed("--older-than", older_than, parse_length), _parsed("--max-size", max_size, parse_size)
        )
    now = time.time_ns()
    failures: list[StoreError] = []
    if dry_run:
        verdicts = retention.choose(summaries(), policy, now)
    else:
        verdicts, failures = collect_garbage(policy, now_ns=now)
    if as_json:
        rows = [
            {"name": v.session.name, "path": v.session.path, "size": v.session.size, "reason": v.reason}
            for v in verdicts
        ]
        texts.echo_json(rows)
    else:
        verb = "would remove" if dry_run else "removed"
        for verdict in verdicts:
            session = verdict.session
            why = f"{age(now - session.modified_ns)} old" if verdict.reason == "age" else "too much in all"
            click.echo(f"{verb} {session.name} ({texts.size(session.size)}, {why})")
        total = texts.size(sum(verdict.session.size for verdict in verdicts))
        click.echo(f"{verb} {len(verdicts)} sessions, {total}", err=True)
    if failures:
        raise failures[0]


def _parsed(option: str, text: str | None, parse: Callable[[str], int]) -> int | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise AmDbgError(f"{option} is {error}", exit_code=ExitCode.USAGE) from error
