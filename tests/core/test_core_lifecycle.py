"""From the schema to the end of a machine. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from engine_setups import PLAIN, in_thread, machine_of, noted
from test_core_relations import SCENARIO_26

from am_core import (
    Event,
    LastTxTracer,
    Machine,
    MachineDisposed,
    Mutation,
    MutationType,
    Schema,
    SchemaError,
    State,
    Tracer,
    Transition,
    live_machines,
    log_args_mapper,
    on_machine_created,
)


def test_scenario_79_disposal() -> None:
    """Callbacks come before waiting ends; afterwards everything is empty and refused."""
    machine = machine_of(active="AB")
    machine.bind({"AState": lambda e: None})
    ended: list[object] = []
    machine.on_dispose(lambda m, ctx: ended.append((1, m.disposed)))
    machine.on_dispose(lambda m, ctx: ended.append(2))
    notes: list[str] = []

    class Watch(Tracer):
        def machine_dispose(self, machine_id: str) -> None:
            notes.append(machine_id)

    machine.bind_tracer(Watch())
    machine.dispose()
    machine.dispose()
    assert machine.wait_disposed(10)
    assert machine.wait_disposed(0)
    assert ended == [(1, True), 2]
    assert notes == [machine.id]
    mutations = (machine.add("A"), machine.remove("A"), machine.set("A"), machine.toggle("A"), machine.can_add("A"))
    assert all(result.canceled for result in mutations)
    assert machine.add_err(ValueError("late")).canceled
    assert isinstance(machine.err(), MachineDisposed)
    assert (machine.queue(), machine.active_states(), machine.clock(), machine.time()) == ([], [], {}, ())
    assert (machine.tick("A"), machine.index1("A")) == (0, -1)
    assert (machine.string(), machine.string_all(), machine.inspect()) == ("", "", "")
    assert not any((machine.is_("A"), machine.is_([]), machine.not_("A"), machine.has("A"), machine.any([])))
    assert not any((machine.is_time([]), machine.is_clock({}), machine.will_be("A"), machine.eval(lambda: None, "x")))
    assert not machine.is_queued(MutationType.ADD, "A").found
    machine.verify_states(["nonsense"])
    machine.on_dispose(lambda m, ctx: ended.append(3))
    assert ended[-1] == 3
    machine.dispose_force()
    assert ended.count(2) == 1
    assert machine not in live_machines()


def test_forced_disposal_is_synchronous() -> None:
    """Also as the end of a with block."""
    machine = machine_of()
    machine.dispose_force()
    assert machine.disposed
    with machine_of(active="A") as other:
        assert other.is_("A")
    assert other.disposed


def test_disposal_removes_start_first_and_keeps_the_caller_free() -> None:
    """What the end of Start sets going may still happen."""
    machine = machine_of({"Start": {}, "Saved": {}}, ["Start"])
    seen: list[str] = []

    def ending(e: Event) -> None:
        seen.append(threading.current_thread().name)
        in_thread(lambda: seen.append(str(machine.add("Saved", event=None))))

    machine.bind({"StartEnd": ending, "SavedState": lambda e: seen.append("saved")})
    machine.dispose()
    assert machine.wait_disposed(10)
    assert seen[0] != threading.current_thread().name
    assert "saved" in seen


def test_a_machine_may_dispose_itself_in_a_handler() -> None:
    """Gently or by force; what is left of the transition calls nobody."""
    machine = machine_of()
    calls: list[str] = []
    machine.bind({"AState": lambda e: e.machine.dispose(), "AnyState": lambda e: calls.append("any")})
    machine.add("A")
    assert machine.wait_disposed(10)
    assert calls == ["any"]
    machine = machine_of({**PLAIN, "Z": {"auto": True}})
    machine.bind({"AState": lambda e: e.machine.dispose_force(), "AnyState": lambda e: calls.append("forced")})
    machine.add("A")
    assert machine.disposed
    assert calls == ["any"]
    assert machine.time() == ()


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_disposal_during_a_transition_of_another_thread(runner: str) -> None:
    """The stuck transition ends without bringing anything back."""
    machine = machine_of(runner=runner)
    started, go_on = threading.Event(), threading.Event()

    def slow(_: Event) -> None:
        started.set()
        assert go_on.wait(10)

    machine.bind({"AEnter": slow, "AState": slow})
    thread = in_thread(lambda: machine.add("A"))
    assert started.wait(10)
    machine.dispose_force()
    go_on.set()
    thread.join(10)
    assert not thread.is_alive()
    assert (machine.time(), machine.active) == ((), ())


def test_scenario_81_schemas_grow() -> None:
    """Clocks and active states stay, new states start at zero."""
    machine = machine_of(active="AC")
    changes: list[object] = []

    class Watch(Tracer):
        def verify_states(self, machine: Machine) -> None:
            changes.append("verified")

        def schema_change(self, machine: Machine, old: Schema) -> None:
            changes.append(len(old))

    machine.bind_tracer(Watch())
    grown: dict[str, Any] = {
        "A": {"multi": True}, "B": {"remove": ["C"]}, "C": {}, "D": {"add": ["E"]}, "E": {},
        "Exception": {"multi": True},
    }  # fmt: skip
    with pytest.raises(SchemaError, match="more than 5 are needed"):
        machine.set_schema({**PLAIN, "Exception": {}}, [*PLAIN, "Exception"])
    with pytest.raises(SchemaError, match="not the states of the schema"):
        machine.set_schema(grown, ["A"])
    assert (changes, machine.schema_ver()) == ([], 5)
    machine.set_schema(grown, list(grown))
    assert changes == ["verified", 5]
    assert machine.schema_ver() == 6
    assert machine.states == tuple(grown)
    assert machine.clock(["A", "C", "E"]) == {"A": 1, "C": 1, "E": 0}
    machine.set(["A", "B", "D"])
    assert machine.active_states() == ["A", "B", "D", "E"]
    same: dict[str, Any] = {**grown, "D": {}}
    with pytest.raises(SchemaError):
        machine.set_schema(same, list(grown))
    machine.set_schema(same, list(grown), allow_same_len=True)
    machine.set("D")
    assert machine.active_states() == ["D"]


def test_schemas_do_not_change_during_a_transition() -> None:
    """The handler that tries gets the error."""
    machine = machine_of()
    bigger: dict[str, Any] = {**PLAIN, "E": {}, "Exception": {}}
    machine.bind({"AState": lambda e: e.machine.set_schema(bigger, list(bigger))})
    machine.add("A")
    assert "cannot set schema during a transition" in str(machine.err())


def test_scenario_82_an_order_lists_exactly_all_states() -> None:
    """Errors change nothing."""
    machine = machine_of(active="AB")
    for names in (["A", "B", "C", "D", "Exception", "X"], ["A", "B", "C", "D"], ["A", "A", "B", "C", "Exception"]):
        with pytest.raises(SchemaError):
            machine.verify_states(names)
        assert not machine.states_verified
    machine.verify_states(["Exception", "D", "C", "B", "A", "A"])
    assert machine.states_verified
    assert machine.states == ("Exception", "D", "C", "B", "A")
    assert machine.time() == (0, 0, 0, 1, 1)
    assert machine.active == ("B", "A")
    assert machine.remove("A").executed
    assert machine.string_all() == "(B:1) [Exception:0 D:0 C:0 A:2]"


def test_scenario_83_text_forms() -> None:
    """Active states, all states, and the details."""
    machine = machine_of(SCENARIO_26)
    assert machine.string() == str(machine) == "()"
    machine.add("B")
    assert machine.string() == "(A:1 B:1 C:1)"
    assert machine.string_all() == "(A:1 B:1 C:1) [D:0 Exception:0]"
    assert machine.inspect(["A", "B", "D"]) == (
        "1 A\n    |Tick     1\n    |Auto     true\n    |Require  C\n"
        "1 B\n    |Tick     1\n    |Multi    true\n    |Add      C\n"
        "0 D\n    |Tick     0\n    |Add      C B\n"
    )
    assert machine.inspect().endswith("0 Exception\n    |Tick     0\n    |Multi    true\n")
    assert "    |Remove\n" in machine_of({"A": {"remove": []}}).inspect(["A"])


def test_the_text_of_a_transition() -> None:
    """Its steps one by one."""
    machine = machine_of({"A": {}, "D": {"remove": ["A"]}}, "A")
    last = LastTxTracer()
    machine.bind_tracer(last)
    machine.record_steps = True
    machine.bind({"AExit": lambda e: None, "DState": lambda e: None})
    machine.set("D")
    assert last.last is not None
    assert str(last.last).splitlines() == [
        f"tx#{last.last.id}", "[set] D", "- called **D**", "- activate **D**", "- deactivate **A**",
        "- handler **A**Exit", "- handler **D**State",
    ]  # fmt: skip
    assert last.last.id.startswith(machine.transition_prefix)
    assert len(last.last.id) == 16
    assert last.last.touched() == ["D", "A"]


def test_scenario_84_the_order_of_hooks() -> None:
    """One mutation that causes an automatic one."""
    calls: list[str] = []

    class Watch(Tracer):
        def machine_init(self, machine: Machine) -> None:
            calls.append("init machine")

        def mutation_queued(self, machine: Machine, mutation: Mutation) -> None:
            calls.append(f"queued {mutation.text(machine.states)} {machine.queue_len()}")

        def transition_init(self, tx: Transition) -> None:
            calls.append(f"init {tx.target_states()}")

        def transition_start(self, tx: Transition) -> None:
            calls.append("start")

        def handler_start(self, tx: Transition, binding: str, handler: str) -> None:
            calls.append(f"> {binding} {handler}")

        def handler_end(self, tx: Transition, binding: str, handler: str) -> None:
            calls.append(f"< {handler}")

        def transition_finals(self, tx: Transition) -> None:
            calls.append(f"finals {tx.machine.active}")

        def transition_end(self, tx: Transition) -> None:
            calls.append(f"end {tx.queue_len}")

        def queue_end(self, machine: Machine) -> None:
            calls.append(f"queue end {machine.transition}")

    machine = machine_of({"A": {}, "B": {"auto": True}}, tracers=[Watch()])
    machine.bind(dict.fromkeys(["AEnter", "AState"], lambda e: None), id="h")
    machine.add("A")
    assert calls == [
        "init machine", "queued [add] A 1", "init ['A']", "start", "> h AEnter", "< AEnter", "finals ('A',)",
        "> h AState", "< AState", "queued [add] B 1", "end 1", "init ['B', 'A']", "start", "finals ('B', 'A')", "end 0",
        "queue end None",
    ]  # fmt: skip
    calls.clear()
    machine.set(["A", "B"])
    assert "finals ('A', 'B')" in calls


def test_steps_are_recorded_only_when_somebody_wants_them() -> None:
    """A tracer or the option."""
    machine = machine_of()
    last = LastTxTracer()
    machine.bind_tracer(last)
    machine.add("A")
    assert last.last is not None
    assert not last.last.steps
    notes = noted(machine)
    machine.add("B")
    assert last.last.steps != []
    assert machine.detach_tracer(notes)
    assert not machine.detach_tracer(notes)
    machine.add("C")
    assert not last.last.steps
    assert machine.tracers() == (last,)


def test_new_machines_are_announced() -> None:
    """To those who subscribed, to the parent's tracers, and in the list of live machines, which forgets them."""
    seen: list[object] = []
    children: list[object] = []

    class Watch(Tracer):
        def new_submachine(self, parent: Machine, machine: Machine) -> None:
            children.append((parent.id, machine.parent_id))

    stop = on_machine_created(seen.append)
    parent = machine_of(tracers=[Watch()], id="parent")
    child = machine_of(parent=parent, id="child", tags=["x", "y:1"])
    stop()
    other = machine_of()
    assert seen == [parent, child]
    assert children == [("parent", "parent")]
    assert child.tags == ("x", "y:1")
    found = live_machines()
    assert found.index(parent) < found.index(child) < found.index(other)
    gone = weakref.ref(other)
    del other, found
    gc.collect()
    assert gone() is None


