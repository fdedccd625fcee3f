"""What a move costs, in numbers that do not depend on the machine the tests run on."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import shop


class _Counting:
    """A recording that counts the reads that would be queries."""

    def __init__(self, inner: MemoryRecording) -> None:
        self._inner = inner
        self.reads: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in ("transition", "log_lines", "totals", "process"):
            self.reads[name] += 1
        return value


async def test_a_move_of_the_cursor_sends_less_than_a_kilobyte(screen: Screen) -> None:
    async with screen(shop(length=400), (120, 40), machine="orders") as user:
        user.press("home")
        await user.sees("#0/")
        await user.settled()
        costs = []
        for _ in range(24):
            before = len(user.terminal.received)
            user.press("right")
            await user.settled(0.06)
            costs.append(len(user.terminal.received) - before)
        costs.sort()
        assert costs[len(costs) // 2] < 1024, costs
        assert sum(costs) / len(costs) < 1536, costs


async def test_a_move_reads_a_bounded_number_of_records(screen: Screen) -> None:
    recording = _Counting(shop(length=400))
    async with screen(recording, (120, 40), machine="orders") as user:
        user.press("home")
        await user.sees("#0/")
        await user.settled()
        recording.reads.clear()
        for number in range(1, 21):
            user.press("right")
            await user.sees(f"#{number}/")
        assert recording.reads["transition"] <= 20 * 4
        assert recording.reads["log_lines"] <= 10
        assert recording.reads["totals"] <= 1


async def test_nothing_is_sent_while_nothing_happens(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        await user.settled(0.3)
        before = len(user.terminal.received)
        await user.settled(0.5)
        assert len(user.terminal.received) == before


async def test_new_transitions_elsewhere_redraw_only_their_row(screen: Screen) -> None:
    recording = MemoryRecording()
    first = recording.machine("first", ["Exception", "A"])
    second = recording.machine("second", ["Exception", "A"])
    second.add("A")
    first.add("A")
    async with screen(recording) as user:
        await user.sees("second")
        await user.settled()
        before = len(user.terminal.received)
        second.remove("A")
        await user.until("the plus", lambda: "1+" in user.terminal.text)
        await user.settled()
        assert len(user.terminal.received) - before < 400


async def test_five_thousand_machines_cost_no_more_than_the_visible_ones(screen: Screen) -> None:
    recording = MemoryRecording()
    for number in range(5000):
        recording.machine(f"machine-{number}", ["Exception", "A"]).add("A")
    async with screen(recording) as user:
        await user.sees("Machines 5,000")
        user.press("pagedown", "pagedown", "down", "enter")
        await user.sees("mach://machine-")
        user.type("machine-4999")
        await user.sees("machine-4999  1/1")
