"""The reader: what is pending, where a transition came from and what it led to, at any moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.targets import GoToMachine, GoToSource, GoToTransition, SelectState
from am_dbg.viewmodels.reader import SECTIONS, ReaderModel
from am_dbg.viewmodels.reader_rows import ReaderRow, lasting
from am_dbg.viewmodels.spans import Role, clean, line_text, width
from am_telemetry.facts import ErrorFact, SourceFact
from am_telemetry.store.records import HandlerRunRecord, RunningRecord, WaitRecord
from am_telemetry.waits import WaitFact, WaitOrigin
from tests.support.memory_recording import START_NS, MemoryRecording

SECOND = 1_000_000_000


class Story:
    """Two machines: a request of ``gateway`` (#2) has ``orders`` do three things."""

    def __init__(self) -> None:
        self.recording = MemoryRecording()
        self.gateway = self.recording.machine("gateway", ["Start", "Request"])
        self.orders = self.recording.machine("orders", ["Exception", "Start", "Ready", "Paid"])
        source = SourceFact("gateway", 2)
        self.gateway.add("Start")
        self.gateway.add("Request", source=SourceFact("elsewhere", 9))
        self.orders.add("Start", source=source, handlers=("StartState", "ReadyState"), queue_len=1)
        self.orders.add("Ready", source=source, arguments={"n": 1, "secret": None})
        self.orders.add("Paid", source=SourceFact("orders", 2), error=ErrorFact("ValueError", "bad\x1b[31m input"))
        self.recording.catch_up()
        self.recording.timed_handlers[self.orders.id, 1] = [
            HandlerRunRecord("StartState", 0, 12_000_000),
            HandlerRunRecord("ReadyState", 0, 4_000),
        ]
        self.session = Session(self.recording, live=False)
        self.now = START_NS
        self.model = ReaderModel(self.session, lambda: self.now)

    def at(self, number: int) -> Story:
        self.session.select_machine(self.orders.id)
        self.session.go_to_number(number)
        return self

    def waits(self, *waits: WaitRecord) -> Story:
        self.recording.wait_records[self.orders.id] = list(waits)
        return self

    def rows(self) -> tuple[ReaderRow, ...]:
        return self.model.rows(200)

    def section(self, name: str) -> list[ReaderRow]:
        found, inside = [], False
        for row in self.rows():
            if row.section or row.key.startswith("missing"):
                inside = row.section == name
            elif inside:
                found.append(row)
        return found

    def texts(self, name: str) -> list[str]:
        return [line_text(row.line).strip() for row in self.section(name)]


@pytest.fixture
def story() -> Story:
    return Story()


def wait(ident: int, kind: str, *states: str, opened: int = 1, closed: int | None = None, **more: object) -> WaitRecord:
    values = {key: more.pop(key) for key in ("ticks", "text", "peer", "peer_state", "mutation") if key in more}
    fact = WaitFact(kind, states, **values)  # type: ignore[arg-type]  # fields of the fact
    begun = START_NS + opened * 10_000_000
    ended = None if closed is None else begun + 3 * SECOND
    reason = more.pop("reason", "match" if closed is not None else "")
    return WaitRecord(ident, fact, opened, begun, closed, ended, str(reason), **more)  # type: ignore[arg-type]  # the origin


def test_the_source_leads_to_the_transition_of_the_other_machine(story: Story) -> None:
    (row,) = story.at(1).section("Source")
    assert line_text(row.line).strip().startswith("gateway #2 add Request 10 ms before")
    assert row.target == GoToTransition(story.gateway.id, 2)
    story.session.follow(row.target)
    assert (story.session.machine_id, story.session.number) == (story.gateway.id, 2)
    story.session.go_back()
    assert (story.session.machine_id, story.session.number) == (story.orders.id, 1)


def test_the_trace_goes_on_to_the_first_cause_and_says_where_the_recording_ends(story: Story) -> None:
    assert [text.split(" 1", 1)[0] for text in story.at(3).texts("State trace")] == [
        "1 orders #2 add Ready",
        "2 gateway #2 add Request",
        "3 elsewhere unknown from here on",
    ]
    assert story.at(2).texts("Source")[0].startswith("gateway #2")


def test_a_cause_in_no_recording_is_said_to_be_elsewhere(story: Story) -> None:
    story.session.select_machine(story.gateway.id)
    story.session.go_to_number(2)
    assert story.texts("Source") == ["elsewhere is not part of this recording"]
    story.session.go_to_number(1)
    assert story.texts("Source") == ["outside of handlers: the program itself"]


def test_what_a_transition_led_to_and_its_siblings_are_listed(story: Story) -> None:
    story.session.select_machine(story.gateway.id)
    story.session.go_to_number(2)
    assert story.texts("Forked") == ["orders #1 add Start", "orders #2 add Ready"]
    assert story.at(1).texts("Siblings") == ["#2 add Ready"]
    assert [row.target for row in story.section("Siblings")] == [GoToTransition(story.orders.id, 2)]
    assert story.texts("Forked") == []


def test_handlers_are_told_with_their_durations(story: Story) -> None:
    assert story.at(1).texts("Executed") == ["StartState 12 ms", "ReadyState 4.0 µs"]
    story.session.select_state("Ready")
    marked = [span.text for row in story.section("Executed") for span in row.line if span.role is Role.HIGHLIGHT]
    assert marked == ["ReadyState"]


def test_the_queue_is_what_was_executed_next(story: Story) -> None:
    assert story.at(1).texts("Queue") == ["1 waiting at its start · queue tick 1", "then #2 add Ready"]
    assert story.at(2).texts("Queue") == []


def test_arguments_and_errors_are_shown_as_harmless_text(story: Story) -> None:
    assert story.at(2).texts("Arguments") == ["n = 1", "secret = value not told"]
    assert story.at(3).texts("Error") == ["✕ ValueError: bad␛[31m input"]


def test_waits_are_those_of_the_moment_with_their_age(story: Story) -> None:
    story.waits(
        wait(1, "when", "Ready", "Paid", opened=1, closed=3, text="Ready Paid"),
        wait(2, "whenTime", "Paid", opened=2, ticks=(9,), origin=WaitOrigin("gateway", 2, "RequestState")),
        wait(3, "whenArgs", "Paid", opened=3, text="Paid (n)"),
        wait(4, "whenQuery", opened=2, closed=2, text="1", reason="canceled"),
    )
    assert [text.split(" since")[0].rsplit(" ", 2)[0] for text in story.at(1).texts("Waits")] == ["when Ready Paid"]
    assert [row.key for row in story.at(2).section("Waits")] == ["Waits:1", "Waits:2"]
    assert story.texts("Ended here") == ["✕ whenQuery 1 canceled after 3.0 s"]
    assert [row.key for row in story.at(3).section("Waits")] == ["Waits:2", "Waits:3"]
    assert story.texts("Ended here") == ["✓ when Ready Paid came true after 3.0 s"]
    (timed, with_arguments) = story.texts("Waits")
    assert timed.startswith("whenTime Paid:9 ")
    assert "since #2 by RequestState" in timed
    assert with_arguments.startswith("whenArgs Paid (n) ")
    targets = [span.target for span in story.section("Waits")[0].line if span.target is not None]
    assert targets == [SelectState("Paid"), GoToTransition(story.orders.id, 2), GoToSource("gateway", 2)]


def test_contexts_and_pipes_have_sections_of_their_own(story: Story) -> None:
    story.waits(
        wait(1, "ctx", "Ready", ticks=(1,)),
        wait(2, "pipe-out", "Ready", peer="gateway", peer_state="Start", mutation="add"),
        wait(4, "pipe-out", "Paid", peer="gateway", peer_state="Request", mutation="remove"),
        wait(6, "pipe-in", "Start", peer="lost", peer_state="Go", mutation="add"),
    )
    story.at(2)
    assert story.texts("State contexts")[0].startswith("Ready:1 ")
    assert [text.split(" since")[0] for text in story.texts("Pipes out")] == [
        "→ gateway",
        "Ready ─add→ Start",
        "Paid ─remove→ Request",
    ]
    assert story.section("Pipes out")[0].target == GoToMachine("gateway")
    assert [text.split(" since")[0] for text in story.texts("Pipes in")] == [
        "← lost not in this recording",
        "Go ─add→ Start",
    ]
    assert story.texts("Waits") == []


def test_a_pipe_to_a_machine_that_is_gone_says_so(story: Story) -> None:
    story.waits(wait(2, "pipe-out", "Ready", peer="gateway", peer_state="Start", mutation="add"))
    story.recording.end(story.gateway.id, START_NS + 1, "disposed")
    assert story.at(2).texts("Pipes out")[0] == "→ gateway ✕ disposed"


def test_at_the_end_the_present_is_shown(story: Story) -> None:
    """With what began in the transition that is still running, and ages that go on."""
    story.waits(wait(1, "when", "Paid", opened=4))
    story.recording.still_running[story.orders.id] = RunningRecord(
        story.orders.id, 4, START_NS, START_NS + SECOND, "add", ("Paid",), False, "PaidState", True
    )
    assert story.at(2).texts("Waits") == []
    assert story.texts("Running") == []
    assert len(story.at(3).section("Waits")) == 1
    assert story.texts("Running") == ["▶ add Paid for 1 s in PaidState beyond its limit"]
    story.session.toggle_tail()
    story.now = START_NS + 100 * SECOND
    assert " 1 m 39 s since #4" in story.texts("Waits")[0]
    story.now += 3 * SECOND
    assert " 1 m 42 s since #4" in story.texts("Waits")[0]


def test_sections_fold_and_stay_folded(story: Story) -> None:
    story.at(1).session.toggle_section("Executed")
    assert story.section("Executed") == []
    assert any(line_text(row.line) == "▸ Executed (2)" for row in story.rows())
    story.at(2).at(1)
    assert story.section("Executed") == []
    story.session.toggle_sections(SECTIONS)
    assert not [row for row in story.rows() if row.key.count(":") and not row.section and "missing" not in row.key]
    story.session.toggle_sections(SECTIONS)
    assert story.section("Executed")


def test_what_is_missing_is_said_in_as_many_rows_as_it_takes(story: Story) -> None:
    story.at(1)
    wide, narrow = story.model.rows(400), story.model.rows(30)
    assert line_text(wide[-1].line).startswith("none here: running, error, ")
    assert len(narrow) > len(wide)
    assert all(len(line_text(row.line)) <= 30 for row in narrow if row.key.startswith("missing"))


def test_the_selected_state_is_marked_wherever_it_occurs(story: Story) -> None:
    story.waits(wait(1, "when", "Ready", "Paid"), wait(2, "ctx", "Ready", ticks=(1,)))
    story.at(2).session.select_state("Ready")
    marked = [span.text.strip() for row in story.rows() for span in row.line if span.role is Role.HIGHLIGHT]
    assert marked == ["Ready", "Ready"]
    assert {row.state for row in story.section("Waits")} == {"Ready"}


@given(
    st.sampled_from(["when", "whenTime", "whenArgs", "whenQuery", "ctx", "pipe-in", "pipe-out", "\x1b[2J"]),
    st.lists(st.text(max_size=12), max_size=3),
    st.lists(st.integers(0, 9), max_size=3),
    st.text(max_size=20),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_programs_call_things_is_shown_as_text_on_one_line(
    kind: str, states: list[str], ticks: list[int], text: str, over: bool
) -> None:
    story = Story()
    fact = WaitFact(kind, tuple(states), tuple(ticks), text, text, text, text)
    closed = (2, START_NS, text) if over else (None, None, "")
    record = WaitRecord(1, fact, 1, START_NS, *closed, origin=WaitOrigin(text, 1, text))
    rows = story.waits(record).at(2).rows()
    places = ("Waits", "State contexts", "Ended here", "Pipes out", "Pipes in")
    assert len([row for row in rows if row.key in [f"{place}:1" for place in places]]) == 1
    for row in rows:
        shown = line_text(row.line)
        assert shown == clean(shown)
        assert width(shown) >= 0


def test_nothing_is_shown_before_there_is_a_machine() -> None:
    session = Session(MemoryRecording(), live=False)
    assert ReaderModel(session, lambda: 0).rows() == ()


def test_less_than_nothing_counts_as_nothing() -> None:
    assert [lasting(ns) for ns in (-5, 500, 42 * SECOND)] == ["0 ns", "500 ns", "42 s"]