def test_a_failing_subscriber_does_not_keep_machines_from_being_made() -> None:
    """Its error is kept."""
    stop = on_machine_created(lambda m: 1 / 0)
    machine = machine_of()
    stop()
    assert "division" in str(machine.internal_errors[0])


# Breakpoints and logs


def test_breakpoints_match_by_what_is_called() -> None:
    """In order, once per mutation, never for empty lists or set."""
    machine = machine_of(log_level="changes")
    hits: list[str] = []
    machine.breakpoint_hook = lambda m, mutation: hits.append(mutation.text(m.states))
    machine.add_breakpoint(["A", "B"], ["C"])
    machine.add_breakpoint(added="D", strict=True)
    notes = noted(machine)
    machine.add(["B", "A"])
    machine.add(["A", "B"])
    machine.set(["A", "B"])
    machine.remove("C")
    machine.add([])
    machine.remove([])
    machine.add("D")
    machine.add("D")
    assert hits == ["[add] A B", "[remove] C", "[add] D"]
    assert notes.log.count("[breakpoint] Machine.breakpoint") == 3


def test_log_lines_of_an_ordinary_transition() -> None:
    """At the level Everything, with arguments; the logger gets the machine's id as well."""
    lines: list[str] = []
    machine = machine_of(
        {"A": {}, "B": {}}, active=["B"], id="machine-one", log_args=log_args_mapper(5), log_level="everything",
        logger=lambda level, text: lines.append(f"{level} {text}"),
    )  # fmt: skip
    notes = noted(machine)
    lines.clear()
    machine.log("two\nlines")
    machine.add("A", name="foofoofoo", id=3, other=1)
    assert notes.all[-1].pre_log_entries[-2].text == "[exter] two lines"
    assert "1 [machi] [exter] two lines" in lines
    assert "[queue:add] A (id=3 name=fo...)" in notes.log
    assert "[add] A (id=3 name=fo...)" in notes.log
    assert "[state] +A B (id=3 name=fo...)" in notes.log


