"""What comes beside transitions: late log lines, running transitions, durations of handlers, omissions, groups."""

from __future__ import annotations

import pytest

from am_telemetry.batch import LateColumns, RunColumns
from am_telemetry.facts import OmissionFact, RunningFact, SchemaFact, StateFact
from am_telemetry.store.records import HandlerRunRecord, OmissionRecord
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, REFUSED, Sender


def put(writer: Writer, sender: Sender) -> None:
    writer.put(sender.session, sender.take())
    assert writer.flush(10)


def late(sender: Sender, handle: int, sequence: int, *texts: str) -> None:
    for text in texts:
        sender.batch.late.machine.append(handle)
        sender.batch.late.sequence.append(sequence)
        sender.batch.late.at_ns.append(NOW)
        sender.batch.late.level.append(1)
        sender.batch.late.text.append(sender.text(text))


@pytest.fixture
def sender(writer: Writer) -> Sender:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(1, "m")
    return sender


def test_lines_after_the_last_transition_stand_behind_its_own(
    session: SessionFile, writer: Writer, sender: Sender
) -> None:
    sender.toggle(1, times=2)
    sender.add(1, REFUSED, "own")
    put(writer, sender)
    session.catch_up()
    late(sender, 1, 3, "x", "y")
    put(writer, sender)
    assert session.catch_up()
    lines = session.log_lines(1, 1, 3)
    assert [(line.number, line.text, line.after) for line in lines] == [
        (3, "own", False),
        (3, "x", True),
        (3, "y", True),
    ]
    assert 3 in session.timeline(1).logged
    assert session.totals().log_lines == 3


def test_lines_before_the_first_transition_become_part_of_it(
    session: SessionFile, writer: Writer, sender: Sender
) -> None:
    late(sender, 1, 0, "born")
    put(writer, sender)
    session.catch_up()
    assert [(line.number, line.text) for line in session.log_lines(1, 0, 0)] == [(0, "born")]
    sender.add(1, REFUSED, "own")
    put(writer, sender)
    session.catch_up()
    lines = session.log_lines(1, 1, 1)
    assert [(line.text, line.before, line.after) for line in lines] == [("born", True, False), ("own", False, False)]
    assert 1 in session.timeline(1).logged


def test_lines_belong_to_the_transition_that_was_the_last_one_when_they_were_written(
    session: SessionFile, writer: Writer, sender: Sender
) -> None:
    """Others may follow in the same batch, and holes count as well."""
    sender.toggle(1, times=2)
    sender.gap(1, 5)
    sender.toggle(1, times=2)
    late(sender, 1, 8, "after the first one behind the hole")
    put(writer, sender)
    session.catch_up()
    assert [line.number for line in session.log_lines(1, 1, 4)] == [3]
    late(sender, 1, 4, "in the hole")
    put(writer, sender)
    session.catch_up()
    assert [line.number for line in session.log_lines(1, 1, 4)] == [2, 3]


def test_a_follower_in_another_process_learns_of_late_lines(
    session: SessionFile, writer: Writer, sender: Sender
) -> None:
    sender.toggle(1, times=3)
    put(writer, sender)
    with SessionFile.open(session.path) as follower:
        assert 3 not in follower.timeline(1).logged
        late(sender, 1, 3, "x")
        put(writer, sender)
        assert follower.catch_up()
        assert 3 in follower.timeline(1).logged
        assert [line.text for line in follower.log_lines(1, 3, 3)] == ["x"]
    with SessionFile.open(session.path) as again:
        assert 3 in again.timeline(1).logged


def running(sequence: int, handler: str = "AState", *, timed_out: bool = False) -> RunningFact:
    return RunningFact(1, sequence, NOW, NOW + 5_000_000, "add", (0,), handler=handler, timed_out=timed_out)


