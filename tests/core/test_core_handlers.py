"""Which handlers are called, in which order, and what they decide. Numbers are those of the conformance scenarios."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_setups import PLAIN, machine_of, noted, record, ticks, veto

from am_core import (
    AmbiguousHandlers,
    Event,
    ExceptionHandler,
    HandlerBindError,
    Machine,
    S,
    SchemaError,
    current_event,
)
from am_core.schemas.names import is_handler


def test_scenario_44_the_full_order() -> None:
    """Negotiation first, then what ends, then what begins."""
    machine = machine_of()
    machine.set(["A", "B"])
    order = record(machine)
    machine.set("C")
    assert " ".join(order) == "AExit BExit CEnter AC BC AnyEnter AEnd BEnd CState AnyState"


def test_scenario_45_pairs_go_by_the_state_before() -> None:
    """Targets keep the order they were called in."""
    machine = machine_of(active="A")
    order = record(machine)
    machine.set(["B", "C"])
    assert " ".join(order) == "AExit BEnter CEnter AB AC AnyEnter AEnd BState CState AnyState"
    machine.set(["A", "B"])
    order.clear()
    machine.set(["D", "C"])
    for first, second in (("DEnter", "CEnter"), ("AD", "AC"), ("BD", "BC"), ("DState", "CState")):
        assert order.index(first) < order.index(second)


def test_scenario_46_self_handlers_run_for_what_stays() -> None:
    """Between the enters and the pairs."""
    machine = machine_of(active="A")
    order = record(machine)
    machine.set(["A", "B"])
    assert order == ["BEnter", "AA", "AB", "AnyEnter", "BState", "AnyState"]


def test_scenario_47_self_handlers_need_no_call() -> None:
    """B stays while A is called."""
    machine = machine_of(active="A")
    order = record(machine)
    machine.add("B")
    machine.add("A")
    assert (order.count("AA"), order.count("BB")) == (2, 1)


def test_scenario_48_a_refusing_enter_cancels() -> None:
    """The log names all targets."""
    machine = machine_of(active="A")
    machine.bind({"DEnter": veto})
    notes = noted(machine)
    assert machine.set("D").canceled
    assert machine.add("D").canceled
    assert [line for line in notes.log if line.startswith("[cancel]")] == [
        "[cancel] (D) by DEnter",
        "[cancel] (D A) by DEnter",
    ]
    assert (machine.active, machine.tick("A")) == (("A",), 1)


def test_scenario_49_a_refusing_exit_cancels() -> None:
    """A remove as well as a set."""
    machine = machine_of(active="A")
    machine.bind({"AExit": veto})
    notes = noted(machine)
    assert machine.remove("A").canceled
    assert machine.set("B").canceled
    assert "[cancel] () by AExit" in notes.log
    assert machine.active == ("A",)


def test_scenario_50_pair_and_global_handlers_refuse() -> None:
    """A pair goes from the state before to the target, never back."""
    machine = machine_of(active="A")
    order = record(machine, {"AB": veto})
    assert machine.add("B").canceled
    assert "BA" not in order
    machine = machine_of()
    order = record(machine, {"AnyEnter": veto})
    assert machine.add("A").canceled
    assert order == ["AEnter", "AnyEnter"]


def test_scenario_51_bindings_are_called_in_their_order() -> None:
    """The first refusal ends it."""
    machine = machine_of()
    order: list[str] = []

    def handlers(number: int, accept: bool = True) -> dict[str, Callable[[Event], bool]]:
        def call(e: Event) -> bool:
            order.append(f"{number} {e.name}")
            return accept

        return {"AEnter": call, "AState": call}

    first = machine.bind(handlers(1))
    machine.bind(handlers(2))
    machine.add("A")
    assert order == ["1 AEnter", "2 AEnter", "1 AState", "2 AState"]
    machine.set([])
    machine.detach(first)
    machine.bind(handlers(3, accept=False))
    machine.bind(handlers(4))
    order.clear()
    assert machine.add("A").canceled
    assert order == ["2 AEnter", "3 AEnter"]


def test_scenario_52_a_self_handler_can_refuse_even_errors() -> None:
    """But no removal."""
    machine = machine_of(active="A")
    machine.bind({"AA": veto})
    notes = noted(machine)
    assert machine.add("B").canceled
    assert machine.add_err(ValueError("no")).canceled
    assert "[cancel:self] (Exception A) by AA" in notes.log
    assert machine.remove("A").executed


def test_scenario_53_arguments_reach_every_handler() -> None:
    """As a dictionary, from keywords or as such, shared by all handlers of a transition."""
    machine = machine_of(active="A")
    seen: dict[str, object] = {}

    def keep(e: Event) -> None:
        seen[e.name] = e.args["x"]

    machine.bind(dict.fromkeys(["BEnter", "AExit", "CState"], keep))
    machine.add("B", x=1)
    machine.remove("A", {"x": 2})
    machine.set("C", {"y": 0}, x=3)
    assert seen == {"BEnter": 1, "AExit": 2, "CState": 3}


def test_scenario_54_what_handlers_see() -> None:
    """The old states while negotiating, the new ones afterwards; the plan at all times."""
    machine = machine_of(active="A")
    seen: list[object] = []

    def negotiating(e: Event) -> None:
        tx = e.transition
        seen.append((e.machine.active, tx.target_states(), tx.called_states(), tx.time_after[3], e.is_valid()))

    def final(e: Event) -> None:
        seen.append((e.machine.active, e.transition.diff(), e.is_check))

    machine.bind({"DEnter": negotiating, "DState": final})
    machine.set("D")
    assert seen == [(("A",), ["D"], ["D"], 1, True), (("D",), (["D"], ["A"]), False)]


def test_only_exactly_false_refuses() -> None:
    """An accidental zero or empty text accepts."""
    values: list[object] = [None, 0, "", [], True]
    for value in values:
        machine = machine_of()
        machine.bind({"AEnter": lambda _, value=value: value})
        assert machine.add("A").executed


def test_final_handlers_cannot_refuse() -> None:
    """What they return does not matter."""
    machine = machine_of()
    machine.bind({"AState": veto, "AEnd": veto, "AnyState": veto})
    assert machine.add("A").executed
    assert machine.remove("A").executed


def test_binding_objects_methods_and_prefixes() -> None:
    """Helpers beside the handlers do no harm; a prefix is left out of the method's name."""

    class Handlers:
        def __init__(self) -> None:
            self.calls: list[str] = []

        def FooState(self, e: Event) -> None:
            self.calls.append(e.name)

        def helper(self) -> None:
            raise AssertionError

    machine = machine_of({"Foo": {}, "WebFoo": {}})
    handlers = Handlers()
    plain = machine.bind(handlers, id="plain one!")
    assert plain == "plainone"
    prefixed = machine.bind(handlers, prefix="Web")
    assert prefixed.startswith("anon-")
    assert machine.handlers() == [plain, prefixed]
    machine.add(["Foo", "WebFoo"])
    assert handlers.calls == ["FooState", "WebFooState"]
    with machine.bound({"FooEnd": lambda e: handlers.calls.append(e.name)}):
        machine.remove("Foo")
    machine.add("Foo")
    machine.remove("Foo")
    assert handlers.calls.count("FooEnd") == 1


