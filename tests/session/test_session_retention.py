"""A debugger that looks at a session while retention removes transitions from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from am_dbg.session import addressing, lookup
from am_dbg.session.session import Session
from am_dbg.session.view import Mode
from am_dbg.viewmodels import machines, strip, transition_line
from am_dbg.viewmodels.log import LogModel, LogPosition
from am_dbg.viewmodels.spans import line_text
from am_telemetry.store.ingest import Ingest
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.trimming import Limits, Trimmer
from tests.support.sender import NOW, Sender, toggle

HOUR_NS = 3_600 * 10**9
LIMITS = Limits(keep_ns=2 * HOUR_NS, keep_text="2h", neighbours=1)


class Recorder:
    """A program with one machine, whose every transition is an hour after the one before."""

    def __init__(self, recording: SessionFile) -> None:
        self.recording = recording
        self.ingest = Ingest(recording.write_connection)
        self.trimmer = Trimmer(recording.write_connection, LIMITS)
        self.sender = Sender("ab" * 16)
        self.sender.open(0, "m", clock=(2, 0, 0))
        self.ingest.begin()
        self.ingest.open_session(self.sender.process, NOW)
        self.ingest.commit()

    def record(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.sender.add(0, toggle(0, number % 2 == 1), at_ns=NOW + number * HOUR_NS)
        self.ingest.begin()
        self.ingest.apply(self.sender.session, self.sender.take(), NOW)
        self.recording.publish(self.ingest.commit())

    def remove(self, hours: int) -> None:
        """As at the time of transition ``hours``."""
        self.ingest.begin()
        self.ingest.trim(self.trimmer, NOW + hours * HOUR_NS, 100)
        self.recording.publish(self.ingest.commit())


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with SessionFile.create(tmp_path / "s.db") as recording:
        recorder = Recorder(recording)
        recorder.record(1, 10)
        yield recorder


def looking_at(recorder: Recorder, number: int) -> Session:
    session = Session(recorder.recording, live=False)
    session.clear_filters()
    session.go_to_number(number)
    assert session.number == number
    return session


def test_a_cursor_on_a_removed_transition_moves_to_the_first_kept_one(recorder: Recorder) -> None:
    session = looking_at(recorder, 3)
    recorder.remove(8)
    assert session.refresh()
    assert session.number == 6
    assert session.message == "#3 was removed to save space (kept: 2h); showing #6"
    session.previous()
    assert session.number == 0
    assert session.current is None
    timeline = session.timeline
    assert timeline is not None
    assert timeline.clock(session.number) == (7, 0, 0)
    shown = line_text(transition_line.current(session, 120))
    assert "start of what is kept: 5 earlier transitions were removed (kept: 2h)" in shown


def test_other_cursors_stay_and_numbers_stay(recorder: Recorder) -> None:
    session = looking_at(recorder, 9)
    recorder.remove(8)
    session.refresh()
    assert (session.number, session.message) == (9, "")
    assert addressing.address(session) == "mach://m/#9"
    assert (session.count, session.size, len(session.visible)) == (10, 5, 5)
    assert line_text(transition_line.current(session, 120)).startswith("‖ Paused  #9/10  ")


def test_the_machine_list_counts_what_was_removed_as_well(recorder: Recorder) -> None:
    """The counter is the number of the last transition until the moment, and so does not jump when space is saved."""
    session = looking_at(recorder, 9)

    def counters() -> list[str]:
        return [line_text(row.line).split()[-1] for row in machines.rows(session, 0, 10, 40)]

    assert counters() == ["9+"]
    title = line_text(machines.title(session))
    recorder.remove(8)
    session.refresh()
    assert counters() == ["9+"]
    assert line_text(machines.title(session)) == title
    session.last()
    assert counters() == ["10"]
    session.first()
    session.previous()
    assert counters() == ["0+"]


def test_a_follower_of_the_newest_keeps_following(recorder: Recorder) -> None:
    session = Session(recorder.recording, live=True)
    recorder.remove(30)
    recorder.record(11, 12)
    session.refresh()
    assert (session.mode, session.number) == (Mode.TAIL, 12)


def test_addresses_of_removed_transitions_say_so(recorder: Recorder) -> None:
    session = looking_at(recorder, 9)
    recorder.remove(8)
    session.refresh()
    assert addressing.go_to(session, "mach://m/#2")
    assert session.number == 6
    assert "#2 was removed" in session.message
    session.go_to_time(NOW + HOUR_NS)
    assert session.number == 0
    assert session.message == "what happened on this machine by then was removed"
    session.go_back()
    assert lookup.by_sequence(recorder.recording, 1, 7) == 7
    assert lookup.by_sequence(recorder.recording, 1, 2) is None
    assert lookup.by_queue_tick(recorder.recording, 1, 1) == 6


def test_the_history_leads_to_what_is_left(recorder: Recorder) -> None:
    session = looking_at(recorder, 2)
    session.go_to_number(9)
    recorder.remove(8)
    session.refresh()
    session.go_back()
    assert session.number == 6
    assert "#2 was removed" in session.message


def test_what_is_bookmarked_stays_with_its_neighbours(recorder: Recorder) -> None:
    """An island, in front of which and behind which it says what is missing."""
    recorder.recording.write_connection.execute(
        "INSERT INTO bookmarks (machine_id, number, title, created_ns) VALUES (1, 3, 'here', 0)"
    )
    session = looking_at(recorder, 7)
    log = LogModel(session)
    log.rows(30)
    recorder.remove(9)
    session.refresh()
    assert list(session.visible) == [2, 3, 4, 7, 8, 9, 10]
    log.rows(30)
    first = log.order.first()
    assert first is not None
    rows = [line_text(row.line) for row in log.rows_from(LogPosition(first, 0))]
    removed = [row.split("⋯")[1].strip() for row in rows if "⋯" in row]
    assert removed == ["1 earlier transition was removed (kept: 2h)", "2 transitions were removed (kept: 2h)"]
    session.previous(1)
    assert session.number == 4
    timeline = session.timeline
    assert timeline is not None
    assert [timeline.clock(n)[0] for n in (0, 2, 4, 6, 7)] == [3, 4, 6, 8, 9]


def test_the_strip_shows_that_the_beginning_is_missing(recorder: Recorder) -> None:
    session = looking_at(recorder, 9)
    assert strip.REMOVED_MARK not in line_text(strip.build(session, 40).line(9))
    recorder.remove(8)
    session.refresh()
    assert line_text(strip.build(session, 40).line(9)).startswith(strip.REMOVED_MARK)
