"""Which states a mutation leads to. Numbers are those of the conformance scenarios."""

from __future__ import annotations

from engine_setups import PLAIN, machine_of, noted, record, ticks

from am_core import Result, Schema, State


def test_scenario_11_a_called_state_switches_off_what_it_removes() -> None:
    """Two called states of which one removes the other cannot both come."""
    schema = {**PLAIN, "C": {"remove": ["D"]}}
    machine = machine_of(schema, "D")
    assert machine.add("C").executed
    assert ticks(machine) == [0, 0, 1, 2]
    machine = machine_of(schema, "D")
    notes = noted(machine)
    assert machine.set(["C", "D"]).canceled
    assert machine.active == ("D",)
    assert "[rel:remove] D by C" in notes.log


def test_scenario_12_of_two_that_remove_each_other_the_called_one_wins() -> None:
    """Calling both is impossible."""
    machine = machine_of({**PLAIN, "C": {"remove": ["D"]}, "D": {"remove": ["C"]}}, "D")
    machine.set("C")
    assert machine.active == ("C",)
    machine.add("D")
    assert (machine.active, ticks(machine)) == (("D",), [0, 0, 2, 3])
    assert machine.add(["C", "D"]).canceled


def test_scenario_13_an_active_state_keeps_out_what_it_removes() -> None:
    """The relation works in both orders."""
    schema = {"Foo": {}, "Bar": {"remove": ["Foo"]}}
    machine = machine_of(schema)
    assert machine.add(["Foo", "Bar"]).canceled
    assert machine.add("Bar").executed
    assert machine.add("Foo").canceled


def test_scenario_14_implied_states_can_be_removed_again() -> None:
    """An active state implies nothing, so D stays off."""
    machine = machine_of({**PLAIN, "A": {"remove": ["D"]}, "C": {"add": ["D"]}})
    machine.set("C")
    assert machine.active == ("C", "D")
    order = record(machine)
    assert machine.set(["A", "C"]).executed
    assert machine.active == ("A", "C")
    assert machine.tick("D") == 2
    assert " ".join(order) == "DExit AEnter CC CA DA DC AnyEnter DEnd AState AnyState"


def test_scenario_15_a_missing_requirement_rejects() -> None:
    """The log names what was missing."""
    machine = machine_of({**PLAIN, "C": {"require": ["D"]}}, "A")
    notes = noted(machine)
    assert machine.set(["C", "A"]).canceled
    assert "[reject] C(-D)" in notes.log
    assert "[cancel:reject] C" in notes.log
    assert notes.all[-1].canceled_by == "relations"
    assert machine.set(["C", "D"]).executed
    assert set(machine.active) == {"C", "D"}


def test_scenario_16_mutual_requirements() -> None:
    """Together they come and together they go."""
    machine = machine_of({"A": {"require": ["B"]}, "B": {"require": ["A"]}})
    assert machine.add("A").canceled
    assert machine.add(["A", "B"]).executed
    assert machine.remove("A").executed
    assert machine.active == ()


def test_scenario_17_a_state_may_add_what_it_requires() -> None:
    """The required state comes first."""
    machine = machine_of({"A": {"add": ["B"], "require": ["B"]}, "B": {}})
    assert machine.add("A").executed
    assert machine.active == ("B", "A")


def test_scenario_18_removing_a_requirement_removes_the_chain() -> None:
    """All dependants go in the same transition."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}, "C": {"require": ["B"]}})
    machine.add(["A", "B", "C"])
    order = record(machine)
    machine.remove("A")
    assert machine.active == ()
    assert " ".join(order) == "AExit BExit CExit AnyEnter AEnd BEnd CEnd AnyState"


def test_scenario_19_removing_by_relation_takes_the_dependants_along() -> None:
    """B requires A, which C removes."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}, "C": {"remove": ["A"]}})
    machine.add(["A", "B"])
    order = record(machine)
    machine.add("C")
    assert machine.active == ("C",)
    assert " ".join(order) == "AExit BExit CEnter AC BC AnyEnter AEnd BEnd CState AnyState"


def test_scenario_20_a_blocked_implied_state_comes_back_when_its_blocker_goes() -> None:
    """Water removes Dry, which kept Wet out."""
    machine = machine_of(
        {"Wet": {"require": ["Water"]}, "Dry": {"remove": ["Wet"]}, "Water": {"add": ["Wet"], "remove": ["Dry"]}}
    )
    machine.set("Dry")
    machine.set("Water")
    assert machine.active == ("Water", "Wet")
    assert machine.tick("Dry") == 2


def test_scenario_21_a_called_state_beats_the_active_one_that_removes_it() -> None:
    """Dry and Water remove each other."""
    machine = machine_of({"Wet": {}, "Dry": {"remove": ["Water"]}, "Water": {"add": ["Wet"], "remove": ["Dry"]}})
    machine.add("Dry")
    order = record(machine)
    machine.add("Water")
    assert machine.active == ("Water", "Wet")
    expected = "DryExit WaterEnter WetEnter DryWater DryWet AnyEnter DryEnd WaterState WetState AnyState"
    assert " ".join(order) == expected


