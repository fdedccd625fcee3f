"""Inside a transition the schema tree shows what the steps so far have done, with signs and with lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.viewmodels import connectors, steps, tree, tree_steps
from am_dbg.viewmodels.connectors import Connection
from am_dbg.viewmodels.spans import line_text, line_width
from am_telemetry.facts import Flag, PatternFact, StateFact, StepFact
from tests.support.engine_recordings import engine_recordings
from tests.support.memory_recording import MemoryRecording

START, BUSY, READY, JOBS, LATE = 1, 2, 3, 4, 5


def recording() -> MemoryRecording:
    """#2 removes Busy and enters Jobs again; #3 is refused by a handler, #4 by a missing requirement."""
    recording = MemoryRecording()
    machine = recording.machine(
        "m",
        [
            StateFact("Exception", multi=True),
            StateFact("Start"),
            StateFact("Busy"),
            StateFact("Ready", auto=True, require=("Start",), remove=("Busy",)),
            StateFact("Jobs", multi=True, require=("Start",)),
            StateFact("Late", require=("Exception",)),
        ],
    )
    machine.add("Start", "Busy", "Jobs")
    machine.add(
        "Ready", "Jobs",
        also_remove=("Busy",),
        handlers=("ReadyEnter", "ReadyState", "JobsState"),
        steps=[
            StepFact("called", target=READY),
            StepFact("called", target=JOBS),
            StepFact("activate", target=READY),
            StepFact("rel", READY, START, "require"),
            StepFact("rel", READY, BUSY, "remove"),
            StepFact("deactivate", target=BUSY),
            StepFact("handler", target=READY, is_enter=True),
            StepFact("handler", target=READY, is_enter=True, is_final=True),
            StepFact("handler", target=JOBS, is_enter=True, is_final=True),
        ],
    )  # fmt: skip
    machine.remove(
        "Jobs",
        accepted=False,
        canceled_by="JobsExit",
        handlers=("JobsExit",),
        steps=[
            StepFact("called", target=JOBS),
            StepFact("deactivate", target=JOBS),
            StepFact("handler", source=JOBS),
        ],
    )
    machine.add(
        "Late",
        accepted=False,
        canceled_by="relations",
        steps=[
            StepFact("called", target=LATE),
            StepFact("activate", target=LATE),
            StepFact("rel", LATE, 0, "require"),
            StepFact("deactivate-passive", source=LATE),
            StepFact("cancel", target=0),
        ],
    )
    recording.catch_up()
    return recording


def at(number: int, step: int, *, first: bool = True) -> Session:
    session = Session(recording(), live=False)
    session.touched_first = first
    session.go_to_step(number, step)
    return session


def rows(session: Session, width: int = 44) -> list[str]:
    return [line_text(row.line).rstrip() for row in tree.rows(session, 0, 99, width)]


def test_the_first_step_shows_who_takes_part_and_changes_nothing_yet() -> None:
    assert rows(at(2, 1)) == [
        "   ● Start                             1",
        "   ● Busy                              1",
        "›▾ ○ Ready     A                       0",
        "       Require ● Start",
        "       Remove  ● Busy",
        " ▸ ● Jobs       M                      1",
        " ▸ ○ Exception  M                      0",
        " ▸ ○ Late                              0",
    ]


def test_relations_are_connected_with_the_states_they_name() -> None:
    assert rows(at(2, 6))[:6] == [
        "   ● Start                             1 ◂╮",
        "›  ● Busy         −                    1 ◂┼╮",
        " ▾ ○ Ready     A  +                    0  ││",
        "       Require ● Start                   ─╯│",
        "       Remove  ● Busy                    ──╯",
        " ▸ ● Jobs       M                      1",
    ]


def test_ticks_change_before_the_first_handler_that_cannot_object() -> None:
    assert "0" in rows(at(2, 7))[2]
    done = rows(at(2, 8))
    assert done[2].startswith("›▾ ● Ready     A  +*2 ")
    assert done[1].startswith("   ○ Busy         −")
    assert done[5].startswith(" ▸ ● Jobs       M ~")
    assert " 3" in done[5]


