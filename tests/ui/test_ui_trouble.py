"""What is wrong with a recording is told in full, with what to do about it."""

from __future__ import annotations

import pytest

from am_dbg.session import Session
from am_dbg.viewmodels import trouble
from am_dbg.viewmodels.spans import line_width
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import shop


def lossy() -> MemoryRecording:
    recording = MemoryRecording()
    for name, lost in (("orders", 12), ("billing", 0), ("audit [red]", 3_000)):
        machine = recording.machine(name, ["A"])
        machine.add("A")
        if lost:
            machine.lose(lost)
            machine.add("A")
    return recording


def told(session: Session, failure: str = "", cells: int = 80) -> str:
    return "\n".join("".join(span.text for span in line) for line in trouble.text(session, failure, cells))


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("disk nearly full: 12 MB are free in /data", "am-dbg sessions gc"),
        ("database or disk is full", "am-dbg sessions gc"),
        ("writer stuck: nothing was stored for 9 s, 4 batches wait", "The disk does not take"),
        ("something nobody has thought of", "am-dbg doctor"),
    ],
)
def test_every_failure_comes_with_what_to_do(failure: str, words: str) -> None:
    text = told(Session(shop(), live=False), failure)
    assert failure in text
    assert words in text


def test_lost_transitions_are_counted_by_machine_most_first() -> None:
    text = told(Session(lossy(), live=False))
    assert "3,012 transitions never arrived" in text
    assert text.index("audit [red]") < text.index("orders")
    assert "billing" not in text


def test_when_all_is_well_it_says_so() -> None:
    assert told(Session(shop(), live=False)).startswith("Nothing")


@pytest.mark.parametrize("cells", [44, 54, 92])
def test_it_fits_the_width(cells: int) -> None:
    lines = trouble.text(Session(lossy(), live=False), "x" * 300 + " disk nearly full: \x1b[31m", cells)
    assert max(map(line_width, lines)) <= cells


async def test_a_click_on_the_warning_or_a_key_opens_it(screen: Screen) -> None:
    news = "disk nearly full: 12 MB are free in /data"
    async with screen(lossy(), size=(80, 24), failure=lambda: news) as user:
        await user.sees("✕ disk nearly full")
        user.click_on("✕ disk nearly full")
        await user.sees("What is wrong with the recording", "am-dbg sessions gc", "3,012 transitions")
        user.press("escape")
        await user.not_sees("What is wrong with the recording")
        user.press("\x0b")
        await user.sees("What is wrong with the recording")
