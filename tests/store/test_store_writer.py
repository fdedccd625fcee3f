"""What the writer keeps, and what it makes of reconnecting programs."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from am_telemetry.batch import Batch
from am_telemetry.facts import ErrorFact, SourceFact
from am_telemetry.sink import Sink
from am_telemetry.store import session_file as session_file_module
from am_telemetry.store.errors import SessionLockedError, StoreError, WriterClosedError
from am_telemetry.store.records import MachineRecord
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import AB, NOW, REFUSED, Sender, schema, toggle


def send(writer: Writer, sender: Sender) -> None:
    writer.put(sender.session, sender.take())
    assert writer.flush(5)


def meta(session: SessionFile) -> dict[str, str]:
    return dict(session.reader().execute("SELECT key, value FROM meta"))


def test_the_writer_is_a_sink(writer: Writer) -> None:
    sink: Sink = writer
    assert sink.backlog == 0
    assert sink.failure is None


def test_a_transition_comes_back_with_everything_it_had(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    assert writer.open_session(sender.process, NOW) == 0
    sender.open(3, "orders", clock=(1, 0, 4), sequence=7, parent="root")
    row = sender.add(3, REFUSED, "first", "second", source=SourceFact("other", 5, 12))
    sender.batch.arguments.append((row, '{"a":1}'))
    sender.batch.errors.append((row, ErrorFact("ValueError", "no", "trace")))
    sender.batch.transition_ids.append((row, "f" * 32))
    sender.batch.transitions.queue_len[row] = 4
    sender.batch.logs.before[0] = True
    send(writer, sender)
    assert session.catch_up()
    (machine,) = session.machines
    assert (machine.name, machine.parent, machine.run, machine.tags) == ("orders", "root", 1, ("t",))
    assert machine.initial_clock == (1, 0, 4)
    assert machine.connected
    assert session.schema(machine.schema_id) == AB
    assert session.process(machine.process_id).pid == 77
    record = session.transition(machine.id, 1)
    assert (record.number, record.sequence, record.at_ns, record.duration_ns) == (1, 8, NOW + 8_000_000, 50_000)
    assert (record.queue_len, record.queue_tick, record.machine_time) == (4, 8, 5)
    assert record.pattern.fact == REFUSED
    assert record.pattern.schema == AB
    assert record.source == SourceFact("other", 5, 12)
    assert record.arguments == {"a": 1}
    assert record.error == ErrorFact("ValueError", "no", "trace")
    assert record.transition_id == "f" * 32
    lines = session.log_lines(machine.id, 1, 1)
    assert [(line.position, line.level, line.text, line.before) for line in lines] == [
        (0, 3, "first", True),
        (1, 3, "second", False),
    ]
    assert session.find_transition_id("f" * 32) == (machine.id, 1)
    assert session.find_sequence(machine.id, 8) == 1
    assert session.find_transition_id("f" * 32, machine.id) == (machine.id, 1)
    assert session.find_transition_id("f" * 32, machine.id + 1) is None
    assert session.find_sequence(machine.id, 7) == 0


def test_ids_follow_from_the_prefix_of_the_machine_except_where_one_was_recorded(
    session: SessionFile, writer: Writer
) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(3, "orders", sequence=0x1F)
    handle, at_ns, fact = sender.batch.opened[-1]
    sender.batch.opened[-1] = (handle, at_ns, replace(fact, id_prefix="a1b2c3d4"))
    sender.add(3, REFUSED)
    row = sender.add(3, REFUSED)
    sender.batch.transition_ids.append((row, "other"))
    send(writer, sender)
    assert session.catch_up()
    (machine,) = session.machines
    assert machine.id_prefix == "a1b2c3d4"
    assert [session.transition(machine.id, n).transition_id for n in (1, 2)] == ["a1b2c3d400000020", "other"]
    with SessionFile.open(session.path) as again:
        assert again.machines[0].id_prefix == "a1b2c3d4"


def test_an_acknowledgement_means_durable(session: SessionFile, writer: Writer) -> None:
    """Inside the callback another connection already sees the rows and the mark."""
    seen: list[tuple[int, int, int]] = []
    path = session.path

    def committed(last_seq: int) -> None:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as other:
            count = other.execute("SELECT count(*) FROM transitions").fetchone()[0]
            have = other.execute("SELECT have_seq FROM processes").fetchone()[0]
        other.close()
        seen.append((last_seq, count, have))

    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0, times=3)
    writer.put(sender.session, sender.take(), committed)
    assert writer.flush(5)
    assert seen == [(3, 3, 3)]


def test_batches_that_come_twice_are_stored_once(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0, times=3)
    first = sender.take()
    sender.toggle(0, times=2)
    second = sender.take()
    for batch in (first, second, first, second, second):
        writer.put(sender.session, batch)
    assert writer.flush(5)
    session.catch_up()
    assert session.totals().transitions == 5
    assert session.timeline(1).clock(5) == (5, 0, 0)


def test_overlapping_batches_are_recognised_by_the_machines_own_count(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0, times=3)
    send(writer, sender)
    sender.sequences[0] = 1
    sender.active.clear()
    sender.active[(0, 0)] = True
    sender.toggle(0, times=4)
    send(writer, sender)
    session.catch_up()
    assert session.timeline(1).count == 5
    assert meta(session)["repeated_transitions"] == "2"


def story(machine: MachineRecord) -> MachineRecord:
    """A run without its end, which depends on who is still recording."""
    return replace(machine, ended_ns=0, end_reason="")


@pytest.mark.parametrize("writable", [False, True])
def test_what_is_read_from_the_file_equals_what_was_seen_live(tmp_path: Path, writable: bool) -> None:
    with SessionFile.create(tmp_path / "x.db") as live:
        with Writer(live) as writer:
            sender = Sender()
            writer.open_session(sender.process, NOW)
            for name in range(3):
                sender.open(name, f"m{name}", clock=(name, 0, 0))
            for turn in range(40):
                sender.toggle(turn % 3, turn % 2, times=25)
                if turn % 7 == 3:
                    sender.gap(1, 2, clock=(turn, turn + 1, 1))
                if turn % 11 == 5:
                    sender.revise(2, schema(*[f"S{n}" for n in range(turn)], "A", "B", "Exception"))
                send(writer, sender)
                live.catch_up()
            sender.gap(1, 3)
            sender.revise(0, schema("A", "Z", "B"))
            send(writer, sender)
        with pytest.raises(SessionLockedError):
            SessionFile.open(live.path, writable=True)
        seen = [(story(m), describe(live, m.id)) for m in live.machines]
        totals = live.totals()
    with SessionFile.open(tmp_path / "x.db", writable=writable) as stored:
        assert [(story(m), describe(stored, m.id)) for m in stored.machines] == seen
        assert stored.totals() == totals


def describe(session: SessionFile, machine_id: int) -> object:
    timeline = session.timeline(machine_id)
    states = range(len(timeline.schema.names))
    return (
        timeline.schema.names,
        timeline.count,
        [timeline.clock(n) for n in range(timeline.count + 1)],
        [list(timeline.active(s)) for s in states],
        timeline.gaps,
        list(timeline.times),
        list(timeline.logged),
    )


def test_transitions_of_unknown_machines_are_counted_not_fatal(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.schema(AB)
    sender.add(5, toggle(0, True), "lost line")
    sender.gap(5, 3)
    sender.close(5)
    sender.revise(5, schema("X"))
    sender.batch.errors.append((99, ErrorFact("E", "m")))
    sender.batch.sources.append((-1, SourceFact("x", 1)))
    send(writer, sender)
    assert writer.failure is None
    numbers = meta(session)
    for key in ("transitions", "log_lines", "gaps", "closings", "revisions"):
        assert numbers[f"orphaned_{key}"] == "1"


def test_a_batch_of_a_session_that_was_never_opened_is_kept(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    sender.open(0, "m")
    sender.toggle(0)
    send(writer, sender)
    session.catch_up()
    assert session.totals().transitions == 1


def test_a_batch_that_cannot_be_stored_spoils_no_other(session: SessionFile, writer: Writer) -> None:
    """It is acknowledged, so that it does not come again for ever, and the loss is booked."""
    good, bad = Sender("a" * 32), Sender("b" * 32)
    acknowledged: list[int] = []
    for sender in (good, bad):
        writer.open_session(sender.process, NOW)
        sender.open(0, sender.session[0])
    good.toggle(0)
    bad.add(0, toggle(0, True), at_ns=2**70)
    writer.put(good.session, good.take())
    writer.put(bad.session, bad.take(), acknowledged.append)
    good.toggle(0)
    writer.put(good.session, good.take())
    bad.toggle(0)
    writer.put(bad.session, bad.take())
    assert writer.flush(5)
    assert writer.failure is None
    assert acknowledged == [1]
    session.catch_up()
    assert {m.name: session.timeline(m.id).count for m in session.machines} == {"a": 2}
    assert meta(session)["refused_batches"] == "1"


def test_a_failing_receiver_does_not_stop_the_writer(session: SessionFile, writer: Writer) -> None:
    def fail(last_seq: int) -> None:
        raise RuntimeError(last_seq)

    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    writer.put(sender.session, sender.take(), fail)
    sender.toggle(0)
    send(writer, sender)
    session.catch_up()
    assert session.totals().transitions == 2


def test_many_programs_at_once_are_all_kept(session: SessionFile, writer: Writer) -> None:
    def program(number: int) -> None:
        sender = Sender(f"{number:032x}")
        writer.open_session(sender.process, NOW)
        sender.open(0, f"m{number}")
        for _ in range(30):
            sender.toggle(0, times=7)
            writer.put(sender.session, sender.take())
        writer.close_session(sender.session, NOW, "closed")

    threads = [threading.Thread(target=program, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(10)
    session.catch_up()
    assert sorted(session.timeline(m.id).count for m in session.machines) == [210] * 6
    assert {m.end_reason for m in session.machines} == {"closed"}


def test_closing_stores_what_is_queued(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    sender = Sender()
    with SessionFile.create(path) as session:
        writer = Writer(session)
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        for _ in range(200):
            sender.toggle(0, times=5)
            writer.put(sender.session, sender.take())
        writer.close()
        writer.close()
        assert session.totals().transitions == 1_000
        with pytest.raises(WriterClosedError):
            writer.put(sender.session, Batch())
        with pytest.raises(WriterClosedError):
            writer.open_session(sender.process, NOW)
    assert [p.name for p in tmp_path.iterdir()] == ["s.db"]


def test_recording_goes_on_in_an_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    sender = Sender()
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=301)
        writer.put(sender.session, sender.take())
    with SessionFile.open(path) as session:
        assert not session.machines[0].connected
    with SessionFile.open(path, writable=True) as session, Writer(session) as writer:
        session.catch_up()
        assert session.machines[0].end_reason == "disconnected"
        again = Sender(sender.session, have=301)
        assert writer.open_session(again.process, NOW) == 301
        again.open(0, "m", sequence=301)
        again.add(0, toggle(0, False), "a line")
        send(writer, again)
        session.catch_up()
        assert session.timeline(1).clock(302) == (302, 0, 0)
        assert session.transition(1, 302).machine_time == 302
        rows = session.reader().execute("SELECT count(*) FROM patterns").fetchone()
        assert rows == (2,)
    with SessionFile.open(path) as session:
        assert session.timeline(1).count == 302


def test_a_reader_that_sleeps_for_long_reads_from_the_file(
    session: SessionFile, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept in memory for it is bounded."""
    monkeypatch.setattr(session_file_module, "MAX_PENDING", 50)
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    for _ in range(5):
        sender.toggle(0, times=30)
        send(writer, sender)
        sender.gap(0, 1, clock=(sender.sequences[0], 0, 0))
    send(writer, sender)
    assert session.catch_up()
    assert not session.catch_up()
    sender.toggle(0, times=3)
    send(writer, sender)
    session.catch_up()
    assert session.timeline(1).count == 153
    assert session.totals().lost == 5


def test_a_recorded_import_reports_its_progress(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    batches = []
    for _ in range(4):
        sender.toggle(0, times=25)
        batches.append(sender.take())
    seen: list[int] = []
    assert writer.write_all(sender.session, iter(batches), seen.append) == 100
    assert seen == [25, 50, 75, 100]
    session.catch_up()
    assert session.totals().transitions == 100


def test_a_reading_session_has_no_writer(tmp_path: Path) -> None:
    SessionFile.create(tmp_path / "s.db").close()
    with SessionFile.open(tmp_path / "s.db") as session, pytest.raises(StoreError):
        Writer(session)
