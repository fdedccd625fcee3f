"""What was pending at any moment: stored as intervals, told in time for any length of history."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.waits_layout import node_of, nodes_of
from am_telemetry.store.writer import Writer
from am_telemetry.waits import UNNOTICED, WaitsStanding
from tests.support.rich_session import end_wait, wait
from tests.support.sender import NOW, Sender


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_node_of_an_interval_is_among_those_of_each_number_in_it(
    first: int, length: int, place: int, more: int
) -> None:
    last = first + length
    number = first + place % (length + 1)
    assert first <= node_of(first, last) <= last
    assert node_of(first, last) in nodes_of(number, last + more)
    assert len(nodes_of(number, last + more)) <= 2 * (last + more + 2).bit_length()


@dataclass
class Told:
    """One wait as the test knows it, by the machine's own count."""

    ident: int
    begun: int
    ended: int | None = None


@given(st.lists(st.sampled_from("ttttbbbeegc"), max_size=60), st.integers(0, 3), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_pending_after_any_transition_is_what_had_begun_and_not_ended(
    tmp_path: Path, actions: list[str], before: int, rng: object
) -> None:
    """Also with holes in the history, with transitions under way, and whatever the batches."""
    assert hasattr(rng, "choice")
    sender = Sender()
    told: list[Told] = []
    path = tmp_path / f"{time.monotonic_ns()}.db"
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m", sequence=before)
        for action in actions:
            if action == "t":
                sender.toggle(0)
            elif action == "b":
                ahead = rng.choice([0, 1])
                wait(sender, 0, len(told) + 1, ahead)
                told.append(Told(len(told) + 1, sender.sequences[0] + ahead))
            elif action == "e" and (open_ := [one for one in told if one.ended is None]):
                one = rng.choice(open_)
                one.ended = max(one.begun, sender.sequences[0])
                end_wait(sender, 0, one.ident, ahead=one.ended - sender.sequences[0])
            elif action == "g":
                sender.gap(0, rng.choice([1, 5]))
                writer.put(sender.session, sender.take())
            elif action == "c":
                writer.put(sender.session, sender.take())
        sender.toggle(0, times=2)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        session.catch_up()
        (machine,) = session.machines
        count = session.timeline(machine.id).count
        for number in range(count + 1):
            sequence = session.transition(machine.id, number).sequence if number else before
            at = session.waits(machine.id, number)
            pending = {
                one.ident for one in told if one.begun <= sequence and (one.ended is None or one.ended > sequence)
            }
            assert {one.ident for one in at.pending} == pending, number
            if number:
                earlier = session.transition(machine.id, number - 1).sequence if number > 1 else before
                ended = {one.ident for one in told if one.ended is not None and earlier < one.ended <= sequence}
                assert {one.ident for one in at.ended} == ended, number


def pending(session: SessionFile, number: int = 10**9) -> list[int]:
    session.catch_up()
    return [one.ident for one in session.waits(session.machines[0].id, number).pending]


def test_what_is_told_twice_began_once_and_keeps_its_end(session: SessionFile, writer: Writer) -> None:
    """As after a lost connection."""
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    sender.toggle(0)
    wait(sender, 0, 1)
    writer.put(sender.session, sender.take())
    sender.toggle(0)
    wait(sender, 0, 1)
    end_wait(sender, 0, 1, "ctx")
    writer.put(sender.session, sender.take())
    sender.toggle(0)
    end_wait(sender, 0, 1, "match")
    writer.put(sender.session, sender.take())
    assert writer.flush(5)
    assert [pending(session, number) for number in range(4)] == [[], [1], [], []]
    (one,) = session.waits(1, 2).ended
    assert (one.close_reason, one.opened_number, one.closed_number) == ("ctx", 1, 2)


def test_what_does_not_stand_any_more_has_ended_unnoticed_until_its_end_is_told(
    session: SessionFile, writer: Writer
) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    for ident in (1, 2, 3):
        wait(sender, 0, ident)
    writer.put(sender.session, sender.take())
    sender.toggle(0)
    sender.batch.waits.standing.append(WaitsStanding(0, 1, NOW, (2, 4)))
    wait(sender, 0, 4)
    end_wait(sender, 0, 3, "canceled")
    writer.put(sender.session, sender.take())
    assert writer.flush(5)
    assert [pending(session, number) for number in (0, 1)] == [[1, 2, 3], [2, 4]]
    assert {one.ident: one.close_reason for one in session.waits(1, 1).ended} == {1: UNNOTICED, 3: "canceled"}


def test_waits_of_an_unknown_machine_are_counted(session: SessionFile, writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.sequences[5] = 1
    wait(sender, 5, 1)
    end_wait(sender, 5, 1)
    writer.put(sender.session, sender.take())
    assert writer.flush(5)
    counted = session.reader().execute("SELECT value FROM meta WHERE key = 'orphaned_waits'").fetchone()
    assert counted == ("2",)


def test_a_run_that_goes_on_in_another_recording_of_the_file_keeps_what_is_pending(tmp_path: Path) -> None:
    """The hub was restarted meanwhile."""
    sender = Sender()
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        wait(sender, 0, 1)
        writer.put(sender.session, sender.take())
    sender = Sender(have=1)
    with SessionFile.open(path, writable=True) as session, Writer(session) as writer:
        assert writer.open_session(sender.process, NOW) == 1
        sender.open(0, "m")
        sender.toggle(0)
        end_wait(sender, 0, 1)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        assert [pending(session, number) for number in (0, 1)] == [[1], []]


def test_a_moment_is_found_without_reading_the_history(tmp_path: Path) -> None:
    """Steps of SQLite's machine, not seconds, so that a busy computer does not matter."""
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session:
        db = session.write_connection
        db.execute("BEGIN")
        db.execute("INSERT INTO processes VALUES (1, 's', '', '', 1, '', '', '{}', 1, 1, 0, 0, NULL)")
        db.execute("INSERT INTO schemas VALUES (1, 'd', '[]', '{}')")
        db.execute("INSERT INTO machines VALUES (1, 'm', 1, '', 1, 1, '[]', 1, 0, '', 0, '[]', '')")
        spans = [(number, number + 1 + number % 7) for number in range(50_000)]
        rows = [(*span, node_of(*span)) for span in spans]
        db.executemany(
            "INSERT INTO waits (machine_id, kind, states_json, opened_ns, closed_ns, opened_number, closed_number,"
            " node)"
            " VALUES (1, 'when', '[]', 1, 2, ?, ?, ?)",
            rows,
        )
        db.execute("COMMIT")
        steps = _steps(session.reader(), 40_000, 50_000)
        assert steps < 20_000, f"{steps} steps"


def _steps(connection: sqlite3.Connection, number: int, count: int) -> int:
    from am_telemetry.store.wait_reading import waits_at

    seen = 0

    def count_steps() -> int:
        nonlocal seen
        seen += 100
        return 0

    connection.set_progress_handler(count_steps, 100)
    found = waits_at(connection, 1, number, count)
    connection.set_progress_handler(None, 0)
    assert found.pending
    assert all(one.opened_number <= number < (one.closed_number or 0) for one in found.pending)
    return seen


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_view_tells_names_and_durations(session: SessionFile, writer: Writer, number: int) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    sender.open(0, "m")
    wait(sender, 0, number + 3)
    end_wait(sender, 0, number + 3)
    writer.put(sender.session, sender.take())
    assert writer.flush(5)
    row = session.reader().execute("SELECT machine, kind, states, reason, milliseconds FROM v_waits").fetchone()
    kinds = [("whenTime", "A B"), ("ctx", "ünïcode"), ("pipe-out", "A")]
    assert row == ("m", *kinds[number], "match", 0.0)
