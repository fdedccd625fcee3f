"""Going on with a session where one stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.continuing import continue_at, stop_of
from am_dbg.session.filters import Filter
from am_dbg.session.log_options import LogScope
from am_dbg.ui import stops
from am_dbg.ui.stops import keep_stop, recall_stop
from tests.support.memory_recording import MemoryRecording
from tests.ui.recordings import shop


def session() -> Session:
    return Session(shop(), live=False)


def written(tmp_path: Path, left: Session) -> Session:
    """Another session on the same recording, continued by what was kept in a file."""
    path = tmp_path / "state" / "stop.json"
    stop = stop_of(left)
    assert stop is not None
    assert keep_stop(path, stop) == ""
    found, problem = recall_stop(path)
    assert (found, problem) == (stop, "")
    begun = session()
    assert continue_at(begun, stop)
    return begun


def test_cursor_filters_selection_and_pins_come_back(tmp_path: Path) -> None:
    left = session()
    left.select_machine(left.runs("orders")[0].id)
    left.toggle_pin()
    left.go_to_number(17)
    left.toggle_filter(Filter.CANCELED)
    left.cycle_filter(Filter.LOGGED)
    left.select_state("Ready")
    left.toggle_node("Ready")
    left.change_log("scope")
    left.set_log_level(4)
    begun = written(tmp_path, left)
    assert stop_of(begun) == stop_of(left)
    assert begun.log.scope is LogScope.PINNED
    assert begun.message.startswith("continued where you stopped: orders #")


def test_the_history_of_jumps_comes_back(tmp_path: Path) -> None:
    left = session()
    left.select_machine(left.runs("orders")[0].id)
    left.go_to_number(30)
    left.go_to_number(40)
    left.go_back()
    begun = written(tmp_path, left)
    assert (begun.history.places, begun.history.position) == (left.history.places, left.history.position)
    begun.go_forward()
    assert begun.number == 40


def test_the_moment_stays_even_where_it_was_chosen_on_another_machine(tmp_path: Path) -> None:
    left = session()
    left.select_machine(left.runs("orders")[0].id)
    left.go_to_number(30)
    left.select_machine(left.runs("worker-1")[0].id)
    begun = written(tmp_path, left)
    assert begun.moment == left.moment
    begun.select_machine(begun.runs("orders")[0].id)
    assert begun.number == 30


def test_steps_inside_a_transition_come_back(tmp_path: Path) -> None:
    left = session()
    left.select_machine(left.runs("orders")[0].id)
    left.go_to_number(3)
    left.next_step()
    begun = written(tmp_path, left)
    assert (begun.number, begun.step) == (left.number, left.step)


@settings(max_examples=15)
@given(
    st.lists(st.sampled_from(["next", "jump_forward", "next_machine", "next_problem", "last", "go_back"]), max_size=12)
)
def test_wherever_one_stops_is_where_one_goes_on(tmp_path_factory: pytest.TempPathFactory, moves: list[str]) -> None:
    left = session()
    for move in moves:
        getattr(left, move)()
    assert stop_of(written(tmp_path_factory.mktemp("stops"), left)) == stop_of(left)


def test_a_session_without_that_machine_is_left_alone() -> None:
    stop = stop_of(session())
    assert stop is not None
    recording = MemoryRecording()
    recording.machine("other", ["A"]).add("A")
    other = Session(recording, live=False)
    before = stop_of(other)
    assert not continue_at(other, stop)
    assert stop_of(other) == before


def test_without_machines_there_is_nowhere_to_stop() -> None:
    assert stop_of(Session(MemoryRecording(), live=False)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"selected": 5}', "[" * 9999])
def test_a_damaged_file_is_told_of(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stop.json"
    path.write_text(text)
    stop, problem = recall_stop(path)
    assert stop is None
    assert "damaged" in problem


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "MOST_SESSIONS", 3)
    stop = stop_of(session())
    assert stop is not None
    for number in range(6):
        keep_stop(tmp_path / f"{number}.json", stop)
    assert len(list(tmp_path.iterdir())) == 3
    assert json.loads((tmp_path / "5.json").read_text())["step"] == 0
