"""Transitions tell which states made ticks, where that was known beforehand."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Tracer, Transition

NAMES = "ABCD"


def subsets(most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(NAMES), unique=True, max_size=most)


STATES = st.fixed_dictionaries({
    "require": subsets(1), "add": subsets(1), "remove": subsets(2), "auto": st.booleans(), "multi": st.booleans(),
})  # fmt: skip
HANDLERS = st.dictionaries(
    st.sampled_from([f"{name}{phase}" for name in NAMES for phase in ("Enter", "Exit", "State", "End")]),
    st.sampled_from(["pass", "veto", "fail", "nested"]),
    max_size=3,
)
CALLS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set", "toggle", "can_add"]), st.sampled_from(NAMES)), max_size=20
)


class Ends(Tracer):
    """Checks what every transition tells in the end."""

    def __init__(self) -> None:
        self.known = 0

    def transition_end(self, tx: Transition) -> None:
        if tx.ticks is None:
            return
        self.known += 1
        after = list(tx.time_before)
        for state in tx.ticks:
            after[state] += 1
        assert tuple(after) == tuple(tx.time_after)


def machine_with(schema: dict[str, Any], handlers: dict[str, str]) -> tuple[Machine, Ends]:
    ends = Ends()
    machine = Machine(schema, id="m", plan_cache="always", tracers=[ends], strict=False)

    left = itertools.repeat(None, 20)  # or automatic states and handlers that remove them would go on for ever

    def handler(script: str) -> Any:
        def call(event: Any) -> bool | None:
            if script == "fail":
                raise RuntimeError(script)
            if script == "nested" and next(left, True) is None:
                event.machine.remove(NAMES[0])
            return False if script == "veto" else None

        return call

    if handlers:
        machine.bind({name: handler(script) for name, script in handlers.items()}, id="h")
    return machine, ends


@settings(max_examples=80, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, STATES)), HANDLERS, CALLS)
def test_known_ticks_lead_from_the_times_before_to_those_after(
    schema: dict[str, Any], handlers: dict[str, str], calls: list[tuple[str, str]]
) -> None:
    """Whatever handlers do: refuse, fail, or change the machine."""
    machine, _ = machine_with(schema, handlers)
    for verb, state in calls * 2:
        getattr(machine, verb)(state)
    assert not machine.internal_errors


def test_ticks_of_recurring_transitions_are_known_with_and_without_handlers() -> None:
    for handlers in ({}, {"AState": "pass", "AExit": "pass"}):
        machine, ends = machine_with({"A": {}}, handlers)
        for _ in range(5):
            machine.add("A")
            machine.remove("A")
        assert ends.known >= 8


def test_ticks_are_unknown_when_a_handler_refuses_or_fails() -> None:
    machine, _ = machine_with({"A": {}, "B": {}}, {"AEnter": "veto", "BState": "fail"})
    told: list[tuple[str, Any]] = []

    class Told(Tracer):
        def transition_end(self, tx: Transition) -> None:
            told.append((tx.canceled_by, tx.ticks))

    machine.bind_tracer(Told())
    for _ in range(3):
        machine.add("A")
        machine.add("B")
    assert {ticks for cause, ticks in told if cause in ("AEnter", "recover")} <= {None, ()}
    assert [cause for cause, _ in told].count("AEnter") == 3
