"""What a session file tells, without the ids that its rows happen to have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from am_telemetry.store.records import PatternRecord
from am_telemetry.store.session_file import SessionFile

MachineKey = tuple[str, str, int]
"""Session of the program, name, moment of the announcement."""


def machine_facts(session: SessionFile, machine_id: int) -> dict[str, Any]:
    """Everything about one run of a machine but its ids and the number of the run."""
    machine = next(machine for machine in session.machines if machine.id == machine_id)
    timeline = session.timeline(machine_id)
    numbers = range(1, timeline.count + 1)
    transitions = []
    for number in numbers:
        record = session.transition(machine_id, number)
        pattern = PatternRecord(0, record.pattern.schema, record.pattern.fact)
        transitions.append((replace(record, machine_id=0, pattern=pattern), timeline.clock(number)))
    running = session.running(machine_id)
    gaps = session.reader().execute(
        "SELECT after_number, after_sequence, lost, reason, clock_json FROM gaps WHERE machine_id = ? ORDER BY id",
        (machine_id,),
    )
    bookmarks = session.reader().execute(
        "SELECT number, title, note, author, created_ns FROM bookmarks WHERE machine_id = ? ORDER BY id", (machine_id,)
    )
    clock = session.reader().execute(
        "SELECT transitions, log_lines, lost, last_sequence, last_at_ns, machine_time, ticks_json"
        " FROM machine_clocks WHERE machine_id = ?",
        (machine_id,),
    )
    return {
        "parent": machine.parent,
        "tags": machine.tags,
        "ended": (machine.ended_ns, machine.end_reason),
        "initial_clock": machine.initial_clock,
        "schema": session.schema(machine.schema_id),
        "axis": timeline.schema,
        "transitions": transitions,
        "logs": session.log_lines(machine_id, 1, timeline.count),
        "logged": list(timeline.logged),
        "gaps": gaps.fetchall(),
        "bookmarks": bookmarks.fetchall(),
        "handler_runs": [session.handler_runs(machine_id, number) for number in numbers],
        "omissions": session.omissions(machine_id),
        "waits": [session.waits(machine_id, number) for number in range(timeline.count + 1)],
        "running": running and replace(running, machine_id=0),
        "clock": clock.fetchone(),
        "process": replace(session.process(machine.process_id), id=0),
    }


def session_facts(path: Path) -> dict[MachineKey, dict[str, Any]]:
    """The facts of all machines of a file."""
    with SessionFile.open(path) as session:
        return {
            (session.process(m.process_id).session, m.name, m.started_ns): machine_facts(session, m.id)
            for m in session.machines
        }
