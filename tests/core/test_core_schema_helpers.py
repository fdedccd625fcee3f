"""Questions about schemas, states, ticks and transitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_core import LastTxTracer, Machine, Schema, SchemaError, State, UnknownStateError
from am_core.helpers import (
    activations,
    copy_schema,
    count_relations,
    get_transition_states,
    handler_to_state,
    implements,
    indexes_to_states,
    is_multi,
    schema_gaps,
    schema_hash,
    schema_implements,
    states_to_indexes,
    tag_value,
    tag_value_int,
)
from am_core.states import BasicStates, ConnectedStates

SCHEMA: dict[str, Any] = {"A": {"multi": True}, "B": {"remove": ["A", "C"], "after": ["C"]}, "C": {}}


def test_names_and_positions_belong_together() -> None:
    """Unknown ones are marked."""
    assert states_to_indexes(["A", "B"], ["B", "X", "A"]) == [1, -1, 0]
    assert indexes_to_states(["A", "B"], [1, -1, 7, 0]) == ["B", "unknown-1", "unknown7", "A"]


@given(st.lists(st.text(max_size=3), unique=True), st.data())
def test_positions_lead_back_to_names(names: list[str], data: st.DataObject) -> None:
    """For all known ones."""
    chosen = data.draw(st.lists(st.sampled_from(names)) if names else st.just([]))
    assert indexes_to_states(names, states_to_indexes(names, chosen)) == chosen


def test_multi_states_are_told_apart() -> None:
    """On machines, typed states, schemas and raw ones."""
    assert is_multi(Machine(SCHEMA), "A")
    assert not is_multi(SCHEMA, "B")
    assert is_multi(Schema(SCHEMA), "A")
    assert is_multi(BasicStates, "Healthcheck")
    with pytest.raises(UnknownStateError, match="missing states: X"):
        is_multi(SCHEMA, "X")


def test_activations_are_counted_from_ticks() -> None:
    """Each of a multi state's instances counts."""
    machine = Machine(SCHEMA)
    assert activations(machine.tick("A")) == 0
    machine.add("A")
    machine.add("A")
    machine.remove("A")
    assert activations(machine.tick("A")) == 2
    assert [activations(tick) for tick in range(6)] == [0, 1, 1, 2, 2, 3]


def test_relations_are_counted() -> None:
    """Every named state, tags are none."""
    assert count_relations(State()) == 0
    assert count_relations(State(add=["A"], remove=["B", "C"], require=[], after=["D"], tags=["x"])) == 4


def test_tags_have_values() -> None:
    """The first one counts; without a value there is none."""
    tags = ["big", "size:7", "size:8", "sizes:9", "empty:"]
    assert tag_value(tags, "size") == "7"
    assert tag_value(tags, "big") == ""
    assert tag_value(tags, "big", "no") == "no"
    assert tag_value(None, "size") == ""
    assert tag_value_int(tags, "size") == 7
    assert tag_value_int(tags, "empty", 3) == 3
    assert tag_value_int([], "size") == 0
    with pytest.raises(ValueError, match="tag size:big does not hold a whole number"):
        tag_value_int(["size:big"], "size")


@pytest.mark.parametrize("suffix", ["Enter", "Exit", "State", "End"])
def test_handlers_belong_to_states(suffix: str) -> None:
    """Names of other handlers, and the endings alone, are left as they are."""
    assert handler_to_state("Ready" + suffix) == "Ready"
    assert handler_to_state(suffix) == suffix
    assert handler_to_state("AnyState") == "Any"
    assert handler_to_state("ReadyStart") == "ReadyStart"


def test_a_transition_tells_its_states() -> None:
    """Added, removed, and what the steps mention."""
    tracer = LastTxTracer()
    machine = Machine(SCHEMA, tracers=[tracer], record_steps=True)
    machine.add(["A", "C"])
    assert tracer.last is not None
    assert get_transition_states(tracer.last).added == ["A", "C"]
    machine.add("A")
    assert get_transition_states(tracer.last).added == ["A"]
    machine.add("B")
    states = get_transition_states(tracer.last)
    assert (states.added, states.removed) == (["B"], ["A", "C"])
    assert set(states.touched) == {"A", "B", "C"}


def test_a_hash_depends_on_what_schemas_mean() -> None:
    """Not on orders, nor on how a schema was written."""
    assert len(schema_hash(SCHEMA)) == 6
    assert schema_hash(SCHEMA) == schema_hash(Schema(SCHEMA))
    turned = {"C": None, "B": {"remove": ["C", "A"], "after": ["C"], "add": []}, "A": State(multi=True)}
    assert schema_hash(turned) == schema_hash(SCHEMA)
    assert schema_hash(BasicStates) == schema_hash(BasicStates.schema)
    others = [
        {**SCHEMA, "C": {"auto": True}},
        {**SCHEMA, "D": {}},
        {**SCHEMA, "A": {}},
        {**SCHEMA, "C": {"tags": ["t"]}},
    ]
    assert len({schema_hash(other) for other in [SCHEMA, *others]}) == 5


def test_schemas_may_stand_in_for_others() -> None:
    """With all states, properties, relations and tags; what is missing is listed."""
    assert implements(["A", "B", "C"], ["C", "A"])
    assert implements([], [])
    assert not implements(["A"], ["B"])

    class Client(BasicStates, ConnectedStates):
        """Connects."""

    assert schema_implements(Client, ConnectedStates)
    assert schema_implements(Client, Client.schema)
    assert not schema_implements(ConnectedStates, Client)
    need: dict[str, Any] = {
        "A": {"multi": True, "auto": True},
        "Bb": {},
        "B": {"remove": ["C", "D"], "tags": ["t"]},
        "C": {"require": None, "add": []},
    }
    assert schema_gaps(SCHEMA, need) == [
        "state A is not auto",
        "state Bb is missing; there is B",
        "remove of state B lacks D",
        "tags of state B lacks t",
    ]


def test_states_are_copied_into_a_machine() -> None:
    """New ones get the last places, known ones another definition; activity stays."""
    machine = Machine({"A": {}, "X": {}})
    machine.verify_states(["X", "A", "Exception"])
    machine.add("A")
    copy_schema(SCHEMA, machine, ["C", "A", "B"])
    assert machine.states == ("X", "A", "Exception", "C", "B")
    assert machine.schema()["A"].multi
    assert machine.active == ("A",)
    machine.add("B")
    assert machine.active == ("B",)
    copy_schema({"A": {}}, machine, ["A"])
    assert not machine.schema()["A"].multi
    copy_schema(SCHEMA, machine, [])
    assert machine.schema_ver() == 5


def test_an_impossible_copy_changes_nothing() -> None:
    """Unknown states, and relations to states that would be missing."""
    machine = Machine({"A": {}})
    before = machine.schema()
    with pytest.raises(SchemaError, match="the source has no state Cc; did you mean C"):
        copy_schema(SCHEMA, machine, ["B", "Cc"])
    with pytest.raises(SchemaError, match="B has unknown C in remove"):
        copy_schema(SCHEMA, machine, ["B"])
    assert machine.schema() == before
    assert machine.states == ("A", "Exception")
