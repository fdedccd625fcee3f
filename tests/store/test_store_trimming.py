"""Retention inside a session: what is left is what the full session says about it."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_telemetry.store.assembling import assemble
from am_telemetry.store.checking import check_session
from am_telemetry.store.ingest import Ingest
from am_telemetry.store.merging import merge
from am_telemetry.store.rereading import Rereading
from am_telemetry.store.scope import Scope
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_parts import FLAGS
from am_telemetry.store.trimming import Limits, Trimmer
from am_telemetry.store.writer import Writer
from tests.support.hub_process import until
from tests.support.recordings import START_NS, batches, process
from tests.support.rich_session import write_random_session, write_rich_session
from tests.support.sender import NOW, REFUSED, Sender, toggle
from tests.support.session_folder import write_session

DAY_NS = 86_400 * 10**9
LINES = "SELECT text_id FROM log_lines UNION ALL SELECT text_id FROM late_log_lines"
KEPT_DAY = Limits(keep_ns=DAY_NS, keep_text="1d", neighbours=2)


def trim(session: SessionFile, now_ns: int, limit: int = 64, limits: Limits = KEPT_DAY) -> int:
    """Remove everything that is too old, in portions, and tell the readers; how many transitions went."""
    ingest = Ingest(session.write_connection)
    trimmer = Trimmer(session.write_connection, limits)
    removed, more = 0, True
    while more:
        ingest.begin()
        portion = ingest.trim(trimmer, now_ns, limit)
        removed, more = removed + portion.transitions, portion.more
        session.publish(ingest.commit())
    return removed


def moments_of(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT at_ns FROM transitions ORDER BY id")]


def kept_numbers(path: Path) -> dict[int, list[int]]:
    with sqlite3.connect(path) as connection:
        found: dict[int, list[int]] = {row[0]: [] for row in connection.execute("SELECT id FROM machines")}
        for machine_id, number in connection.execute("SELECT machine_id, number FROM transitions ORDER BY 1, 2"):
            found[machine_id].append(number)
        return found


def ticks(timeline: Timeline, number: int) -> dict[str, int]:
    return dict(zip(timeline.schema.names, timeline.clock(number), strict=True))


def compare(timeline: Timeline, full: Timeline, kept: list[int]) -> None:
    assert list(timeline.all()) == kept
    assert timeline.count == full.count
    assert timeline.schema == full.schema
    numbers = set(kept)
    for name in FLAGS:
        # Lines behind the last transition go when they are too old themselves.
        ignored = {full.count} if name == "logged" else set()
        expected = {n for n in getattr(full, name) if n in numbers}
        assert set(getattr(timeline, name)) - ignored == expected - ignored, name
    for state in range(len(full.states)):
        for which in ("changed", "called", "active"):
            found, expected = (getattr(line, which)(state) for line in (timeline, full))
            assert found & timeline.all() == expected & timeline.all(), which
    for number in kept:
        assert timeline.at(number) == full.at(number)
        for moment in (number - 1, number):
            assert timeline.clock(moment) == full.clock(moment)
            assert timeline.active_states(moment) == full.active_states(moment)
    if kept:
        assert timeline.clock(0) == full.clock(kept[0] - 1)
        assert timeline.active_states(0) == full.active_states(kept[0] - 1)
    end = full.count + 1
    assert timeline.gaps == {n: lost for n, lost in full.gaps.items() if n in numbers or n == end}


def compare_sessions(session: SessionFile, full: SessionFile, kept: dict[int, list[int]]) -> None:
    """Everything that the trimmed session tells is what the full one tells of the same transitions."""
    for machine in full.machines:
        numbers = kept[machine.id]
        compare(session.timeline(machine.id), full.timeline(machine.id), numbers)
        for number in numbers:
            assert session.transition(machine.id, number) == full.transition(machine.id, number)
            assert session.handler_runs(machine.id, number) == full.handler_runs(machine.id, number)
            assert session.waits(machine.id, number) == full.waits(machine.id, number)
            lines = full.log_lines(machine.id, number, number)
            own = [line for line in session.log_lines(machine.id, number, number) if line.number == number]
            late = number == full.timeline(machine.id).count
            assert [line.text for line in own if not (late and line.after)] == [
                line.text for line in lines if not (late and line.after)
            ]
    totals, original = session.totals(), full.totals()
    assert totals.log_lines == len(session.reader().execute(LINES).fetchall())
    assert totals.transitions + totals.removed == original.transitions
    assert totals.transitions == sum(map(len, kept.values()))


def write_any(path: Path, seed: int) -> None:
    if seed % 10 == 0:
        write_rich_session(path)
    else:
        write_random_session(path, seed)


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(1, 30), st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_left_is_what_it_was(
    tmp_path: Path, seed: int, cuts: list[float], limit: int, with_bookmarks: bool
) -> None:
    """For the viewer that looks on, for one that follows the file, after reopening, and for the check of the file."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    original, path = folder / "full.db", folder / "s.db"
    write_any(original, seed)
    if with_bookmarks:
        with sqlite3.connect(original) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM machines")]
            number = random.Random(seed).randrange(1, 20)
            connection.execute(
                "INSERT INTO bookmarks (machine_id, number, title, created_ns) VALUES (?, ?, '', 0)", (ids[0], number)
            )
        connection.close()
    shutil.copy(original, path)
    moments = sorted(moments_of(original))
    with (
        SessionFile.open(original) as full,
        SessionFile.open(path, writable=True) as session,
        SessionFile.open(path) as follower,
    ):
        for cut in sorted(cuts):
            now = moments[min(int(cut * len(moments)), len(moments) - 1)] + DAY_NS if moments else DAY_NS
            trim(session, now, limit)
            session.catch_up()
            follower.catch_up()
            kept = kept_numbers(path)
            compare_sessions(session, full, kept)
            compare_sessions(follower, full, kept)
            with SessionFile.open(path) as reopened:
                compare_sessions(reopened, full, kept)
        session.write_connection.execute("DELETE FROM bookmarks")
        trim(session, now, limit)
        session.catch_up()
        kept = kept_numbers(path)
        assert all(len(session.timeline(machine.id).pieces.starts) == 1 for machine in session.machines)
        compare_sessions(session, full, kept)
    findings = check_session(path)
    assert findings == [], findings
    shutil.rmtree(folder)


