"""The row of steps below the timeline."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.viewmodels import step_strip
from am_dbg.viewmodels.spans import line_width
from am_telemetry.facts import StepFact, StepKind
from tests.support.memory_recording import MemoryRecording

KINDS: tuple[StepKind, ...] = ("called", "activate", "deactivate", "deactivate-passive", "rel", "handler", "cancel")


def stepping(kinds: list[StepKind], done: int = 0) -> Session:
    recording = MemoryRecording()
    machine = recording.machine("m", ["A", "B"])
    machine.add("A", steps=[StepFact(kind, target=0) for kind in kinds])
    session = Session(recording, live=False)
    session.first()
    if done:
        session.go_to_step(1, done)
    return session


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=200), st.integers(30, 120), st.data())
@settings(max_examples=60, deadline=None)
def test_cells_and_steps_map_to_each_other_exactly(kinds: list[StepKind], width: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, len(kinds)))
    model = step_strip.build(stepping(kinds, done), width)
    assert model.done == done
    head = line_width(model.head)
    assert [model.step_of(head + cell) for cell in range(len(model.signs))][-1] == len(kinds)
    assert model.step_of(0) == 0
    assert model.step_of(10_000) == len(kinds)
    for cell in range(len(model.signs)):
        assert model.cell_of(model.step_of(head + cell)) == cell
    for step in range(1, len(kinds) + 1):
        cell = model.cell_of(step)
        assert cell is not None
        assert model.step_of(head + cell) >= step
        assert cell == 0 or model.step_of(head + cell - 1) < step
    assert line_width(model.line(width)) <= width


def test_every_kind_of_step_has_its_sign_and_a_cancellation_is_never_hidden() -> None:
    assert step_strip.build(stepping(list(KINDS)), 80).signs == "c+−−·*✕"
    assert "✕" in step_strip.build(stepping(["rel"] * 500 + ["cancel"] + ["rel"] * 500), 60).signs


def test_without_steps_or_a_later_transition_that_is_said() -> None:
    session = stepping([])
    assert "none recorded" in "".join(span.text for span in step_strip.build(session, 80).line(80))
    session.last()
    assert "no later transition" in "".join(span.text for span in step_strip.build(session, 80).line(80))
