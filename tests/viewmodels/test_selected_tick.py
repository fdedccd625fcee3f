"""The lower edge of the schema tells about the selected state."""

from __future__ import annotations

from am_dbg.session import Session
from am_dbg.viewmodels import selection
from am_dbg.viewmodels.spans import line_text
from tests.support.memory_recording import MemoryRecording


def test_the_selected_state_is_told_with_its_place_tick_and_activity() -> None:
    recording = MemoryRecording()
    recording.machine("m", ["A", "Ready"]).add("Ready")
    session = Session(recording, live=False)
    session.select_state("Ready")
    assert line_text(selection.selected_with_tick(session, 60)) == "selected Ready · 2 of 2 · tick 1 · active"
    assert line_text(selection.selected_with_tick(session, 20)) == "selected Ready"
    session.first()
    assert line_text(selection.selected_with_tick(session, 60)).endswith("tick 0 · inactive")