def test_misspelt_handlers_are_refused() -> None:
    """All of them are listed; lenient binding ignores them."""

    class Handlers:
        def ZEnter(self, e: Event) -> None: ...
        def AAny(self, e: Event) -> None: ...

    machine = machine_of()
    with pytest.raises(HandlerBindError, match="missing states: Z from handler ZEnter") as caught:
        machine.bind(Handlers())
    assert len(caught.value.problems) == 2
    assert machine.handlers() == []
    machine.bind(Handlers(), lenient=True)
    with pytest.raises(HandlerBindError, match="a function was expected"):
        machine.bind({"AState": 1})
    with pytest.raises(HandlerBindError, match="handlers not bound: nobody"):
        machine.detach("nobody")


def test_coroutine_functions_are_refused_for_negotiation() -> None:
    """A negotiation has to answer at once."""

    class Handlers:
        async def AEnter(self, e: Event) -> bool:
            return True

    with pytest.raises(HandlerBindError, match="AEnter"):
        machine_of().bind(Handlers())


def test_handler_names() -> None:
    """Only names the engine can call are handlers."""
    names = ["A", "Foo", "Bar"]
    assert is_handler(names, "FooEnter") == ("Foo", "")
    assert is_handler(names, "FooBar") == ("Foo", "Bar")
    assert is_handler(names, "AA") == ("A", "A")
    for name in ("AnyEnter", "AnyState", "FooAny", "AnyFoo", "AnyExit", "ZEnter", ""):
        assert is_handler(names, name) == ("", "")