def test_what_runs_is_shown_until_it_is_over(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.toggle(1)
    sender.batch.running.append(running(2))
    put(writer, sender)
    found = session.running(1)
    assert found is not None
    assert (found.sequence, found.called, found.handler, found.timed_out) == (2, ("A",), "AState", False)
    sender.batch.running.append(running(2, timed_out=True))
    put(writer, sender)
    found = session.running(1)
    assert found is not None
    assert found.timed_out
    assert session.reader().execute("SELECT machine, handler, status FROM v_running").fetchall() == [
        ("m", "AState", "connected")
    ]
    sender.toggle(1)
    put(writer, sender)
    assert session.running(1) is None


def test_what_ran_when_the_process_was_killed_stays(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.batch.running.append(running(1))
    put(writer, sender)
    writer.close_session(sender.session, NOW, "disconnected")
    assert writer.flush(10)
    found = session.running(1)
    assert found is not None
    assert found.handler == "AState"


def test_news_of_a_transition_that_is_over_are_ignored(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.toggle(1, times=2)
    sender.batch.running.append(running(2))
    put(writer, sender)
    assert session.running(1) is None


def test_durations_of_handlers_are_kept_in_order(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.toggle(1, times=2)
    sender.batch.runs = RunColumns([1, 1], ["AEnter", "AState"], [10, 30], [15, 400])
    put(writer, sender)
    session.catch_up()
    assert session.handler_runs(1, 1) == []
    assert session.handler_runs(1, 2) == [HandlerRunRecord("AEnter", 10, 15), HandlerRunRecord("AState", 30, 400)]


def test_omissions_are_told_by_transition(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.toggle(1, times=10)
    sender.batch.omissions.append(OmissionFact(1, 3, 6, "steps", 4, "buffer full"))
    put(writer, sender)
    assert session.omissions(1) == [OmissionRecord(3, 6, "steps", 4, "buffer full")]
    assert session.reader().execute("SELECT what, count, reason FROM v_losses").fetchall() == [
        ("steps", 4, "buffer full")
    ]


def test_a_restored_machine_has_lost_nothing(session: SessionFile, writer: Writer, sender: Sender) -> None:
    sender.toggle(1, times=2)
    sender.gap(1, 1, (3, 0, 0), "restored")
    sender.toggle(1)
    put(writer, sender)
    session.catch_up()
    timeline = session.timeline(1)
    assert (timeline.gaps, timeline.restored, session.totals().lost) == ({}, {3}, 0)
    assert timeline.clock(3) == (4, 0, 0)
    with SessionFile.open(session.path) as follower:
        assert (follower.timeline(1).gaps, follower.timeline(1).restored) == ({}, {3})
    assert session.reader().execute("SELECT count(*) FROM v_losses").fetchone() == (0,)


def test_groups_of_a_schema_are_kept(session: SessionFile, writer: Writer, sender: Sender) -> None:
    states = (StateFact("A"), StateFact("B"), StateFact("Exception"))
    plain, grouped = SchemaFact(states), SchemaFact(states, (("Both", (0, 1)), ("None", ())))
    assert plain.digest != grouped.digest
    sender.open(2, "g", grouped)
    put(writer, sender)
    session.catch_up()
    assert session.schema(session.machines[1].schema_id) == grouped
    assert session.schema(session.machines[0].schema_id) == plain
    with SessionFile.open(session.path) as follower:
        assert follower.schema(follower.machines[1].schema_id).groups == grouped.groups
        assert follower.timeline(2).schema.groups == grouped.groups


def test_the_smallest_skew_counts_until_a_clock_is_set(session: SessionFile, writer: Writer, sender: Sender) -> None:
    seen = []
    for skew in (40_000, 25_000, 90_000, 5_000_000_000, 5_000_100_000):
        sender.toggle(1)
        sender.batch.skew_ns = skew
        put(writer, sender)
        seen.append(session.reader().execute("SELECT skew_ns FROM processes").fetchone()[0])
    assert seen == [40_000, 25_000, 25_000, 5_000_000_000, 5_000_000_000]


def test_entries_of_unknown_machines_are_counted_and_left_out(
    session: SessionFile, writer: Writer, sender: Sender
) -> None:
    sender.toggle(1)
    late(sender, 9, 1, "x")
    sender.batch.running.append(RunningFact(9, 1, NOW, NOW, "add"))
    sender.batch.omissions.append(OmissionFact(9, 1, 1, "steps", 1, "r"))
    sender.batch.runs = RunColumns([7], ["x"], [1], [1])
    assert isinstance(sender.batch.late, LateColumns)
    put(writer, sender)
    counters = dict(session.reader().execute("SELECT key, value FROM meta WHERE key LIKE 'orphaned%'"))
    assert counters == {"orphaned_log_lines": "1", "orphaned_omissions": "1", "orphaned_running": "1"}
