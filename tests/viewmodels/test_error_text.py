"""The whole error of a transition: found, laid out, and given away as harmless text."""

from __future__ import annotations

import pytest

from am_dbg.session import Session
from am_dbg.viewmodels import error_text
from am_dbg.viewmodels.spans import Role, line_text, line_width
from am_telemetry.facts import ErrorFact, LogFact
from tests.support.memory_recording import MachineBuilder, MemoryRecording

TRACEBACK = """Traceback (most recent call last):
  File "/app/shop.py", line 41, in charge
    bank.charge(order)
ValueError: bad \x1b[31minput
"""


def machine(recording: MemoryRecording) -> MachineBuilder:
    return recording.machine("m", ["Exception", "A", "ErrBank"])


def opened(number: int) -> Session:
    """#2 fails, #3 bears its error; #4 is an error state without an exception."""
    recording = MemoryRecording()
    builder = machine(recording)
    builder.add("A")
    builder.remove("A", accepted=False, broken=True, canceled_by="recover")
    builder.add(
        "Exception",
        error=ErrorFact("ValueError", "bad \x1b[31minput", TRACEBACK),
        logs=[LogFact(1, "[error] ValueError: bad input\n  more of it"), LogFact(2, "[state] +Exception")],
    )
    builder.add("ErrBank")
    session = Session(recording, live=False)
    session.go_to_number(number)
    return session


def story(number: int) -> error_text.ErrorStory:
    found = error_text.find(opened(number))
    assert found is not None
    return found


def test_the_exception_comes_first_then_its_traceback_then_the_log() -> None:
    shown = [line_text(line) for line in error_text.lines(story(3))]
    assert shown[0] == "ValueError: bad ␛[31minput"
    assert shown[1].startswith("#3 add Exception · 22:13:20")
    assert shown[3:7] == [
        "Traceback (most recent call last):",
        '  File "/app/shop.py", line 41, in charge',
        "    bank.charge(order)",
        "ValueError: bad ␛[31minput",
    ]
    assert shown[8:] == ["Logged with it", "[error] ValueError: bad input", "  more of it", "[state] +Exception"]


def test_places_in_files_stand_out() -> None:
    roles = {line_text(line): line[0].role for line in error_text.lines(story(3)) if line}
    assert roles['  File "/app/shop.py", line 41, in charge'] is Role.KEY


def test_the_error_of_a_failed_handler_is_found_with_the_transition_that_bears_it() -> None:
    assert story(2).record.number == 3


def test_the_error_of_the_transition_that_is_stepped_through_is_found() -> None:
    session = opened(2)
    session.step = 1
    session.go_to_number(3)
    found = error_text.find(session)
    assert found is not None
    assert found.record.number == 3


def test_an_error_state_without_an_exception_says_what_is_known() -> None:
    shown = [line_text(line) for line in error_text.lines(story(4))]
    assert shown[0] == "Error states: ErrBank"
    assert "No traceback was recorded." in shown


def test_a_failure_whose_error_was_never_recorded_is_still_told() -> None:
    recording = MemoryRecording()
    machine(recording).add("A", broken=True)
    session = Session(recording, live=False)
    session.last()
    found = error_text.find(session)
    assert found is not None
    assert line_text(error_text.lines(found)[0]) == "A handler failed"


@pytest.mark.parametrize("number", [0, 1])
def test_where_nothing_went_wrong_there_is_no_error(number: int) -> None:
    assert error_text.find(opened(number)) is None


def test_an_empty_recording_has_no_errors() -> None:
    assert error_text.find(Session(MemoryRecording())) is None


def test_the_text_to_copy_is_complete_and_harmless() -> None:
    text = error_text.text(story(3))
    assert "bank.charge(order)" in text
    assert "more of it" in text
    assert "\x1b" not in text
    assert text.endswith("\n")


@pytest.mark.parametrize("cells", [10, 24, 60, 118])
def test_long_lines_are_wrapped_and_lose_nothing(cells: int) -> None:
    found = story(3)
    wrapped = error_text.wrapped(found, cells)
    assert max(map(line_width, wrapped)) <= cells
    whole = "".join(line_text(line) for line in error_text.lines(found))
    assert "".join("".join(map(line_text, wrapped)).split()) == "".join(whole.split())