@pytest.mark.parametrize(
    "error", [ValueError("no text"), type("Wordless", (Exception,), {"__str__": lambda _: 1 / 0})()]
)
def test_arguments_that_cannot_be_logged_cost_nothing_but_their_log_lines(error: Exception) -> None:
    """The mutation goes on as if nobody had wanted to see them, and so do those that come after it."""

    class Secret:
        def __str__(self) -> str:
            raise error

    lines: list[str] = []
    machine = machine_of(log_level="ops", log_args=log_args_mapper(), log_id=False, logger=lambda _, s: lines.append(s))
    machine.bind({"AState": lambda e: e.machine.add("C", name=Secret())})
    assert machine.add("A", name=Secret()).executed
    assert machine.is_(["A", "C"])
    why = "no text" if isinstance(error, ValueError) else "Wordless"
    assert f"[add] A (log_args failed: {why})" in lines
    assert f"[state] +C (log_args failed: {why})" in lines


def test_silent_machines_format_nothing() -> None:
    """Arguments are not even looked at."""

    class Secret:
        def __str__(self) -> str:
            raise AssertionError

    machine = machine_of(log_level="nothing", log_args=log_args_mapper())
    last = LastTxTracer()
    machine.bind_tracer(last)
    machine.add("A", name=Secret())
    assert last.last is not None
    assert not last.last.log_entries
    assert machine.internal_errors == type(machine.internal_errors)()


