"""A recording of a peer-to-peer simulation that the Go debugger exported, where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from am_dbg.commands.import_ import ImportSummary, import_recording
from am_telemetry.store.records import MachineRecord
from am_telemetry.store.session_file import SessionFile

NAME = "am-dbg-sim.gob.br"


@pytest.fixture(scope="module")
def source() -> Path:
    project = Path(__file__).resolve().parents[2]
    path = Path(os.environ.get("AM_DBG_RECORDING") or project.parent / "shared" / "recordings" / NAME)
    if not path.is_file():
        pytest.skip(f"{NAME} is not at hand; set AM_DBG_RECORDING to its path")
    return path


@pytest.fixture(scope="module")
def imported(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ImportSummary, SessionFile]]:
    target = tmp_path_factory.mktemp("recording") / "sim.db"
    summary = import_recording(source, target, lambda _done, _total: None)
    with SessionFile.open(target) as session:
        yield summary, session


def machine(session: SessionFile, name: str) -> MachineRecord:
    (found,) = [one for one in session.machines if one.name == name]
    return found


def test_all_machines_transitions_and_log_lines_are_there(imported: tuple[ImportSummary, SessionFile]) -> None:
    """The totals of the summary and of the session agree."""
    summary, session = imported
    totals = session.totals()
    assert (totals.machines, totals.transitions, totals.log_lines, totals.lost) == (107, 7_605, 10_094, 0)
    assert (summary.machines, summary.transitions, summary.log_lines, summary.skipped) == (107, 7_605, 10_094, 0)


def test_kinds_of_transitions_and_steps_are_counted_right(imported: tuple[ImportSummary, SessionFile]) -> None:
    """Accepted, automatic, adding and removing transitions, and all their steps."""
    _, session = imported
    accepted = auto = steps = 0
    kinds = {"add": 0, "remove": 0, "set": 0}
    for one in session.machines:
        for number in range(1, session.timeline(one.id).count + 1):
            fact = session.transition(one.id, number).pattern.fact
            accepted += fact.accepted
            auto += fact.auto
            steps += len(fact.steps)
            kinds[fact.mutation] += 1
    assert (accepted, auto, steps) == (7_533, 56, 25_119)
    assert kinds == {"add": 4_473, "remove": 3_132, "set": 0}


@pytest.mark.parametrize(("name", "transitions", "machine_time"), [("sim", 219, 152), ("ps-2", 84, 86)])
def test_machines_end_at_their_recorded_time(
    imported: tuple[ImportSummary, SessionFile], name: str, transitions: int, machine_time: int
) -> None:
    """The gains of all transitions add up."""
    _, session = imported
    found = machine(session, name)
    assert session.timeline(found.id).count == transitions
    assert session.transition(found.id, transitions).machine_time == machine_time


def test_a_state_is_active_as_often_as_it_was(imported: tuple[ImportSummary, SessionFile]) -> None:
    """``PeersPending`` of ``ps-2``, a machine of 21 states."""
    _, session = imported
    found = machine(session, "ps-2")
    schema = session.schema(found.schema_id)
    assert len(schema.states) == 21
    pending = schema.index["PeersPending"]
    patterns = [session.transition(found.id, number).pattern.fact for number in range(1, 85)]
    assert sum(pending in fact.added for fact in patterns) == 17


def test_times_are_exact(imported: tuple[ImportSummary, SessionFile]) -> None:
    """The first transition of the first machine, read off the file's bytes."""
    _, session = imported
    first = session.machines[0]
    assert first.name == "sim-p11"
    assert session.transition(first.id, 1).at_ns == 1_721_654_969_723_209_280
    assert session.transition(first.id, 1).machine_time == 1
    late = machine(session, "sim-p28")
    assert sum(late.initial_clock) == 5
    assert session.transition(late.id, 1).machine_time == 8