def test_the_last_step_shows_the_state_after() -> None:
    session = at(2, 9)
    inside, timeline = session.inside, session.timeline
    assert inside is not None
    assert timeline is not None
    after = rows(session)
    session.next_step()
    assert session.number == 2
    for state in timeline.schema.names:
        was, now = (next(row for row in shown if f" {state} " in row) for shown in (after, rows(session)))
        assert ("●" in was) == ("●" in now)


def test_behind_a_hole_the_tree_shows_what_must_have_been() -> None:
    made = MemoryRecording()
    machine = made.machine("m", ["A", "B"])
    machine.add("A")
    machine.lose(1)
    steps_done = (StepFact("called", target=1), StepFact("deactivate", target=1))
    machine.record(PatternFact("remove", (1,), Flag.ACCEPTED, ((1, 1),), removed=(1,), steps=steps_done))
    session = Session(made, live=False)
    session.go_to_step(2, 1)
    assert "● B" in rows(session)[0]
    session.go_to_step(2, 2)
    assert "○ B    −" in rows(session)[0]


def test_a_refusal_by_a_handler_is_marked() -> None:
    assert rows(at(3, 2))[0] == "›▸ ● Jobs       M −                        3"
    assert rows(at(3, 3))[0] == "›▸ ● Jobs       M ✕* !                     3"


def test_a_state_that_does_not_come_in_and_the_one_it_misses_are_marked() -> None:
    assert rows(at(4, 2))[1].startswith("›▾ ○ Late         + ")
    assert rows(at(4, 5))[:3] == [
        "›▸ ○ Exception  M    !                  0 ◂╮",
        " ▾ ○ Late         ✕  !                  0  │",
        "       Require ○ Exception                ─╯",
    ]


def test_states_keep_their_place_when_that_is_wanted() -> None:
    owners = [node.owner for node in tree.nodes(at(2, 3, first=False)) if node.kind == "state"]
    assert owners == sorted(owners)
    assert [node.state for node in tree.nodes(at(4, 1)) if node.kind == "state"][:2] == ["Exception", "Late"]


def test_what_was_opened_by_hand_stays_open_in_full() -> None:
    session = at(2, 1)
    session.toggle_node("Ready")
    session.toggle_node("Late")
    kinds = [(node.owner, node.kind) for node in tree.nodes(session)]
    assert (READY, "properties") in kinds
    assert (LATE, "reference") in kinds


def test_the_title_tells_the_step() -> None:
    assert line_text(tree.title(at(2, 6))) == "Schema 6 · step 6/9"
    assert line_text(tree.title(at(2, 6), with_queue=False)) == "Schema 6 6/9"


@pytest.mark.parametrize(
    ("step", "expected"), [(1, ["Ready"]), (4, ["Start"]), (5, ["Busy"]), (6, ["Busy"]), (9, ["Jobs"])]
)
def test_the_rows_of_the_last_step_are_those_to_look_at(step: int, expected: list[str]) -> None:
    session = at(2, step)
    nodes = tree.nodes(session)
    assert [nodes[row].state for row in tree.changed_rows(session, nodes)] == expected


def test_between_transitions_the_rows_to_look_at_are_what_changed_or_was_called() -> None:
    session = Session(recording(), live=False)

    def looked_at(number: int) -> list[str]:
        session.go_to_number(number)
        nodes = tree.nodes(session)
        return [nodes[row].state for row in tree.changed_rows(session, nodes)]

    assert looked_at(0) == []
    assert looked_at(2) == ["Busy", "Ready", "Jobs"]
    assert looked_at(4) == ["Late"]
    session.select_state("Start")
    assert looked_at(2) == ["Start"]
    assert tree.changed_rows(Session(MemoryRecording()), ()) == []


# -- lines beside a list -------------------------------------------------------------------------------------------


