"""The log shown in other ways: wrapped, with traces, with other times, of several machines, and copied."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.log_options import LogOptions, LogScope, LogTimes
from am_dbg.viewmodels import log, log_columns
from am_dbg.viewmodels.log_copy import CHARACTERS_LIMIT, copied
from am_dbg.viewmodels.spans import line_text, line_width
from am_telemetry.facts import ErrorFact, LogFact
from am_telemetry.store.records import OmissionRecord
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000
TRACE = 'Traceback:\n  File "app/shop.py", line 41, in pay\n    raise KeyError\nKeyError: 1'


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    def local(at_ns: int, tz: object = None) -> str:
        return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%H:%M:%S}"

    monkeypatch.setattr(log_columns, "second_label", local)


def texts(session: Session, height: int = 99, cells: int = 80) -> list[str]:
    model = log.LogModel(session)
    model.columns.cells = cells
    model.follow(height)
    return [line_text(row.line).rstrip() for row in model.rows(height)]


def two_machines() -> Session:
    recording = MemoryRecording()
    orders = recording.machine("orders", ["A", "B"])
    bills = recording.machine("bills", ["A", "B"])
    orders.add("A", at_ns=START_NS)
    bills.add("A", at_ns=START_NS + 1_500_000)
    orders.add("B", at_ns=START_NS + 61 * SECOND, logs=[LogFact(2, "[state] +B"), LogFact(3, "[add] B")])
    bills.add("B", at_ns=START_NS + 62 * SECOND)
    session = Session(recording, live=False)
    session.select_machine(1)
    session.go_to_number(1)
    return session


def test_each_machine_keeps_its_own_level() -> None:
    session = two_machines()
    session.set_log_level(3)
    assert session.message == "log level 3: ops of orders"
    session.select_machine(2)
    assert session.log_level == 2
    session.set_log_level(5)
    session.select_machine(1)
    assert session.log_level == 3
    session.change_log("scope")
    session.set_log_level(1)
    assert session.message == "log level 1: external of several machines"
    session.change_log("scope")
    assert (session.log.scope, session.log_level) == (LogScope.MACHINE, 3)


def test_several_machines_are_merged_by_time_with_their_names() -> None:
    session = two_machines()
    session.set_log(LogOptions(scope=LogScope.ALL))
    assert texts(session) == [
        "22:13:20 ───",
        "orders +›[state] +A",
        "bills  + [state] +A",
        "22:14:21 ───",
        "orders + [state] +B",
        "22:14:22 ───",
        "bills  + [state] +B",
    ]
    session.set_log_level(3)
    assert texts(session)[4:6] == ["orders + [state] +B", "       + [add] B"]
    session.set_log(LogOptions(scope=LogScope.ALL, times=LogTimes.EACH))
    assert texts(session)[1] == "22:13:20.001 bills  + [state] +A"


def test_a_row_of_another_machine_leads_to_it() -> None:
    session = two_machines()
    session.set_log(LogOptions(scope=LogScope.ALL))
    rows = log.LogModel(session).rows(99)
    assert [(row.machine_id, row.number) for row in rows if "state" in line_text(row.line)] == [
        (1, 1),
        (2, 1),
        (1, 2),
        (2, 2),
    ]


def test_times_can_be_told_by_the_minute_or_relative_to_the_cursor_or_not_at_all() -> None:
    session = two_machines()
    session.set_log(LogOptions(times=LogTimes.MINUTE))
    assert [text for text in texts(session) if "───" in text] == ["22:13 ─── t1", "22:14 ─── t2"]
    session.set_log(LogOptions(times=LogTimes.RELATIVE))
    assert texts(session) == ["         · +›[state] +A", " +1 m 01 s + [state] +B"]
    session.next()
    assert texts(session) == [" -1 m 01 s + [state] +A", "         · +›[state] +B"]
    session.set_log(LogOptions(times=LogTimes.OFF))
    assert texts(session) == ["+ [state] +A", "+›[state] +B"]


def test_further_lines_are_counted_or_shown() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", "Exception"])
    machine.add("A", logs=[LogFact(2, "first\nsecond\n\tthird")])
    machine.add("Exception", error=ErrorFact("KeyError", "1", TRACE))
    session = Session(recording, live=False)
    session.set_log(LogOptions(times=LogTimes.OFF))
    assert texts(session) == ["+›first  (+2 lines)", "! [state] +Exception · KeyError: 1  at shop.py:41"]
    session.change_log("traces")
    assert texts(session) == [
        "+›first",
        " ›  second",
        " ›      third",
        "! [state] +Exception · KeyError: 1  at shop.py:41",
        "    Traceback:",
        '      File "app/shop.py", line 41, in pay',
        "        raise KeyError",
        "    KeyError: 1",
    ]


def test_an_endless_trace_is_cut() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A"]).add("A", logs=[LogFact(2, "x\n" * 100_000)])
    session = Session(recording, live=False)
    session.set_log(LogOptions(traces=True))
    model = log.LogModel(session)
    assert len(model.rows(10_000)) < 250


@settings(max_examples=30, deadline=None)
@given(
    recording=recordings(machines=3, length=12),
    times=st.sampled_from(LogTimes),
    scope=st.sampled_from([LogScope.MACHINE, LogScope.ALL]),
    wrap=st.booleans(),
    data=st.data(),
)
def test_windows_show_the_same_rows_from_wherever_they_are_scrolled(
    recording: MemoryRecording, times: LogTimes, scope: LogScope, wrap: bool, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    session.set_log(LogOptions(scope, times, wrap, traces=True))
    model = log.LogModel(session)
    model.columns.cells = 34
    model.scroll(-10_000, 1)
    rows = model.rows(100_000)
    if wrap:
        assert all(line_width(row.line) <= 34 for row in rows)
    height = data.draw(st.integers(1, 9))
    model.scroll(-10_000, height)
    top = 0
    for _ in range(5):
        step = data.draw(st.integers(-9, 9))
        model.scroll(step, height)
        top = max(0, min(top + step, len(rows) - height))
        assert model.rows(height) == rows[top : top + height]
    session.go_to_number(data.draw(st.integers(0, session.count)))
    model.follow(height)
    if session.number:
        assert any(row.current for row in model.rows(height))


class TestCopying:
    def test_a_row_gives_its_whole_entry_free_of_control_characters(self) -> None:
        recording = MemoryRecording()
        raw = "[extern] \x1b[31m" + "x" * 5_000 + "\nsecond\ttab"
        recording.machine("m", ["A"]).add("A", logs=[LogFact(1, raw)])
        model = log.LogModel(Session(recording, live=False))
        row = model.rows(9)[1]
        text = copied(model, row.position, row.position)
        assert text.text == "[extern] ␛[31m" + "x" * 5_000 + "\nsecond  tab"
        assert text.sentence == "sent 5,026 characters to the terminal's clipboard, if it takes it (OSC 52)"

    def test_several_rows_keep_their_columns_and_each_entry_comes_once(self) -> None:
        session = two_machines()
        session.set_log_level(3)
        session.set_log(LogOptions(times=LogTimes.OFF, traces=True))
        model = log.LogModel(session)
        rows = model.rows(9)
        assert copied(model, rows[0].position, rows[-1].position).text == "+›[state] +A\n+ [state] +B\n+ [add] B"

    def test_too_much_is_cut_and_that_is_said(self) -> None:
        recording = MemoryRecording()
        recording.machine("m", ["A"]).add("A", logs=[LogFact(1, "y" * 1_000_000)])
        model = log.LogModel(Session(recording, live=False))
        row = model.rows(9)[1]
        text = copied(model, row.position, row.position)
        assert len(text.text) == CHARACTERS_LIMIT
        assert "cut there" in text.sentence


def test_what_the_program_had_no_room_to_keep_is_told_where_it_is_missing() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    for turn in range(4):
        machine.mutate("remove" if turn % 2 else "add", ["A"])
    recording.omitted[1] = [
        OmissionRecord(2, 3, "log lines", 12, "the buffer was full"),
        OmissionRecord(4, 4, "steps", 1, "the buffer was full"),
    ]
    session = Session(recording, live=False)
    session.set_log(LogOptions(times=LogTimes.OFF))
    assert texts(session)[1] == "! 12 log lines were left out from here until #3: the buffer was full"
    assert texts(session)[4] == "! the steps of one transition were left out from here: the buffer was full"
