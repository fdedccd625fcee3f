"""The moment that all panes show, in the address line: where it is not the cursor's own, and while it is locked."""

from __future__ import annotations

from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen

SECOND = 1_000_000_000


def two() -> MemoryRecording:
    """22:13:20 and on: one has a transition at each full second, two at each half."""
    recording = MemoryRecording()
    for name, offset in (("one", 0), ("two", SECOND // 2)):
        machine = recording.machine(name, ["Start", "Ready"], at_ns=START_NS)
        for second in range(5):
            machine.mutate(
                "add" if second % 2 == 0 else "remove", ("Ready",), at_ns=START_NS + second * SECOND + offset
            )
    return recording


async def test_on_another_machine_the_address_line_tells_the_moment(screen: Screen) -> None:
    async with screen(two()) as user:
        user.press("right", "right")
        await user.sees("mach://one/#3")
        await user.not_sees("◷")
        user.press("ctrl+down")
        await user.sees("mach://two/#2", "◷ 22:13:22.000")
        user.press("ctrl+up")
        await user.sees("mach://one/#3")
        await user.not_sees("◷")


async def test_a_locked_moment_is_said_and_released_by_key_or_click(screen: Screen) -> None:
    async with screen(two(), size=(80, 24)) as user:
        user.press("right", "right", "G")
        await user.sees("◷ 22:13:22.000 locked (G)")
        user.press("left", "left")
        await user.sees("mach://one/#1", "locked")
        user.press("ctrl+down")
        await user.sees("mach://two/#2")
        user.press("ctrl+up")
        await user.sees("mach://one/#3")
        user.press("left")
        await user.sees("mach://one/#2")
        user.click_on("locked (G)")
        await user.not_sees("locked (G)")
        user.press("ctrl+down")
        await user.sees("mach://two/#1")
