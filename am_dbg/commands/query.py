"""``am-dbg query``: which transitions of a session are such and such?"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from am_dbg.commands import texts
from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.timefmt import date_and_time, rfc3339, thousands

if TYPE_CHECKING:
    from am_dbg.session.querying import Query
    from am_telemetry.store.session_file import SessionFile

_EPILOG = """\
Terms: Ready (active afterwards), +Ready (became active), -Ready, ~Ready (touched), called:Ready, by:ReadyEnter
(handler), canceled, auto, error and other flags, kind:add, mach:orders*, tag:eu, group:Net, run:2, dur>50ms, queue>10,
gap>1s, dticks>3, tick(Ready)>=5, active(Ready)>30s, #10..20, t:400..412, q:17, @12:03..12:05, @-10m.., "timed out",
log:timeout. They are combined with & (or nothing), | and !, in parentheses where needed.
"""


@dataclass(frozen=True, slots=True)
class _Match:
    time: str
    at_ns: int
    machine: str
    run: int
    number: int
    transition_id: str
    mutation: str
    called: Sequence[str]
    outcome: str
    duration_ns: int


@click.command("query", epilog=_EPILOG)
@click.argument("expression", metavar="EXPR")
@click.argument("session", metavar="SESSION")
@click.option("-n", "--limit", type=click.IntRange(0), default=100, show_default=True, help="List so many; 0: all.")
@click.option("--count", "only_count", is_flag=True, help="Print only how many there are.")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects; with --count an object.")
@click.option("--none", "expect_none", is_flag=True, help="Succeed when nothing matches, for checks.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    expression: str, session: str, limit: int, only_count: bool, as_json: bool, expect_none: bool, quiet: bool
) -> int:
    """Find transitions by what they did, in order of time.

    As in: am-dbg query 'canceled & called:Ready' last. Ends with code 0 when something matches and 1 when nothing does,
    with --none the other way round, and with 2 when EXPR cannot be understood.
    """
    from am_telemetry.store.folder import find
    from am_telemetry.store.session_file import SessionFile

    path = find(session)
    with SessionFile.open(path) as recording:
        query = _query(expression, recording)
        _look_up(query, path, quiet)
        found = query.everywhere()
        total = sum(map(len, found.values()))
        if only_count:
            if as_json:
                texts.echo_json({"count": total, "machines": len(found)})
            else:
                click.echo(total)
        else:
            matches = _matches(recording, found)
            listed = list(matches if not limit else islice(matches, limit))
            if as_json:
                texts.echo_json(listed)
            elif listed:
                heads = ("TIME", "MACHINE", "TRANSITION", "WHAT", "OUTCOME")
                click.echo(texts.table(heads, [_row(match) for match in listed], (2,)))
            if len(listed) < total:
                click.echo(f"am-dbg: {thousands(total)} match, the first {thousands(len(listed))} are listed", err=True)
    if not total and not expect_none:
        click.echo("am-dbg: nothing matches", err=True)
    return ExitCode.OK if bool(total) is not expect_none else ExitCode.FAILURE


def _query(expression: str, recording: SessionFile) -> Query:
    from am_dbg.session.query_terms import QueryError
    from am_dbg.session.querying import Query

    try:
        return Query(expression, recording)
    except QueryError as error:
        place = f"{expression}\n  {' ' * error.column}^" if "\n" not in expression else ""
        message = f"{error.message}, column {error.column + 1}" + (f"\n  {place}" if place else "")
        raise AmDbgError(message, error.hint, ExitCode.USAGE) from error


def _look_up(query: Query, path: Path, quiet: bool) -> None:
    if not query.texts:
        return
    from am_dbg.session.finding import TEXT_KINDS
    from am_telemetry.store.search import SearchIndex
    from am_telemetry.store.search_words import Kind

    with SearchIndex(path) as index:
        with progress_bar(f"reading {path.name}", quiet, "transitions") as progress:
            index.catch_up(progress)
        for wanted in query.texts:
            query.take(wanted, index.numbers(wanted.text, (Kind.LOG,) if wanted.logs_only else TEXT_KINDS))


def _matches(recording: SessionFile, found: dict[int, Sequence[int]]) -> Iterator[_Match]:
    """In order of time; read one after another."""

    def times(machine_id: int) -> Iterator[tuple[int, int, int]]:
        timeline = recording.timeline(machine_id)
        return ((timeline.at(number), machine_id, number) for number in found[machine_id])

    from am_dbg.viewmodels.steps import outcome

    machines = {machine.id: machine for machine in recording.machines}
    for at_ns, machine_id, number in heapq.merge(*map(times, found)):
        record, machine = recording.transition(machine_id, number), machines[machine_id]
        schema, fact = record.pattern.schema, record.pattern.fact
        called = [schema.state_name(state) for state in fact.called]
        yield _Match(
            rfc3339(at_ns), at_ns, machine.name, machine.run, number, record.transition_id,
            fact.mutation, called, outcome(record.pattern), record.duration_ns,
        )  # fmt: skip


def _row(match: _Match) -> tuple[str, ...]:
    machine = match.machine if match.run == 1 else f"{match.machine} (run {match.run})"
    at = f"{date_and_time(match.at_ns)}.{match.at_ns // 1_000_000 % 1_000:03d}"
    return (at, machine, str(match.number), " ".join((match.mutation, *match.called)), match.outcome)
