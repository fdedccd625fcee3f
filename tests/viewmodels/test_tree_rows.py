"""The schema tree shows the states after the transition at the cursor, and what that transition did to them."""

from __future__ import annotations

import pytest

from am_dbg.session import Session
from am_dbg.session.targets import SelectState, ToggleNode
from am_dbg.viewmodels import tree
from am_dbg.viewmodels.spans import Role, line_text, line_width
from am_telemetry.facts import StateFact
from tests.support.memory_recording import MemoryRecording
from tests.support.sample_recordings import shop


def opened(number: int, expanded: set[str] | None = None, state: str = "") -> Session:
    session = Session(shop(), live=False)
    session.select_machine(2)
    session.go_to_number(number)
    session.expanded = expanded or set()
    session.select_state(state)
    return session


def rows(session: Session, width: int = 40) -> list[str]:
    return [line_text(row.line).rstrip() for row in tree.rows(session, 0, 99, width)]


def test_cursor_zero_shows_the_initial_structure() -> None:
    assert rows(opened(0)) == [
        " ▸ ○ Exception  M                      0",
        "   ○ Start                             0",
        " ▸ ○ Connected                         0",
        " ▸ ○ Ready     A                       0",
        " ▸ ○ Loading    M                      0",
        " ▸ ○ ReadyToGo                         0",
    ]


def test_added_removed_entered_again_and_refused_states_have_a_sign() -> None:
    signs = {}
    for number in (1, 2, 3, 4, 5, 7):
        for row in tree.rows(opened(number), 0, 99, 40):
            sign = line_text(row.line)[18]
            if sign != " ":
                signs[number, row.node.state] = sign
    assert signs == {
        (1, "Start"): "+",
        (2, "Ready"): "✕",
        (3, "Connected"): "+",
        (3, "Ready"): "+",
        (4, "Loading"): "+",
        (4, "Ready"): "−",
        (5, "Loading"): "~",
        (7, "ReadyToGo"): "✕",
    }


def test_called_states_are_underlined() -> None:
    underlined = [row.node.state for row in tree.rows(opened(4), 0, 99, 40) if any(span.underline for span in row.line)]
    assert underlined == ["Loading"]


def test_an_expanded_state_shows_its_properties_and_relations() -> None:
    assert rows(opened(3, {"Ready", "ReadyToGo"}))[3:] == [
        " ▾ ● Ready     A  +                    1",
        "       auto",
        "       #public",
        "       Require ● Connected",
        "               ● Start",
        "       Remove  ○ Loading",
        " ▸ ○ Loading    M                      0",
        " ▾ ○ ReadyToGo                         0",
        "       After   ? Missing",
    ]


def test_everything_about_the_selected_state_is_marked() -> None:
    shown = tree.rows(opened(3, {"Ready", "Loading"}, "Ready"), 0, 99, 40)
    marked = [(row.node.kind, row.node.state) for row in shown if row.highlighted]
    assert marked == [
        ("state", "Ready"),
        ("properties", ""),
        ("properties", ""),
        ("reference", "Connected"),
        ("reference", "Start"),
        ("reference", "Loading"),
        ("reference", "Ready"),
    ]
    assert all(line_text(row.line).startswith("▌") == row.highlighted for row in shown)


def test_names_select_states_and_arrows_open_them() -> None:
    row = tree.rows(opened(3), 3, 1, 40)[0]
    targets = [span.target for span in row.line if span.target]
    assert targets[0] == ToggleNode("Ready")
    assert set(targets[1:]) == {SelectState("Ready")}
    session = opened(3)
    session.follow(ToggleNode("Ready"))
    assert len(tree.nodes(session)) == 11
    session.toggle_all_nodes()
    assert len(tree.nodes(session)) == 6
    session.toggle_all_nodes()
    assert len(tree.nodes(session)) > 11


def test_active_error_and_multi_states_have_their_own_role() -> None:
    assert tree.state_role("ErrDisk", active=True) is Role.ERROR
    assert tree.state_role("Exception", active=False) is Role.INACTIVE
    assert tree.state_role("Jobs", active=True, multi=True) is Role.MULTI
    assert tree.state_role("Ready", active=True) is Role.ACTIVE


def test_the_title_counts_states_and_waiting_mutations() -> None:
    assert line_text(tree.title(opened(3))) == "Schema 6 · Q 2"
    assert line_text(tree.title(opened(0))) == "Schema 6"
    assert line_text(tree.title(Session(MemoryRecording()))) == "Schema"
    assert tree.rows(Session(MemoryRecording()), 0, 9, 40) == []


def test_a_window_shows_the_same_rows_as_the_whole() -> None:
    session = opened(4, {"Ready", "Loading"})
    whole = tree.rows(session, 0, 99, 40)
    known = tree.nodes(session)
    assert [row for first in range(0, len(whole), 3) for row in tree.rows(session, first, 3, 40, known)] == whole


@pytest.mark.parametrize("width", [20, 24, 40, 80])
def test_rows_are_exactly_as_wide_as_the_pane_whatever_the_names(width: int) -> None:
    recording = MemoryRecording()
    odd = ["x" * 100, "日本" * 20, "[red]\x1b[31m", "a\u202eb", "\u0301"]
    states = [StateFact(name, auto=True, multi=True, require=tuple(odd), tags=("t" * 90,)) for name in odd]
    machine = recording.machine("m", states)
    for _ in range(3):
        machine.add(*odd)
    session = Session(recording, live=False)
    session.toggle_all_nodes()
    session.last()
    for row in tree.rows(session, 0, 999, width):
        assert line_width(row.line) == width
        assert "\x1b" not in line_text(row.line)
        assert "\u202e" not in line_text(row.line)