def drawn(*pairs: tuple[int, int], most: int = 8, height: int = 4, width: int = 5) -> list[str]:
    connections = [Connection(start, end) for start, end in pairs]
    placed = connectors.columns(connections, most)
    return [line_text(line) for line in connectors.beside(connections, placed, range(height), width)]


def test_a_line_leads_from_its_start_to_the_arrowhead() -> None:
    assert drawn((0, 2)) == ["─╮   ", " │   ", "◂╯   ", "     "]
    assert drawn((2, 0)) == ["◂╮   ", " │   ", "─╯   ", "     "]


def test_lines_that_meet_cross() -> None:
    assert drawn((0, 2), (1, 3)) == ["─╮   ", "─┼╮  ", "◂╯│  ", "◂─╯  "]
    assert drawn((0, 3), (1, 3)) == ["─╮   ", "─┼╮  ", " ││  ", "◂┴╯  "]


def test_lines_below_each_other_share_a_column() -> None:
    assert drawn((0, 1), (2, 3)) == ["─╮   ", "◂╯   ", "─╮   ", "◂╯   "]


def test_lines_without_room_are_left_out() -> None:
    assert connectors.columns([Connection(0, 3), Connection(1, 2), Connection(0, 1)], 2) == [0, 1, None]
    assert drawn((0, 3), (1, 2), most=1) == ["─╮   ", " │   ", " │   ", "◂╯   "]
    assert drawn((0, 3), width=1) == [" ", " ", " ", " "]


def test_lines_that_are_not_drawn_yet_keep_their_place() -> None:
    connections = [Connection(0, 3, drawn=False), Connection(1, 2)]
    placed = connectors.columns(connections, 8)
    assert [line_text(line) for line in connectors.beside(connections, placed, range(4), 4)] == [
        "    ", "──╮ ", "◂─╯ ", "    ",
    ]  # fmt: skip


pairs = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1])


@settings(max_examples=80, deadline=None)
@given(st.lists(pairs, max_size=8), st.integers(0, 6))
def test_lines_in_one_column_never_touch(ends: list[tuple[int, int]], most: int) -> None:
    placed = connectors.columns([Connection(*pair) for pair in ends], most)
    spans = [(column, *sorted(pair)) for column, pair in zip(placed, ends, strict=True) if column is not None]
    for place, (column, top, bottom) in enumerate(spans):
        assert 0 <= column < most
        for other, above, below in spans[:place]:
            assert other != column or below < top or bottom < above


@settings(max_examples=40, deadline=None)
@given(engine_recordings(), st.integers(24, 90), st.data())
def test_the_tree_tells_the_same_as_the_table_at_every_step(
    made: MemoryRecording, width: int, data: st.DataObject
) -> None:
    session = Session(made, live=False)
    session.clear_filters()
    number = data.draw(st.integers(1, session.count))
    timeline = session.timeline
    assert timeline is not None
    before = set(timeline.active_states(number - 1))
    for row in steps.table(timeline, number):
        session.go_to_step(number, row.number)
        decorations = tree_steps.of(session)
        assert decorations is not None
        earlier = number if decorations.inside.committed else number - 1
        for state in range(len(timeline.schema.names)):
            assert decorations.is_active(state) == timeline.is_active(state, earlier)
            assert decorations.tick(state) == timeline.tick(state, earlier)
            sign, _ = decorations.sign(state)
            if not decorations.inside.committed:
                assert (sign == "+") == (state in row.intended - before)
                assert (sign == "−") == (state in before - row.intended)
        shown = tree.rows(session, 0, 99, width)
        assert {line_width(each.line) for each in shown} == {width}
        known = tree.nodes(session)
        assert [
            each for first in range(0, len(shown), 3) for each in tree.rows(session, first, 3, width, known)
        ] == shown
    after = tree_steps.of(session)
    assert after is not None
    assert [after.is_active(s) for s in range(len(timeline.schema.names))] == [
        timeline.is_active(s, number) for s in range(len(timeline.schema.names))
    ]
    assert [after.tick(s) for s in range(len(timeline.schema.names))] == list(timeline.clock(number))
