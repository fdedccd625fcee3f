"""The log pane: every visible transition has rows, and only those in the window are made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import Filter
from am_dbg.session.log_options import LogOptions, LogTimes
from am_dbg.session.targets import GoToTransition, SelectState
from am_dbg.viewmodels import log, log_columns
from am_dbg.viewmodels.log_text import parse
from am_dbg.viewmodels.spans import Role, line_text
from am_telemetry.facts import ErrorFact, LogFact
from am_telemetry.store.records import RunningRecord
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.support.random_recordings import recordings
from tests.support.sample_recordings import shop

NAMES = ("Ready", "ReadyToGo", "Start", "Err-Net")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    def local(at_ns: int, tz: object = None) -> str:
        return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%H:%M:%S}"

    monkeypatch.setattr(log_columns, "second_label", local)


def opened(number: int = 1) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_number(number)
    return session


def texts(model: log.LogModel, height: int = 99) -> list[str]:
    """The rows without the mark of the current transition."""
    return [line_text(row.line).replace("›", " ", 1) for row in model.rows(height)]


def everything(session: Session) -> list[log.LogRow]:
    model = log.LogModel(session)
    model.scroll(-10_000, 1)
    return model.rows(100_000)


def test_what_was_not_logged_is_told_from_the_pattern() -> None:
    assert texts(log.LogModel(opened())) == [
        "22:13:20 ─── t1",
        "+ [state] +Start (user=alice n=3)",
        "✕ [cancel] add Ready · Require Connected is not active",
        "+ [state] +Connected +Ready",
        "+ [state] +Loading -Ready",
        "~ [state] ~Loading",
        "22:13:21 ─── t7",
        "✕ [cancel] add ReadyToGo · canceled by ReadyToGoEnter",
        "22:13:20 ─── t8",
        "! [error] ValueError: bad  (+2 lines)",
    ]


def test_hidden_transitions_contribute_nothing_and_shown_ones_do() -> None:
    session = opened()
    model = log.LogModel(session)
    session.toggle_filter(Filter.CANCELED)
    session.toggle_filter(Filter.EMPTY)
    session.toggle_filter(Filter.CHECKS)
    shown = [text for text in texts(model) if "───" not in text]
    assert not any("[cancel]" in text for text in shown)
    assert "· [empty] add Start" in shown
    assert "· [check] remove Exception · yes" in shown


def test_the_level_filters_each_entry() -> None:
    session = opened()
    session.set_log_level(4)
    assert "+ [cancel] nothing" in texts(log.LogModel(session))
    session.set_log_level(1)
    assert "+ [state] +Start" in texts(log.LogModel(session))


def test_rows_of_the_current_transition_are_marked_and_all_rows_lead_to_theirs() -> None:
    session = opened(4)
    model = log.LogModel(session)
    model.follow(20)
    current = [row for row in model.rows(20) if row.current]
    assert [line_text(row.line) for row in current] == ["+›[state] +Loading -Ready"]
    for row in model.rows(20):
        for span in row.line:
            assert not isinstance(span.target, GoToTransition) or span.target.number == row.number


def test_lost_transitions_are_announced() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    machine.add("A")
    recording.later(lambda: recording.timeline(1).correct((3,), 7))
    machine.add("A")
    machine.remove("A")
    assert "! 7 transitions were lost here" in texts(log.LogModel(Session(recording, live=False)))


def test_a_restored_machine_has_lost_nothing() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    machine.add("A")
    recording.later(lambda: recording.timeline(1).correct((3,), 0))
    machine.remove("A")
    shown = texts(log.LogModel(Session(recording, live=False)))
    assert "⟲ restored from a snapshot here" in shown
    assert not any("lost" in text for text in shown)


def test_lines_logged_after_the_last_transition_follow_it_when_they_arrive() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A"]).add("A", logs=[LogFact(2, "[state] +A")])
    session = Session(recording, live=False)
    model = log.LogModel(session)
    assert texts(model)[-1] == "+ [state] +A"
    recording.late_lines.append((1, 1, "[exter] idle"))
    recording.timeline(1).log_late(1)
    recording.version += 1
    assert texts(model)[-2:] == ["+ [state] +A", "  [exter] idle"]


def test_a_machine_that_has_done_nothing_shows_what_it_logged() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A"])
    recording.late_lines.append((1, 0, "[exter] born"))
    assert texts(log.LogModel(Session(recording, live=False))) == ["  [exter] born"]


def test_what_is_not_over_is_shown_at_the_end() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A"]).add("A")
    session = Session(recording, live=False)
    model = log.LogModel(session)
    plain = texts(model)
    started = recording.timeline(1).at(1)
    recording.still_running[1] = RunningRecord(1, 2, started, started, "add", ("A",), False, "AState", True)
    recording.version += 1
    (line,) = texts(model)[len(plain) :]
    assert line.startswith("▶ add A not over since")
    assert line.endswith("· in AState · over its time limit")
    del recording.still_running[1]
    recording.version += 1
    assert texts(model) == plain


def test_an_error_says_what_it_was_and_where() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", "Exception"])
    trace = 'Traceback …\n  File "C:\\lib\\run.py", line 3, in call\n  File "C:\\shop.py", line 41, in pay\nKeyError'
    machine.add("Exception", error=ErrorFact("KeyError", "'x\x1b[31m'", trace))
    machine.remove("Exception")
    machine.add("Exception", error=ErrorFact("Timeout", ""), logs=[LogFact(2, "[state] +Exception")])
    machine.remove("Exception")
    machine.add("Exception", error=ErrorFact("Timeout", ""), logs=[LogFact(2, "[error] Timeout")])
    machine.remove("Exception")
    machine.add("Exception")
    shown = texts(log.LogModel(Session(recording, live=False)))
    assert "! [state] +Exception · KeyError: 'x␛[31m'  at shop.py:41" in shown
    assert "! [state] +Exception · Timeout" in shown
    assert "! [error] Timeout" in shown
    assert shown[-1] == "! [state] +Exception"


def test_without_times_there_are_no_time_rows() -> None:
    session = opened()
    session.set_log(LogOptions(times=LogTimes.OFF))
    assert not any("───" in text for text in texts(log.LogModel(session)))


def test_the_title_names_the_level_and_the_machine_time() -> None:
    assert line_text(log.title(opened(3))) == "Log changes · t3"
    assert line_text(log.title(Session(MemoryRecording()))) == "Log changes"


class TestParsing:
    def test_states_are_recognised_as_whole_words_only(self) -> None:
        line = parse("[state] +ReadyToGo -Ready NotReady Readyish", NAMES)
        states = [(span.text, span.role) for span in line if isinstance(span.target, SelectState)]
        assert states == [("+ReadyToGo", Role.ADDED), ("-Ready", Role.REMOVED)]

    def test_names_with_odd_characters_are_recognised(self) -> None:
        line = parse("[add] Err-Net, Start", NAMES, called=["Start"])
        assert [(s.text, s.underline) for s in line if s.target] == [("Err-Net", False), ("Start", True)]

    def test_prefix_and_arguments_are_told_apart(self) -> None:
        line = parse("[state:auto] +Ready (user=alice n=3)", NAMES)
        assert [(s.text, s.role) for s in line if s.role in (Role.PREFIX, Role.KEY, Role.VALUE)] == [
            ("[state:auto]", Role.PREFIX),
            ("user=", Role.KEY),
            ("alice", Role.VALUE),
            ("n=", Role.KEY),
            ("3", Role.VALUE),
        ]

    @settings(max_examples=200)
    @given(st.text(alphabet="[]+-Ready Start,=()\x1b\n\t日\u202eEr", max_size=60) | st.text(max_size=60))
    def test_no_character_of_a_line_is_lost_and_none_is_dangerous(self, text: str) -> None:
        from am_dbg.viewmodels.spans import clean

        line = parse(text, NAMES, called=["Ready"])
        shown = line_text(line)
        assert not any(ord(char) < 32 or char in "\x7f\u202e" for char in shown)
        first = text.strip("\r\n").split("\n")[0].rstrip("\r")
        if first.isascii() and first.isprintable():
            assert shown == clean(first) or shown.startswith(first + "  (+")

    def test_a_megabyte_is_cut(self) -> None:
        assert len(line_text(parse("x" * 1_000_000, NAMES))) < 3_000
        assert line_text(parse("[a] " + "x y=1 " * 200_000, NAMES)).endswith(")")


@settings(max_examples=50)
@given(recording=recordings(machines=1), level=st.integers(1, 5), data=st.data())
def test_windows_scrolled_by_any_steps_show_the_same_log(
    recording: MemoryRecording, level: int, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    session.set_log_level(level)
    rows = everything(session)
    height = data.draw(st.integers(1, 12))
    model = log.LogModel(session)
    model.scroll(-10_000, height)
    top = 0
    for _ in range(8):
        step = data.draw(st.integers(-9, 9))
        model.scroll(step, height)
        top = max(0, min(top + step, len(rows) - height))
        assert model.rows(height) == rows[top : top + height]


@settings(max_examples=50)
@given(recording=recordings(machines=1), data=st.data())
def test_following_brings_the_cursor_into_view_and_each_visible_transition_has_rows(
    recording: MemoryRecording, data: st.DataObject
) -> None:
    session = Session(recording, live=False)
    model = log.LogModel(session)
    height = data.draw(st.integers(3, 10))
    assert {row.number for row in everything(session)} == set(session.visible)
    for _ in range(5):
        session.go_to_number(data.draw(st.integers(0, session.count)))
        model.follow(height)
        shown = model.rows(height)
        if session.number:
            assert any(row.current for row in shown)
        before = model.top
        model.follow(height)
        assert model.top == before
        start, size = model.window(shown)
        assert 0 <= start <= 1
        assert 0 <= size <= 1


def test_a_neighbour_scrolls_by_a_row_and_a_distant_place_comes_to_the_middle() -> None:
    recording = MemoryRecording(step_ns=1)
    machine = recording.machine("m", ["A"])
    for _ in range(100):
        machine.add("A")
        machine.remove("A")
    session = Session(recording, live=False)
    model = log.LogModel(session)
    session.go_to_number(100)
    model.follow(10)
    assert [row.current for row in model.rows(10)].index(True) == 5
    session.next(4)
    assert not model.follow(10)
    top = model.rows(10)[0].number
    session.next()
    model.follow(10)
    assert model.rows(10)[0].number == top + 1


def test_only_what_is_near_the_window_is_read() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A"])
    for _ in range(1_000):
        machine.add("A", logs=[LogFact(2, "[state] +A")])
        machine.remove("A", logs=[LogFact(2, "[state] -A")])
    session = Session(recording, live=False)
    read: list[tuple[int, int]] = []
    original = recording.log_lines

    def counted(machine_id: int, first: int, last: int) -> object:
        read.append((first, last))
        return original(machine_id, first, last)

    recording.log_lines = counted  # type: ignore[method-assign,assignment]  # counts
    session.go_to_number(1_500)
    model = log.LogModel(session)
    model.follow(20)
    model.rows(20)
    assert sum(last - first + 1 for first, last in read) <= 200
    assert len(read) <= 4


def test_new_transitions_do_not_move_the_window() -> None:
    recording = MemoryRecording(start_ns=START_NS)
    machine = recording.machine("m", ["A"])
    for _ in range(20):
        machine.add("A")
        machine.remove("A")
    session = Session(recording, live=False)
    model = log.LogModel(session)
    model.scroll(5, 10)
    before = model.rows(10)
    machine.add("A")
    session.refresh()
    assert model.rows(10) == before
