"""Stepping inside transitions, seen on the screen."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from am_telemetry.facts import ErrorFact, LogFact
from tests.support.engine_recordings import record
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen

LIFT: dict[str, dict[str, Any]] = {
    "Power": {},
    "DoorOpen": {"remove": ["DoorClosed", "Moving"]},
    "DoorClosed": {"remove": ["DoorOpen"], "require": ["Power"]},
    "Moving": {"require": ["DoorClosed", "Power"], "add": ["Light"], "after": ["DoorClosed"]},
    "Light": {"require": ["Power"]},
    "Alarm": {"multi": True},
    "Arrived": {"auto": True, "require": ["Moving", "Alarm"]},
}


class Lift:
    """The alarm cannot be switched off."""

    def MovingEnter(self, e: object) -> bool:
        return True

    def MovingState(self, e: object) -> None:
        """Ran."""

    def AlarmExit(self, e: object) -> bool:
        return False


def lift() -> MemoryRecording:
    """#4 closes the door and moves, #6 is refused by a handler."""
    return record(
        LIFT,
        [
            ("add", ("Power",)),
            ("add", ("DoorOpen",)),
            ("add", ("Moving",)),
            ("add", ("DoorClosed", "Moving")),
            ("add", ("Alarm",)),
            ("remove", ("Alarm",)),
        ],
        Lift(),
    )


def number_of(recording: MemoryRecording, what: str) -> int:
    """The first transition that called exactly these states, or was refused."""
    timeline = recording.timeline(1)
    for number in range(1, timeline.count + 1):
        fact = timeline.pattern(number).fact
        called = " ".join(timeline.schema.names[state] for state in fact.called)
        if f"{fact.mutation} {called}" == what:
            return number
    raise AssertionError(what)


