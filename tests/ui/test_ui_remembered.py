"""How the debugger was left is how it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.filters import Filter
from am_dbg.session.layout import Layout
from am_dbg.ui.remembered import Remembered, keep, recall
from am_dbg.ui.themes import DARK, LIGHT, PLAIN
from tests.support.memory_recording import MemoryRecording


def session() -> Session:
    recording = MemoryRecording()
    recording.machine("m", ["A"]).add("A")
    return Session(recording, live=False)


def test_what_was_chosen_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "layout.json"
    left = session()
    left.set_layout(Layout.TREE_RAIN)
    left.show_reader(True)
    left.change_log("wrap")
    left.change_log("times")
    left.toggle_untouched()
    left.filters = left.filters.with_level(4)
    left.toggle_filter(Filter.AUTO)
    assert keep(path, Remembered.of(left, LIGHT)) == ""
    remembered, problem = recall(path)
    assert problem == ""
    assert remembered is not None
    begun = session()
    remembered.apply(begun)
    assert Remembered.of(begun, remembered.theme) == Remembered.of(left, LIGHT)
    assert begun.filters.log_level == 4
    assert begun.filters.shows(Filter.AUTO), "nothing is hidden because it was hidden the last time"
    assert [entry.name for entry in path.parent.iterdir()] == ["layout.json"]


def test_without_a_file_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert recall(tmp_path / "layout.json") == (None, "")


def test_colours_of_a_terminal_without_any_are_not_remembered() -> None:
    assert Remembered.of(session(), PLAIN).theme == DARK


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"view": 5}', '{"view": "hologram"}', '{"theme": "pink"}', '{"log_level": true}', "[" * 9999],
)
def test_a_damaged_file_is_told_of_and_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "layout.json"
    path.write_text(text, "utf-8")
    remembered, problem = recall(path)
    assert remembered is None
    assert "damaged" in problem
    assert keep(path, Remembered()) == ""
    assert recall(path) == (Remembered(), "")


def test_what_a_newer_version_keeps_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text(json.dumps({"view": "rain", "hologram": 3}), "utf-8")
    assert recall(path) == (Remembered(view="rain"), "")


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert "cannot be written" in keep(tmp_path / "file" / "layout.json", Remembered())


simple = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from([*Remembered.__dataclass_fields__, "other"]), simple))
def test_any_content_is_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]) -> None:
    path = tmp_path_factory.getbasetemp() / "layout.json"
    path.write_text(json.dumps(values), "utf-8")
    remembered, problem = recall(path)
    assert (remembered is None) == bool(problem)
    if remembered is not None:
        remembered.apply(session())
