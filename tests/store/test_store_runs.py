"""Runs of machines: programs that reconnect, holes in their story, states that change."""

from __future__ import annotations

from am_telemetry.facts import GapFact
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender, schema, toggle


def send(writer: Writer, sender: Sender) -> None:
    writer.put(sender.session, sender.take())
    assert writer.flush(5)


def meta(session: SessionFile) -> dict[str, str]:
    return dict(session.reader().execute("SELECT key, value FROM meta"))


def test_a_program_that_connects_again_goes_on_with_its_runs(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0, times=2)
    send(writer, sender)
    writer.close_session(sender.session, NOW + 1, "disconnected")
    assert writer.flush(5)
    session.catch_up()
    assert session.machines[0].end_reason == "disconnected"
    assert session.machines[0].ended_ns == NOW + 1
    again = Sender(sender.session, have=2)
    assert writer.open_session(again.process, NOW + 2) == 2
    again.open(9, "m", sequence=2)
    again.toggle(9, times=3)
    send(writer, again)
    session.catch_up()
    (machine,) = session.machines
    assert machine.connected
    assert machine.end_reason == ""
    assert session.timeline(machine.id).count == 5


def test_handles_of_an_earlier_connection_mean_nothing(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    send(writer, sender)
    writer.open_session(sender.process, NOW)
    sender.toggle(0, times=2)
    send(writer, sender)
    session.catch_up()
    assert session.timeline(1).count == 1
    assert meta(session)["orphaned_transitions"] == "2"


def test_the_same_machine_of_another_program_is_another_run(session: SessionFile, writer: Writer) -> None:
    """While both programs live, both runs stay connected."""
    for key in ("a" * 32, "b" * 32):
        sender = Sender(key)
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0)
        send(writer, sender)
    session.catch_up()
    assert [(m.name, m.run, m.connected) for m in session.machines] == [("m", 1, True), ("m", 2, True)]
    writer.close_session("a" * 32, NOW, "closed")
    assert writer.flush(5)
    session.catch_up()
    assert [m.end_reason for m in session.machines] == ["closed", ""]


def test_a_disposed_machine_is_not_continued(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    sender.close(0)
    send(writer, sender)
    sender.sequences.clear()
    sender.active.clear()
    sender.open(1, "m")
    sender.toggle(1)
    send(writer, sender)
    session.catch_up()
    assert [(m.run, m.end_reason) for m in session.machines] == [(1, "disposed"), (2, "")]


def test_two_machines_of_one_name_in_one_program_are_two_runs(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.open(1, "m")
    sender.toggle(0)
    sender.toggle(1)
    send(writer, sender)
    again = Sender(sender.session, have=2)
    writer.open_session(again.process, NOW)
    again.open(1, "m")
    again.open(0, "m")
    again.sequences.update({0: 1, 1: 1})
    again.add(1, toggle(1, True))
    send(writer, again)
    session.catch_up()
    assert [m.run for m in session.machines] == [1, 2]
    assert [session.timeline(m.id).count for m in session.machines] == [1, 2]


def test_machines_of_one_name_are_told_apart_by_how_far_they_had_come(session: SessionFile, writer: Writer) -> None:
    """The process gives out other handles, and one of the machines is new."""
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.open(1, "m")
    sender.toggle(0, times=2)
    sender.toggle(1, times=4)
    send(writer, sender)
    again = Sender(sender.session, have=6)
    writer.open_session(again.process, NOW)
    again.open(7, "m", sequence=0)
    again.open(8, "m", sequence=4)
    again.open(9, "m", sequence=2)
    for handle in (7, 8, 9):
        again.toggle(handle)
    send(writer, again)
    session.catch_up()
    assert [(m.run, m.connected) for m in session.machines] == [(1, True), (2, True), (3, True)]
    assert [session.timeline(m.id).count for m in session.machines] == [3, 5, 1]
    assert "repeated_transitions" not in meta(session)


def test_a_hole_is_drawn_where_it_was_and_later_moments_are_right(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    sender.gap(0, 4, clock=(6, 3, 0))
    send(writer, sender)
    sender.add(0, toggle(0, True))
    send(writer, sender)
    session.catch_up()
    timeline = session.timeline(1)
    assert timeline.gaps == {2: 4}
    assert [timeline.clock(n) for n in range(3)] == [(0, 0, 0), (1, 0, 0), (7, 3, 0)]
    record = session.transition(1, 2)
    assert (record.sequence, record.machine_time) == (6, 10)
    assert session.totals().lost == 4
    assert session.find_sequence(1, 6) == 2
    assert session.find_sequence(1, 3) == 0


def test_a_hole_in_the_middle_of_a_batch_finds_its_place(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    sender.gap(0, 2, clock=(2, 1, 0))
    sender.add(0, toggle(0, True))
    send(writer, sender)
    session.catch_up()
    assert session.timeline(1).gaps == {2: 2}
    assert session.timeline(1).clock(2) == (3, 1, 0)


def test_missing_numbers_without_an_explanation_are_counted_too(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    sender.add(0, toggle(0, False), sequence=9)
    send(writer, sender)
    session.catch_up()
    assert session.timeline(1).gaps == {2: 7}
    assert session.totals().lost == 7
    assert session.reader().execute("SELECT lost, reason, clock_json FROM gaps").fetchall() == [(7, "missing", None)]


def test_a_hole_that_is_reported_twice_counts_once(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    sender.gap(0, 5, clock=(4, 0, 0))
    sender.batch.gaps.append(GapFact(0, 1, 5, "full", (4, 0, 0)))
    send(writer, sender)
    sender.batch.gaps.append(GapFact(0, 1, 5, "full", (4, 0, 0)))
    send(writer, sender)
    session.catch_up()
    assert session.totals().lost == 5


def test_a_machine_may_change_its_states(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    send(writer, sender)
    wider = schema("New", "B", "A", "Exception")
    sender.revise(0, wider)
    sender.add(0, toggle(0, True))
    sender.add(0, toggle(2, False))
    send(writer, sender)
    session.catch_up()
    timeline = session.timeline(1)
    assert timeline.schema.names == ("A", "B", "Exception", "New")
    assert [timeline.clock(n) for n in range(4)] == [(0, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 1), (2, 0, 0, 1)]
    assert session.schema(session.machines[0].schema_id) == wider
    assert session.transition(1, 3).machine_time == 3
