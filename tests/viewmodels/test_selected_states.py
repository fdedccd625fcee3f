"""The selected states in the edge of a pane."""

from __future__ import annotations

import pytest

from am_dbg.session import Session
from am_dbg.viewmodels.selection import selected_states
from am_dbg.viewmodels.spans import line_text, line_width
from tests.support.memory_recording import MemoryRecording


@pytest.mark.parametrize(
    ("names", "cells", "text"),
    [
        ([], 30, ""),
        (["Ready"], 30, "selected Ready"),
        (["Ready", "Start"], 30, "selected Ready Start"),
        (["Ready", "Start", "Loading"], 23, "selected Ready Start +1"),
        (["Ready", "Start", "Loading"], 20, "selected Ready +2"),
        (["PeerCloseStream"], 20, "selected PeerCloseS…"),
        (["PeerCloseStream", "Start"], 20, "selected PeerClo… +1"),
    ],
)
def test_names_are_told_as_far_as_there_is_room(names: list[str], cells: int, text: str) -> None:
    session = Session(MemoryRecording(), live=False)
    session.select_states(names)
    line = selected_states(session, cells)
    assert line_text(line) == text
    assert line_width(line) <= cells