SIZES = [(60, 16), (80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_moment_inside_a_transition(screen: Screen, size: tuple[int, int]) -> None:
    recording = lift()
    async with screen(recording, size=size) as user:
        user.press("@").press()
        await user.sees("Go to")
        user.type(f"#{number_of(recording, 'add DoorClosed Moving') - 1}").press("enter")
        await user.not_sees("Go to")
        user.press(*">" * 8)
        await user.sees("step 8/")
        await user.matches_snapshot(f"stepping-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_step_inspector(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(lift(), size=size) as user:
        user.press("home", "J", "J")
        await user.settled()
        user.press("I")
        await user.sees("Steps of")
        await user.matches_snapshot(f"steps-{size[0]}x{size[1]}")


async def test_angle_brackets_step_and_arrows_move_by_transitions(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", ">", ">")
        await user.sees("step 2/", "of #1")
        user.press("<")
        await user.sees("step 1/")
        user.press("right")
        await user.sees("#1/")
        await user.not_sees("step 1/")
        user.press("<")
        await user.sees("of #1", "accepted: +1")
        user.press("alt+k")
        await user.sees("#1/")
        user.press("alt+j")
        await user.sees("of #1", "accepted: +1")


async def test_escape_leaves_the_steps_first(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", "tab", "down", ">")
        await user.sees("step 1/", "selected")
        user.press("escape")
        await user.not_sees("step 1/")
        await user.sees("selected")
        user.press("escape")
        await user.not_sees("selected")


async def test_enter_in_the_inspector_goes_to_the_step_of_the_row(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", "I")
        await user.sees("Steps of #1")
        user.press("down", "enter")
        await user.not_sees("Steps of")
        await user.sees("step 2/", "of #1")


async def test_keys_for_steps_and_transitions_work_in_the_inspector(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", "I")
        await user.sees("Steps of #1")
        user.press(">")
        await user.sees("▶   1 ", "1/2")
        user.press(">", ">")
        await user.sees("Steps of #1", "2/2")
        user.press(">")
        await user.sees("Steps of #3", "▶   1 ")
        user.press("<", "<")
        await user.sees("Steps of #1", "▶   2 ")
        user.press("right", "right")
        await user.sees("Steps of #3")
        user.press("left")
        await user.sees("Steps of #1")
        user.press("q")
        await user.not_sees("Steps of")


async def test_a_click_on_a_row_of_the_inspector_shows_its_moment_behind_it(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", "I")
        await user.sees("Steps of #1")
        user.click_on("is to become active")
        await user.sees("▶   2 ", "step 2/2 of #1")


async def test_a_click_on_a_step_in_the_log_goes_there(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", ">", ">")
        await user.sees("› 2 Power is to become active")
        user.click_on("1 Power is asked for")
        await user.sees("step 1/2 of #1")


async def test_the_wheel_over_the_line_of_the_transition_goes_by_steps(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home")
        await user.sees("before the first transition")
        x, y = user.find("before the first transition")
        user.wheel(x, y)
        await user.sees("step 1/2 of #1")
        user.wheel(x, y, down=False)
        await user.sees("before the first transition")


async def test_touched_states_can_keep_their_place(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", ">", ">")
        await user.sees("step 2/2", "● Power")
        first = user.find("● Power")[1]
        user.press("O")
        await user.sees("touched states keep their place")
        assert user.find("● Power")[1] > first
        user.press("O")
        await user.sees("touched states come first")
        assert user.find("● Power")[1] == first


async def test_a_narrow_window_shows_the_schema_when_stepping_begins(screen: Screen) -> None:
    async with screen(lift(), size=(80, 24)) as user:
        user.press("home")
        await user.sees("Machines 1")
        user.press(">")
        await user.sees("Schema 8 · step 1/2")


async def test_stepping_is_in_the_palette(screen: Screen) -> None:
    async with screen(lift()) as user:
        user.press("home", ":")
        await user.sees("A command, a machine or a state")
        user.type("next step").press("enter")
        await user.sees("step 1/2 of #1")


async def test_a_long_schema_scrolls_to_what_a_transition_changed(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("big", ["Exception", *(f"State{number:03}" for number in range(200))])
    machine.add("State005")
    machine.add("State150")
    machine.add("State020")
    async with screen(recording) as user:
        user.press("home")
        await user.sees("○ State005")
        await user.not_sees("○ State150")
        user.press("right", "right")
        await user.sees("● State150")
        user.press("right")
        await user.sees("● State020")


def failing() -> MemoryRecording:
    recording = MemoryRecording()
    machine = recording.machine("till", ["Exception", "Open"])
    machine.add("Open")
    lines = "".join(f'  File "/app/layer{n}.py", line {n}, in call\n    go_deeper({n})\n' for n in range(1, 30))
    machine.add(
        "Exception",
        error=ErrorFact("ValueError", "the drawer is stuck", f"Traceback (most recent call last):\n{lines}ValueError"),
        logs=[LogFact(1, "[error] ValueError: the drawer is stuck")],
    )
    return recording


@pytest.mark.parametrize("size", SIZES[1:], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_whole_traceback_can_be_read(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(failing(), size=size) as user:
        user.press("end", "P")
        await user.sees("ValueError: the drawer is stuck", "/app/layer1.py")
        await user.matches_snapshot(f"error-{size[0]}x{size[1]}")
        user.press("end")
        await user.sees("Logged with it")


async def test_the_traceback_is_copied_as_text(screen: Screen) -> None:
    async with screen(failing(), size=(80, 24)) as user:
        user.press("end", "P")
        await user.sees("y copy")
        user.press("y")
        await user.sees("if it takes it")
        head, _, tail = bytes(user.terminal.received).partition(b"\x1b]52;c;")
        assert head
        text = base64.b64decode(tail.partition(b"\x07")[0].partition(b"\x1b")[0]).decode()
        assert text.startswith("ValueError: the drawer is stuck\n")
        assert 'File "/app/layer29.py"' in text
        user.press("escape")
        await user.not_sees("Logged with it", "y copy")


async def test_where_nothing_went_wrong_the_error_key_says_so(screen: Screen) -> None:
    async with screen(failing()) as user:
        user.press("home", "right", "P")
        await user.sees("no error here")