def test_names_with_two_meanings_are_warned_about_and_called_for_both() -> None:
    """``ABA`` is A before BA, and AB before A."""
    with pytest.warns(AmbiguousHandlers, match="ABA"):
        machine = machine_of({"A": {}, "AB": {}, "BA": {}})
    calls: list[str] = []
    machine.bind({"ABA": lambda e: calls.append(e.name)})
    machine.add("A")
    machine.add("BA")
    machine.set("AB")
    calls.clear()
    machine.add("A")
    assert calls == ["ABA"]


@pytest.mark.parametrize("name", ["Any", "Enter", "Exit", "State", "End", ""])
def test_reserved_names_are_refused(name: str) -> None:
    """They would make handler names ambiguous."""
    with pytest.raises(SchemaError, match="cannot be a state's name"):
        Machine({name: {}})


def test_the_running_event_is_known_in_its_context() -> None:
    """Also for functions that the handler calls."""
    machine = machine_of()
    seen: list[Event | None] = []
    machine.bind({"AState": lambda e: seen.append(current_event.get()), "BState": veto})
    machine.add("A")
    assert isinstance(seen[0], Event)
    assert seen[0].name == "AState"
    assert not seen[0].is_valid()
    assert current_event.get() is None
    exported = seen[0].export()
    assert exported == {"name": "AState", "machine_id": machine.id, "transition_id": seen[0].transition_id}
    other = seen[0].swap_args({"x": 1})
    assert (other.args, other.name) == ({"x": 1}, "AState")
    assert seen[0].clone().args is not seen[0].args


def test_the_default_error_handler_logs() -> None:
    """At level Changes, with what there is."""
    machine = machine_of(log_level="changes")
    machine.bind(ExceptionHandler())
    notes = noted(machine)
    machine.add_err(ValueError("out of paper"))
    machine.add("Exception")
    assert "[error] out of paper" in notes.log
    assert "[error] missing error in args to ExceptionState" in notes.log


def test_state_lists() -> None:
    """Order is kept, duplicates are not."""
    names = S(["A", "B"])
    assert names.add(["B", "C"], ["D"]) == ("A", "B", "C", "D")
    assert names.delete("A") == ("B",)
    assert names.sub(["B"]) == ("A",)
    assert names.shared(["B", "C"]) == ("B",)
    assert names.equal(["B", "A"])
    assert not names.equal_order(["B", "A"])
    assert names.has(["A"])
    assert S(["Aa", "Ab", "B"]).filter_prefix("A") == ("Aa", "Ab")
    assert S(["Aa", "B"]).filter_match("a$") == ("Aa",)
    assert names.filter_index([1, 7]) == ("B",)
    assert S(["A", "A"]).unique() == ("A",)
    assert ticks(machine_of(PLAIN)) == [0, 0, 0, 0]