def test_a_machine_that_goes_on_leaves_nothing_behind(tmp_path: Path) -> None:
    """The last transition stays while it is the last one, and goes later with those behind it."""
    sender = Sender("ab" * 16)
    sender.open(0, "m", clock=(2, 0, 0))
    with SessionFile.create(tmp_path / "s.db") as session, SessionFile.open(tmp_path / "s.db") as follower:
        ingest = Ingest(session.write_connection)
        trimmer = Trimmer(session.write_connection, KEPT_DAY)
        ingest.begin()
        ingest.open_session(sender.process, NOW)
        ingest.commit()
        for day in range(6):
            sender.toggle(0, times=3)
            ingest.begin()
            ingest.apply(sender.session, sender.take(), NOW)
            session.publish(ingest.commit())
            ingest.begin()
            ingest.trim(trimmer, NOW + 400 * DAY_NS, 100)
            session.publish(ingest.commit())
            for reader in (session, follower):
                reader.catch_up()
                timeline = reader.timeline(1)
                assert (timeline.first, timeline.count, timeline.size) == (3 * day + 3, 3 * day + 3, 1)
                assert timeline.clock(timeline.count)[0] == 2 + 3 * (day + 1)
        rows = session.reader().execute("SELECT first_number, last_number FROM removals").fetchall()
        assert rows == [(1, 17)]
    assert check_session(tmp_path / "s.db") == []


def test_what_claims_to_come_from_the_future_is_kept_as_long_as_others(session: SessionFile) -> None:
    """A program whose clock is wrong neither stays for ever nor goes at once."""
    sender = Sender("ab" * 16)
    sender.open(0, "m")
    ingest = Ingest(session.write_connection)
    trimmer = Trimmer(session.write_connection, KEPT_DAY)
    ingest.begin()
    ingest.open_session(sender.process, NOW)
    for _ in range(3):
        sender.add(0, REFUSED, at_ns=NOW + 1_000 * DAY_NS)
    ingest.apply(sender.session, sender.take(), NOW)
    ingest.commit()
    for days, gone in ((0.0, 0), (0.9, 0), (1.1, 2)):
        ingest.begin()
        portion = ingest.trim(trimmer, NOW + int(days * DAY_NS), 100)
        ingest.commit()
        assert portion.transitions == gone