# Schemas


def test_schemas_are_cleaned_and_the_original_is_kept() -> None:
    """Nobody removes itself or what it adds."""
    raw: dict[str, Any] = {"A": {"remove": ["A", "B", "C"], "add": ["C"], "after": ["A"]}, "B": {}, "C": None}
    machine = Machine(raw)
    schema = machine.schema()
    assert (schema["A"].remove, schema["A"].add, schema["A"].after) == (("B",), ("C",), ())
    assert schema["Exception"].multi
    assert raw["A"]["remove"] == ["A", "B", "C"]
    schema["B"] = State(auto=True)
    assert not machine.schema()["B"].auto


def test_a_strict_schema_lists_everything_wrong() -> None:
    """Unknown names in any relation, and what is both required and removed."""
    bad: dict[str, Any] = {"A": {"add": ["X"], "after": ["Y"], "require": ["B", "Z"], "remove": ["B", "W"]}, "B": {}}
    with pytest.raises(SchemaError) as caught:
        Machine(bad)
    assert len(caught.value.problems) == 5
    machine = Machine(bad, strict=False)
    assert machine.is_err()
    assert machine.add("A").canceled
    for wrong in ({"A": {"requires": ["B"]}}, {"A": {"require": "B"}}):
        with pytest.raises(SchemaError):
            Machine(wrong)


def test_merging_extending_and_prefixing() -> None:
    """Later definitions replace, overlays append."""
    schema = Schema({"A": {"remove": ["B"], "auto": True, "tags": ["x:1"]}, "B": {}})
    assert schema.merge({"A": {}})["A"] == State()
    extended = schema["A"].extend(remove=["C"], multi=True)
    assert (extended.remove, extended.auto, extended.multi) == (("B", "C"), True, True)
    replaced = schema["A"].set(False, True, State(add=["C"]))
    assert (replaced.auto, replaced.multi, replaced.remove, replaced.add) == (False, True, ("B",), ("C",))
    assert schema["A"].set_rels(State(remove=[])).remove == ()
    assert schema.prefix("P")["PA"].remove == ("PB",)
    assert set(Schema({"PA": {"add": ["B"]}, "B": {}}).prefix("P", remove_dups=True)) == {"PA", "PB"}
    assert set(schema.prefix("P", skip=["A"])) == {"PB"}
    assert (schema.filter_by_tag("x"), schema.states_by_tag("x")) == ((), ("A",))
