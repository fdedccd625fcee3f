"""The step timeline: it appears while stepping, and is for pointing and for keys."""

from __future__ import annotations

from am_telemetry.facts import StepFact
from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen

STEPS = [
    StepFact("called", target=1),
    StepFact("rel", source=1, target=0, relation="require"),
    StepFact("handler", target=1),
    StepFact("activate", target=1),
]


def stepped() -> MemoryRecording:
    recording = MemoryRecording()
    machine = recording.machine("orders", ["Start", "Ready"])
    machine.add("Start")
    machine.add("Ready", steps=STEPS)
    machine.remove("Ready", steps=[StepFact("called", target=1), StepFact("deactivate", target=1)])
    return recording


async def test_it_appears_while_stepping_and_goes_away_afterwards(screen: Screen) -> None:
    async with screen(stepped(), size=(80, 24)) as user:
        await user.not_sees("steps of #2")
        user.press(">")
        await user.sees("steps of #2 1/4 c·*+")
        user.press("escape")
        await user.not_sees("steps of #2")


async def test_a_click_goes_to_the_step_of_the_cell_and_dragging_scrubs(screen: Screen) -> None:
    async with screen(stepped()) as user:
        user.press(">")
        await user.sees("steps of #2 1/4")
        x, y = user.find("c·*+")
        user.click(x + 2, y)
        await user.sees("steps of #2 3/4")
        user.mouse(0, x, y)
        await user.sees("steps of #2 1/4")
        user.mouse(32, x + 3, y)
        await user.sees("steps of #2 4/4")
        user.mouse(32, x + 40, y - 3).mouse(0, x + 40, y - 3, release=True)
        await user.settled()
        assert (user.app.session.number, user.app.session.step) == (1, 4)


async def test_the_wheel_and_the_arrow_keys_go_by_steps_in_it(screen: Screen) -> None:
    async with screen(stepped()) as user:
        user.press(">")
        await user.sees("steps of #2 1/4")
        x, y = user.find("steps of")
        user.wheel(x, y)
        await user.sees("steps of #2 2/4")
        user.click(x, y)
        await user.sees("steps of #2 0/4")
        assert user.app.main.focused_pane == "step-strip"
        user.press("right", "right", "right")
        await user.sees("steps of #2 3/4")
        user.press("left")
        await user.sees("steps of #2 2/4")
        user.press("end")
        await user.sees("steps of #2 4/4")
        user.press("right", "right")
        await user.sees("steps of #3 1/2")


async def test_playing_in_it_goes_by_steps(screen: Screen) -> None:
    async with screen(stepped(), size=(120, 60)) as user:
        await user.sees("steps of #2 0/4")
        user.press("shift+tab")
        await user.until("the focus", lambda: user.app.main.focused_pane == "step-strip")
        user.press("+", "+", "space")
        await user.sees("steps of #2 2/4")


async def test_tab_reaches_it_when_it_is_there(screen: Screen) -> None:
    async with screen(stepped()) as user:
        seen = set()
        user.press(">")
        await user.sees("steps of")
        for _ in range(5):
            user.press("tab")
            await user.settled(0.05)
            seen.add(str(user.app.main.focused_pane))
        assert {"strip", "step-strip"} <= seen
