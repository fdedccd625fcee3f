"""Inside a transition the log lists the steps so far, and the lines above the strip tell about the last one."""

from __future__ import annotations

from am_dbg.session import Session
from am_dbg.session.targets import GoToStep
from am_dbg.viewmodels import log, transition_line
from am_dbg.viewmodels.spans import Line, line_text, line_width
from am_telemetry.facts import LogFact, StepFact
from tests.support.memory_recording import MemoryRecording
from tests.support.sample_recordings import shop


def opened(number: int, step: int) -> Session:
    """Orders; #2 was refused in four steps."""
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_step(number, step)
    return session


def long_transition(steps: int) -> Session:
    recording = MemoryRecording()
    machine = recording.machine("m", ["Exception", "A"])
    machine.add("A", steps=[StepFact("called", target=1)] * steps, logs=[LogFact(2, "[state] +A")])
    machine.remove("A")
    return Session(recording, live=False)


def followed(session: Session, height: int) -> list[str]:
    model = log.LogModel(session)
    model.follow(height)
    return [line_text(row.line) for row in model.rows(height) if row.current]


def test_the_log_lists_the_steps_below_the_transition_they_lead_to() -> None:
    session = opened(2, 3)
    model = log.LogModel(session)
    model.follow(9)
    shown = [row for row in model.rows(9) if row.current]
    assert {row.number for row in shown} == {2}
    assert [line_text(row.line) for row in shown][-4:] == [
        "✕›[cancel] add Ready · Require Connected is not active",
        "    1 Ready is asked for",
        "    2 Ready requires Connected: missing",
        "  › 3 Ready stays inactive",
    ]
    targets = [{span.target for span in row.line if span.target} for row in shown[-3:]]
    assert targets == [{GoToStep(2, 1)}, {GoToStep(2, 2)}, {GoToStep(2, 3)}]


def test_lines_of_steps_vanish_when_the_steps_are_left() -> None:
    session = opened(2, 3)
    model = log.LogModel(session)
    model.follow(9)
    session.leave_steps()
    model.follow(9)
    assert not [row for row in model.rows(30) if "stays inactive" in line_text(row.line)]


def test_of_many_steps_the_last_ones_are_listed() -> None:
    session = long_transition(30)
    session.go_to_step(1, 20)
    shown = followed(session, 20)
    assert shown[-9] == "    … 12 steps before"
    assert shown[-1].startswith("  › 20 ")


def test_in_a_low_window_the_newest_step_is_in_view() -> None:
    session = long_transition(30)
    session.go_to_step(1, 20)
    assert followed(session, 4)[-1].startswith("  › 20 ")


def text(line: Line) -> str:
    return " ".join(line_text(line).split())


def test_the_line_tells_the_step_and_what_is_going_to_change() -> None:
    assert text(transition_line.current(opened(2, 2), 120)) == (
        "‖ Paused step 2/4 of #2 relations Ready requires Connected: missing +0 −0 so far"
    )
    assert text(transition_line.next_(opened(2, 2), 120)).startswith("into #2 +0t add Ready ✕ canceled")


def test_the_last_step_tells_what_became_of_the_transition() -> None:
    assert "canceled: Require Connected is not active" in text(transition_line.current(opened(2, 4), 160))
    session = long_transition(1)
    session.go_to_step(1, 1)
    assert text(transition_line.current(session, 120)) == (
        "‖ Paused step 1/1 of #1 request A is asked for accepted: +1"
    )


def test_the_line_keeps_the_step_at_any_width() -> None:
    for width in range(20, 140):
        line = transition_line.current(opened(2, 3), width)
        assert line_width(line) <= width
        assert width < 24 or "step 3/4" in line_text(line)