def test_scenario_22_an_implied_state_that_others_could_remove() -> None:
    """Nobody is active who would."""
    machine = machine_of({"A": {"remove": ["B"]}, "B": {"remove": ["A"]}, "Z": {"add": ["B"]}})
    machine.set("Z")
    assert machine.active == ("Z", "B")


def test_scenario_23_adding_reaches_two_levels() -> None:
    """D would be the third."""
    machine = machine_of({"A": {"add": ["B"]}, "B": {"add": ["C"]}, "C": {"add": ["D"]}, "D": {}})
    machine.add("A")
    assert machine.active == ("C", "A", "B")
    assert machine.tick("D") == 0


def test_scenario_24_what_the_second_level_removes_stays() -> None:
    """The first level's is removed."""
    machine = machine_of({"A": {"add": ["B"]}, "B": {"add": ["C"]}, "C": {"remove": ["X"]}, "X": {}}, "X")
    machine.add("A")
    assert machine.active == ("C", "A", "X", "B")
    machine = machine_of({"A": {"add": ["B"]}, "B": {"remove": ["X"]}, "X": {}}, "X")
    machine.add("A")
    assert machine.active == ("A", "B")
    assert machine.tick("X") == 2


def test_scenario_25_a_remove_mutation_wins_over_an_active_multi_state() -> None:
    """A adds B again in every transition, but not in one that removes B."""
    machine = machine_of({"A": {"multi": True, "add": ["B"], "require": ["C"]}, "B": {"require": ["C"]}, "C": {}})
    machine.add(["A", "C"])
    assert set(machine.active) == {"A", "B", "C"}
    machine.remove("B")
    assert machine.active == ("C", "A")
    assert machine.tick("B") == 2


SCENARIO_26 = {
    "A": {"auto": True, "require": ["C"]},
    "B": {"multi": True, "add": ["C"]},
    "C": {"after": ["D"]},
    "D": {"add": ["C", "B"]},
}


def test_scenario_26_an_active_multi_state_adds_in_every_transition() -> None:
    """C returns through B in the automatic transition."""
    machine = machine_of(SCENARIO_26)
    notes = noted(machine)
    machine.add("B")
    assert (machine.active, ticks(machine)) == (("B", "C", "A"), [1, 1, 1, 0])
    machine.add("B")
    assert ticks(machine) == [1, 3, 1, 0]
    machine.add("D")
    assert (machine.active, ticks(machine)) == (("D", "B", "C", "A"), [1, 3, 1, 1])
    notes.all.clear()
    machine.remove("C")
    assert notes.all[0].target_states() == ["D", "B"]
    assert (machine.active, ticks(machine)) == (("D", "B", "C", "A"), [3, 3, 3, 1])


def test_scenario_27_after_orders_handlers_and_states() -> None:
    """Exits are ordered in the same direction as enters."""
    machine = machine_of({**PLAIN, "C": {"after": ["D"]}, "A": {"after": ["B"]}})
    machine.set(["A", "B"])
    assert machine.active == ("B", "A")
    order = record(machine)
    machine.set(["C", "D"])
    assert " ".join(order) == "BExit AExit DEnter CEnter BD BC AD AC AnyEnter BEnd AEnd DState CState AnyState"


def test_scenario_28_after_is_honoured_across_unrelated_states() -> None:
    """B stands between A and C."""
    machine = machine_of({**PLAIN, "A": {"after": ["C"]}})
    machine.add(["A", "C", "B"])
    assert machine.active == ("C", "A", "B")
    machine.set([])
    machine.add(["A", "B", "C"])
    assert machine.active == ("B", "C", "A")


def test_scenario_29_requirements_order_states() -> None:
    """A state follows what it requires."""
    machine = machine_of(
        {
            "A": {"auto": True, "require": ["B", "C"]},
            "B": {"auto": True, "require": ["D"]},
            "C": {"auto": True},
            "D": {"auto": True},
            "Start": {},
        }
    )
    order = record(machine)
    machine.add("Start")
    assert machine.active == ("Start", "D", "B", "C", "A")
    assert [name for name in order if name in ("AState", "BState", "CState", "DState")] == [
        "DState", "BState", "CState", "AState",
    ]  # fmt: skip


def test_scenario_30_relations_are_reported_in_a_fixed_order() -> None:
    """add, require, remove, after, whatever the order of definition."""
    state = State(after=["B"], require=["B"], add=["C"])
    assert state.relations() == ["add", "require", "after"]
    assert Schema({"A": state, "B": {}, "C": {}}).adjacent_states("A") == ("C", "B")


def test_a_cycle_of_requirements_ranks_nothing() -> None:
    """The order of calling is kept."""
    machine = machine_of({"A": {"require": ["B"]}, "B": {"require": ["A"]}, "C": {}})
    assert machine.add(["C", "A", "B"]) == Result.EXECUTED
    assert machine.active == ("C", "A", "B")
