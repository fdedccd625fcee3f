"""The matrix adds up the steps of a transition by the states they went from and to."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.viewmodels import matrix, matrix_lines
from am_dbg.viewmodels.spans import line_text, line_width
from am_telemetry.facts import ANY_STATE, NO_STATE, Relation, StateFact, StepFact, StepKind
from tests.support.memory_recording import MemoryRecording
from tests.support.sample_recordings import shop

SIDES = st.integers(-2, 5)
STEPS = st.lists(
    st.builds(StepFact, st.sampled_from(get_args(StepKind)), SIDES, SIDES, st.sampled_from(get_args(Relation))),
    max_size=30,
)


def opened(number: int) -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.clear_filters()
    session.go_to_number(number)
    return session


def with_steps(steps: list[StepFact], names: tuple[str, ...] = ("Exception", "A", "B", "C", "D", "E")) -> Session:
    recording = MemoryRecording()
    recording.machine("m", names).add(names[1], steps=steps)
    session = Session(recording, live=False)
    session.clear_filters()
    session.go_to_number(1)
    return session


def built(session: Session) -> matrix.Matrix:
    found = matrix.build(session)
    assert found is not None
    return found


def drawn(session: Session, width: int, height: int = 30, first: int = 0) -> list[str]:
    model = built(session)
    shape = matrix_lines.frame(model, first, width, height)
    lines = matrix_lines.header(session, model, shape, width)
    lines += [*matrix_lines.rows(session, model, shape, 0, 99), matrix_lines.sums(model, shape)]
    assert all(line_width(line) <= width for line in lines)
    return [line_text(line).rstrip() for line in lines]


def test_there_is_no_matrix_before_the_first_transition() -> None:
    assert matrix.build(opened(0)) is None


def test_a_refused_mutation_with_all_its_steps() -> None:
    assert drawn(opened(2), 100) == [
        " target ↓  source → now ticks Connected Ready   sum",
        " Connected           ○        ✕ 64      R 1      65",
        " Ready               ○        ·         cd 48    48",
        " sum                          64        49      113",
    ]


def test_states_before_and_after_and_the_ticks_they_gained() -> None:
    found = built(opened(4))
    assert [(e.name, e.called, e.before, e.after, e.delta) for e in found.entries] == [
        ("Ready", False, True, False, 1), ("Loading", True, False, True, 1),
    ]  # fmt: skip
    assert found.hidden == 4
    assert [(e.name, e.before, e.after, e.delta) for e in built(opened(5)).entries] == [("Loading", True, True, 2)]


def test_all_states_are_shown_when_asked_for() -> None:
    session = opened(4)
    session.toggle_untouched()
    found = built(session)
    assert [entry.state for entry in found.entries] == list(range(6))
    assert found.hidden == 0


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, untouched=st.booleans())
def test_rows_columns_and_cells_have_the_same_sum_as_the_steps(steps: list[StepFact], untouched: bool) -> None:
    session = with_steps(steps)
    session.untouched = untouched
    found = built(session)
    total = sum(matrix.NUMBERS[step.kind] for step in steps)
    states = [entry.state for entry in found.entries]
    assert found.total == total
    assert sum(map(found.row_sum, states)) == sum(map(found.column_sum, states)) == total
    assert sum(count for cell in found.cells.values() for count in cell.kinds.values()) == found.steps == len(steps)
    assert len(set(states)) == len(states)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, width=st.integers(34, 160), height=st.integers(3, 50), first=st.integers(0, 9))
def test_every_row_is_named_and_the_lines_fit(steps: list[StepFact], width: int, height: int, first: int) -> None:
    session = with_steps(steps)
    session.select_state("A")
    text = drawn(session, width, height, first)
    for entry in built(session).entries:
        assert any(entry.name in line for line in text)


def test_steps_with_one_side_stand_on_the_diagonal_and_others_where_they_belong() -> None:
    session = with_steps([
        StepFact("called", NO_STATE, 1),
        StepFact("deactivate-passive", 2, NO_STATE),
        StepFact("rel", 1, 2, "require"),
        StepFact("handler", ANY_STATE, 1),
        StepFact("cancel"),
        StepFact("handler", NO_STATE, 1),
        StepFact("handler", NO_STATE, 1),
    ])  # fmt: skip
    cells = built(session).cells
    assert {place: (cell.value, cell.signs) for place, cell in cells.items()} == {
        (1, 1): (32 + 2 + 2, "ch2"),
        (2, 2): (16, "d"),
        (2, 1): (1, "R"),
        (1, ANY_STATE): (2, "h"),
        (NO_STATE, NO_STATE): (64, "✕"),
    }


def test_the_names_of_the_columns_find_room_at_any_width() -> None:
    names = ("Exception", "Connecting", "Connected", "Disconnecting", "Disconnected", "Heartbeat")
    session = with_steps([StepFact("rel", place, (place + 1) % 6, "add") for place in range(6)], names)

    def naming(width: int, height: int) -> str:
        return matrix_lines.frame(built(session), 0, width, height).naming

    assert [naming(120, 30), naming(64, 30), naming(64, 12), naming(34, 30)] == [
        "names", "stair", "numbers", "numbers",
    ]  # fmt: skip
    stair = drawn(session, 64, 30)
    assert [line.split()[-1] for line in stair[:6]] == list(names)
    assert [line.index(name) for line, name in zip(stair, names, strict=False)] == sorted(
        line.index(name) for line, name in zip(stair, names, strict=False)
    )
    numbers = drawn(session, 64, 12)
    assert numbers[0].split()[-3:] == ["5", "6", "sum"]
    assert [line.split()[0] for line in numbers[1:-1]] == list("123456")


def test_five_hundred_states_scroll_sideways() -> None:
    session = with_steps([StepFact("rel", 499, 3, "after")], (*tuple(f"State{n:03}" for n in range(498)), "A", "Z"))
    assert len(built(session).entries) == 3
    session.toggle_untouched()
    model = built(session)
    shape = matrix_lines.frame(model, 9_999, 80, 30)
    assert shape.naming == "numbers"
    assert shape.first + len(shape.widths) == shape.total == 500
    row = matrix_lines.rows(session, model, shape, 3, 1)[0]
    assert line_width(row) <= 80
    assert "F" in line_text(row)
    assert shape.column_at(shape.left) == shape.first
    assert shape.column_at(0) is None


def test_the_legend_explains_every_sign_with_its_number() -> None:
    for width in (40, 80, 160):
        lines = matrix_lines.legend(width)
        assert all(line_width(line) <= width for line in lines)
        text = " ".join(line_text(line) for line in lines)
        for sign, number in (("c", 32), ("+", 4), ("−", 8), ("d", 16), ("h", 2), ("✕", 64), ("R", 1), ("F", 1)):
            assert f"{sign} " in text
            assert f" {number}" in text


@pytest.mark.parametrize("relation", ["require", "add", "remove", "after"])
def test_relations_have_signs_of_their_own(relation: Relation) -> None:
    cell = built(with_steps([StepFact("rel", 1, 2, relation)])).cells[2, 1]
    assert (cell.signs, cell.value) == (matrix.SIGNS[relation], 1)


def test_a_revised_schema_does_not_move_steps_to_other_states() -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", [StateFact("B"), StateFact("A")])
    machine.add("A", steps=[StepFact("called", NO_STATE, 1)])
    session = Session(recording, live=False)
    session.go_to_number(1)
    timeline = recording.timeline(1)
    timeline.revise(type(timeline.schema)((StateFact("New"), StateFact("B"), StateFact("A"))))
    assert [(entry.name, entry.called) for entry in built(session).entries] == [("A", True)]


def test_inside_a_transition_only_the_steps_that_have_been_done_count() -> None:
    session = with_steps([
        StepFact("called", NO_STATE, 1),
        StepFact("activate", NO_STATE, 1),
        StepFact("rel", 2, 1, "after"),
        StepFact("handler", NO_STATE, 1, is_final=True, is_enter=True),
    ])  # fmt: skip
    session.first()
    assert matrix.build(session) is None
    seen = []
    for _ in range(4):
        session.next_step()
        found = built(session)
        own = found.entries[0]
        seen.append((found.total, own.before, own.after, own.delta))
        assert [entry.name for entry in found.entries] == ["A", "B"]
        assert found.steps == 4
    assert seen == [(32, False, False, 0), (36, False, False, 0), (37, False, False, 0), (39, False, True, 1)]
    assert line_text(matrix_lines.title(session)) == "Matrix #1 step 4/4"
    session.next_step()
    assert session.inside is None
    assert built(session).total == 39


@settings(max_examples=60, deadline=None)
@given(steps=STEPS.filter(bool))
def test_after_its_last_step_the_matrix_is_that_of_the_transition(steps: list[StepFact]) -> None:
    session = with_steps(steps)
    whole = built(session)
    session.first()
    for _ in steps:
        session.next_step()
    assert built(session) == whole
