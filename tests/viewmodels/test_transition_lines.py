"""The current and the next transition on one line, with what matters most when there is little room."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Mode, Session
from am_dbg.session.targets import GoToTransition
from am_dbg.viewmodels import transition_line
from am_dbg.viewmodels.describe import cancel_reason
from am_dbg.viewmodels.spans import Role, line_text, line_width
from am_telemetry.facts import ErrorFact, Flag, PatternFact, SchemaFact, StateFact, StepFact
from am_telemetry.store.records import PatternRecord
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import recordings
from tests.support.sample_recordings import shop


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    def local(at_ns: int, tz: object = None) -> str:
        return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%H:%M:%S}.{at_ns % 10**9:09d}"

    monkeypatch.setattr(transition_line, "time_of_day", local)


def opened(number: int) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_number(number)
    return session


def test_the_current_line_tells_all_there_is_to_know() -> None:
    shown = line_text(transition_line.current(opened(4), 110))
    assert shown == (
        "‖ Paused  #4/9 (4/7 visible)  +2t  add Loading  +1 −1 ~2" + " " * 28 + "22:13:20.100000000  0.3 ms"
    )


def test_the_reason_of_a_refusal_is_given() -> None:
    assert "✕ canceled: Require Connected is not active" in line_text(transition_line.current(opened(2), 120))
    assert "✕ canceled by ReadyToGoEnter" in line_text(transition_line.next_(opened(5), 120))


def test_with_little_room_the_most_important_parts_remain() -> None:
    assert line_text(transition_line.current(opened(2), 40)) == "‖  #2/9  add Ready  ✕ canceled"
    assert line_text(transition_line.current(opened(4), 20)).startswith("‖  #4/9  add Loading")
    assert line_text(transition_line.current(opened(4), 5)) == "#4/9"


def test_errors_are_shown_harmlessly() -> None:
    assert "! ValueError: bad␛[31m input" in line_text(transition_line.current(opened(8), 140))


def test_the_cause_is_named() -> None:
    assert "← gateway #2" in line_text(transition_line.current(opened(1), 140))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_long_error_is_cut_and_never_left_out(width: int) -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", "Exception"])
    trace = 'Traceback …\n  File "lib/run.py", line 3, in call\n  File "app/shop.py", line 41, in pay\nValueError'
    machine.add("Exception", error=ErrorFact("ValueError", "no money " * 99, trace))
    session = Session(recording, live=False)
    session.last()
    shown = line_text(transition_line.current(session, width))
    assert "! ValueError: no money" in shown
    assert "…" in shown
    assert ("at shop.py:41" in shown) == (width >= 80)
    assert line_width(transition_line.current(session, width)) <= width


def test_the_cause_is_more_important_than_nanoseconds() -> None:
    shown = line_text(transition_line.current(opened(1), 70))
    assert "← gateway #2" in shown
    assert "22:13:20" in line_text(transition_line.current(opened(1), 80))


@pytest.mark.parametrize(("mode", "word"), [(Mode.PAUSED, "Paused"), (Mode.TAIL, "Tail"), (Mode.PLAYING, "Playing")])
def test_the_mode_is_named(mode: Mode, word: str) -> None:
    session = opened(2)
    session.set_mode(mode)
    assert word in line_text(transition_line.current(session, 100))


def test_cursor_zero_and_a_machine_without_transitions_are_explained() -> None:
    assert "initial structure" in line_text(transition_line.current(opened(0), 100))
    session = opened(0)
    session.select_machine(4)
    assert "no transitions yet" in line_text(transition_line.current(session, 100))
    assert transition_line.next_(session, 100) == ()


def test_the_next_line_leads_to_its_transition_and_skips_hidden_ones() -> None:
    line = transition_line.next_(opened(5), 100)
    assert GoToTransition(2, 7) in {span.target for span in line}
    assert line_text(transition_line.next_(opened(8), 100)) == "next no later transition"


def test_waiting_for_the_tail_is_said() -> None:
    session = opened(8)
    session.set_mode(Mode.TAIL)
    assert line_text(transition_line.next_(session, 100)) == "next waiting for the next transition"


@settings(max_examples=60)
@given(recording=recordings(machines=1), width=st.integers(0, 160), data=st.data())
def test_lines_fit_any_width(recording: MemoryRecording, width: int, data: st.DataObject) -> None:
    session = Session(recording, live=False)
    session.go_to_number(data.draw(st.integers(0, session.count)))
    assert line_width(transition_line.current(session, width)) <= width
    assert line_width(transition_line.next_(session, width)) <= width


SCHEMA = SchemaFact(tuple(StateFact(name) for name in "ABC"))


def reason(canceled_by: str, *steps: StepFact, handlers: tuple[str, ...] = (), accepted: bool = False) -> str:
    fact = PatternFact("add", (0,), Flag(accepted), steps=steps, handlers=handlers, canceled_by=canceled_by)
    return cancel_reason(PatternRecord(1, SCHEMA, fact))


class TestReasons:
    def test_a_missing_requirement_is_named(self) -> None:
        assert (
            reason(
                "relations",
                StepFact("rel", 0, 2, "require"),
                StepFact("rel", 0, 1, "require"),
                StepFact("deactivate-passive", source=0),
                StepFact("cancel", target=1),
            )
            == "Require B is not active"
        )

    def test_a_blocking_state_is_named(self) -> None:
        assert reason("relations", StepFact("rel", 1, 0, "remove"), StepFact("cancel", target=0)) == "Removed by B"

    def test_handlers_timeouts_and_failures_are_told_apart(self) -> None:
        assert reason("AEnter") == "canceled by AEnter"
        assert reason("timeout", handlers=("AEnter",)) == "a handler took too long: AEnter"
        assert reason("recover", handlers=("AState",)) == "a handler failed: AState"

    def test_without_steps_the_relations_are_blamed_or_nothing_is_said(self) -> None:
        assert reason("relations") == "refused by relations"
        assert reason("") == ""
        assert reason("AEnter", accepted=True) == ""


def test_canceled_transitions_have_a_sign_beside_their_colour() -> None:
    span = next(s for s in transition_line.current(opened(2), 120) if s.text.startswith("✕"))
    assert (span.role, span.bold) == (Role.CANCELED, True)
