"""A recording of Go machines as it was written, and what follows from it by simple counting.

Only the bytes are decoded with the help of the product; clocks, activity, flags and steps are taken as they stand in
the messages, so what the debugger makes of them can be compared with something else than itself.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from am_telemetry.formats.gob_stream import GobStream
from am_telemetry.formats.upstream_dump import BrotliReader

_YEAR_1_TO_1970_S = 62_135_596_800
ACTIVATE, DEACTIVATE = 4, 8
_STEP_KINDS = {1, 2, 4, 8, 16, 32, 64}
_HEALTH = ({"Heartbeat"}, {"Healthcheck"})


@dataclass(frozen=True)
class RawStep:
    """States by name, empty where the step has no such side."""

    kind: int
    source: str
    target: str


@dataclass(frozen=True)
class RawTransition:
    """One message; ``before`` is the clock that the message before left."""

    at_ns: int
    before: dict[str, int]
    after: dict[str, int]
    accepted: bool
    auto: bool
    mutation: str
    called: tuple[str, ...]
    steps: tuple[RawStep, ...]
    queue: int
    earlier: tuple[tuple[int, str], ...]
    """Level as recorded, and text, of what was logged before it."""
    lines: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> set[str]:
        return {name for name, tick in self.after.items() if tick != self.before[name]}

    @property
    def added(self) -> set[str]:
        return {name for name in self.after if self.after[name] % 2 and not self.before[name] % 2}

    @property
    def removed(self) -> set[str]:
        return {name for name in self.after if self.before[name] % 2 and not self.after[name] % 2}

    @property
    def touched(self) -> set[str]:
        sides = {side for step in self.steps for side in (step.source, step.target) if side}
        return sides | set(self.called) | self.changed

    @property
    def ticks(self) -> int:
        return sum(self.after.values()) - sum(self.before.values())

    @property
    def hidden_by_default(self) -> bool:
        """Accepted without effect, a heartbeat, or an automatic one that came to nothing."""
        empty = self.accepted and not self.ticks
        return empty or set(self.called) in _HEALTH or (self.auto and not self.accepted)

    def matrix(self) -> dict[tuple[str, str], int]:
        """Sums of the kinds of steps by target and source; one that has a single side stands on the diagonal."""
        cells: Counter[tuple[str, str]] = Counter()
        for step in self.steps:
            cells[step.target or step.source, step.source or step.target] += step.kind
        return dict(cells)


@dataclass(frozen=True)
class RawMachine:
    """A machine with all its transitions; number 1 is ``transitions[0]``."""

    name: str
    states: tuple[str, ...]
    defined: dict[str, Any]
    transitions: list[RawTransition]

    def until(self, moment: int) -> int:
        """How many transitions have happened at a moment."""
        return sum(transition.at_ns <= moment for transition in self.transitions)

    def clock(self, number: int) -> dict[str, int]:
        """Ticks after so many transitions."""
        return self.transitions[number - 1].after if number else self.transitions[0].before

    def active(self, number: int) -> set[str]:
        return {name for name, tick in self.clock(number).items() if tick % 2}

    def visible(self) -> list[int]:
        return [n for n, transition in enumerate(self.transitions, 1) if not transition.hidden_by_default]


def read(path: Path) -> dict[str, RawMachine]:
    """All machines by name, in the order of the recording."""
    machines: dict[str, RawMachine] = {}
    with path.open("rb") as file:
        stream = GobStream(BrotliReader(file, lambda _size: None))
        machine: RawMachine | None = None
        for name, value in stream.items(stream.begin(), ("MsgTxs",)):
            if name == "MsgStruct":
                machine = RawMachine(value["ID"], tuple(value["StatesIndex"]), value["States"], [])
                machines[machine.name] = machine
            elif name == "MsgTxs":
                assert machine is not None
                machine.transitions.append(_transition(machine, value))
    return machines


def _transition(machine: RawMachine, message: dict[str, Any]) -> RawTransition:
    after = dict(zip(machine.states, message["Clocks"], strict=True))
    steps = [
        RawStep(step["Type"], step.get("FromState", ""), step.get("ToState", ""))
        for step in message["Steps"]
        if step["Type"] in _STEP_KINDS
    ]
    lines = _lines(message, "LogEntries")
    before = machine.transitions[-1].after if machine.transitions else _before_the_first(after, lines, steps)
    data = message["Time"]
    seconds, fraction = int.from_bytes(data[1:9], "big"), int.from_bytes(data[9:13], "big")
    return RawTransition(
        (seconds - _YEAR_1_TO_1970_S) * 1_000_000_000 + fraction,
        before,
        after,
        bool(message.get("Accepted")),
        bool(message.get("IsAuto")),
        ("add", "remove", "set")[message.get("Type", 0)],
        tuple(message["CalledStates"]),
        tuple(steps),
        message.get("Queue", 0),
        _lines(message, "PreLogEntries"),
        lines,
    )


def _lines(message: dict[str, Any], key: str) -> tuple[tuple[int, str], ...]:
    return tuple((line["Level"], line["Text"]) for line in message.get(key, ()))


def _before_the_first(
    after: dict[str, int], lines: tuple[tuple[int, str], ...], steps: list[RawStep]
) -> dict[str, int]:
    """What the log, or else a step, says was changed had one tick less, whatever came before the recording."""
    logged = [entry for _, entry in lines if entry.startswith("[state")]
    changed = {name for entry in logged for name in re.findall(r"[+-](\w+)", entry.partition("(")[0])}
    if not logged:
        changed = {step.target for step in steps if step.kind in (ACTIVATE, DEACTIVATE)}
    return {name: tick - (name in changed) for name, tick in after.items()}
