"""What recordings of Go machines do not say, inferred from what they do say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from am_telemetry.facts import SchemaFact
from am_telemetry.formats.upstream_log import changed_states
from am_telemetry.formats.upstream_steps import StepReader

_SET_STEPS: Final = ("activate", "deactivate")


def clock_before(
    schema: SchemaFact, message: Mapping[str, Any], clock: list[int], reader: StepReader, steps: tuple[int, ...]
) -> list[int]:
    """The clock before a machine's first recorded transition.

    A recorder that came late sees a first clock with a past. Which states this transition changed is told by its log or
    its steps; each is taken to have gained one tick.
    """
    if not sum(clock):
        return list(clock)
    before = list(clock)
    changed: set[int] = set()
    if message.get("Accepted") and not (message.get("IsCheck") or message.get("IsQueued")):
        names = changed_states(line.get("Text", "") for line in message.get("LogEntries", ()))
        if names is not None:
            changed = {schema.index[name] for name in names if name in schema.index}
        else:
            known = [reader.steps[number] for number in steps]
            changed = {step.target for step in known if step is not None and step.kind in _SET_STEPS}
    for index in changed:
        if index >= 0 and clock[index]:
            before[index] -= 1
    return before


def refusal(reader: StepReader, steps: tuple[int, ...]) -> str:
    """Who refused, from the steps alone: the relations, or the last handler that ran before the clocks would change."""
    last = ""
    seen_cancel = False
    for number in steps:
        step = reader.steps[number]
        if step is None:
            continue
        seen_cancel = seen_cancel or step.kind == "cancel"
        if step.kind == "handler":
            last = "" if step.is_final else reader.names[number]
    return last or ("relations" if seen_cancel else "")