def test_a_writer_keeps_a_session_within_its_size(tmp_path: Path) -> None:
    """The file stops growing, recording goes on, and viewers see the newest transitions."""
    limits = Limits(max_size=1_000_000, size_text="1MB")
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session:
        with Writer(session, limits) as writer:
            writer.open_session(process(), START_NS)
            for batch in batches(3, 40_000, size=2_000):
                writer.put(process().session, batch)
                writer.flush()
                session.catch_up()
            until(lambda: writer.upkeep.removed > 3_000)
        session.catch_up()
        totals = session.totals()
        assert totals.removed == writer.upkeep.removed
        assert totals.transitions + totals.removed == 40_000
        assert all(timeline.holds(timeline.count) for timeline in map(session.timeline, (1, 2, 3)))
        assert path.stat().st_size < 2 * 1_000_000
    assert check_session(path) == []


def test_activity_of_states_begins_behind_what_was_removed(session: SessionFile) -> None:
    """In SQL as well: states that were active there are active from the first kept transition on."""
    sender = Sender("ab" * 16)
    sender.open(0, "m", clock=(0, 1, 0))
    for number, pattern in enumerate([toggle(0, True), REFUSED, toggle(1, False), toggle(0, False), REFUSED], 1):
        sender.add(0, pattern, at_ns=NOW + number * DAY_NS)
    ingest = Ingest(session.write_connection)
    ingest.begin()
    ingest.open_session(sender.process, NOW)
    ingest.apply(sender.session, sender.take(), NOW)
    ingest.commit()
    assert trim(session, NOW + 4 * DAY_NS) == 2
    rows = session.reader().execute("SELECT state, since_transition, duration_ms FROM v_state_activity ORDER BY state")
    assert rows.fetchall() == [("A", 2, DAY_NS / 1e6), ("B", 2, 0.0)]
    removed = session.reader().execute("SELECT machine, first_number, last_number, transitions, kept FROM v_removals")
    assert removed.fetchall() == [("m", 1, 2, 2, "1d")]


@given(st.integers(0, 10_000), st.floats(0.2, 0.9))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_left_can_be_handed_on(tmp_path: Path, seed: int, cut: float) -> None:
    """An export tells of the kept transitions what the session does, and of the removed ones that they are missing."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    path, copy, merged = folder / "s.db", folder / "copy.db", folder / "merged.db"
    write_any(path, seed)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO bookmarks (machine_id, number, title, created_ns) VALUES (1, 4, 'here', 0)")
    connection.close()
    moments = sorted(moments_of(path))
    with SessionFile.open(path, writable=True) as session:
        trim(session, (moments[int(cut * len(moments))] if moments else NOW) + DAY_NS)
        session.catch_up()
        Writer(session).close()
    with SessionFile.open(path) as session, closing(Rereading(session, Scope())) as rereading:
        assert rereading.total == session.totals().transitions
        assemble(copy, rereading.pieces())
        with SessionFile.open(copy) as other:
            revisions = Counter(row[0] for row in session.reader().execute("SELECT machine_id FROM machine_schemas"))
            by_name = {(machine.name, machine.started_ns): machine.id for machine in other.machines}
            for machine in session.machines:
                timeline, twin = session.timeline(machine.id), by_name[machine.name, machine.started_ns]
                assert other.timeline(twin).count == timeline.size
                for place, number in enumerate(timeline.all(), 1):
                    record, copied = session.transition(machine.id, number), other.transition(twin, place)
                    assert (copied.sequence, copied.at_ns) == (record.sequence, record.at_ns)
                    assert copied.pattern.fact == record.pattern.fact
                    here, there = ticks(timeline, number), ticks(other.timeline(twin), place)
                    # States that the schema had given up at the beginning are not told of.
                    given_up = revisions[machine.id] > 1
                    assert given_up or (there, copied.machine_time) == (here, record.machine_time)
        write_session(folder / "second.db", transitions=20)
        merge([path, folder / "second.db"], merged)
        with SessionFile.open(merged) as both:
            assert both.totals().removed == session.totals().removed
            assert both.totals().transitions == session.totals().transitions + 20
    assert check_session(copy) == []
    assert check_session(merged) == []
    shutil.rmtree(folder)
