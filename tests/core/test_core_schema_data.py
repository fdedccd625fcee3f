"""Schemas to and from the data of files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Machine, Schema, SchemaError, State
from am_core.states import BasicStates

NAMES = st.text(min_size=1, max_size=8)
LISTS = st.none() | st.lists(NAMES, max_size=4)
STATES = st.builds(
    State,
    auto=st.booleans(),
    multi=st.booleans(),
    require=LISTS,
    add=LISTS,
    remove=LISTS,
    after=LISTS,
    tags=LISTS,
)


@settings(max_examples=200)
@given(st.dictionaries(NAMES, STATES, max_size=6))
def test_a_schema_survives_json(states: dict[str, State]) -> None:
    """With its order, and with the difference between no relation and an empty one."""
    schema = Schema(states)
    back = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert back == schema
    assert list(back) == list(schema)


def test_only_what_is_set_is_written() -> None:
    """Plain text, lists and booleans; also for states written as classes."""
    schema = Schema({"A": {"auto": True, "remove": ["B"], "add": []}, "B": None})
    assert schema.to_dict() == {"A": {"auto": True, "add": [], "remove": ["B"]}, "B": {}}
    plain = BasicStates.schema.to_dict()
    assert plain["Ready"] == {"require": ["Start"]}
    assert {type(name) for name in plain} == {str}
    assert Schema.from_dict(plain) == BasicStates.schema


def test_a_machine_can_be_built_from_a_file() -> None:
    """States without fields may be left empty, as YAML does."""
    machine = Machine(Schema.from_dict({"A": None, "B": {"require": ["A"], "add": None}}))
    assert machine.add("B").canceled
    assert machine.add(["A", "B"]).executed


def test_everything_wrong_is_listed() -> None:
    """What looks like a switch or a list but is none would otherwise be guessed at."""
    data: dict[Any, Any] = {
        "A": {"auto": "false", "requires": ["B"]},
        "B": {"remove": "A", "add": [1], "colour": "red"},
        "C": ["A"],
        True: {},
    }
    with pytest.raises(SchemaError) as caught:
        Schema.from_dict(data)
    assert caught.value.problems == (
        "auto of state A is 'false', true or false was expected",
        "state A has an unknown key 'requires'; did you mean require?",
        "remove of state B is 'A', a list of names was expected",
        "add of state B is [1], a list of names was expected",
        "state B has an unknown key 'colour'; known are auto, multi, require, add, remove, after, tags",
        "state C is ['A'], a mapping was expected",
        "the name True is no text; put it into quotes",
    )


@pytest.mark.parametrize("data", [None, [], "A: {}", ["x" * 200]])
def test_data_that_is_no_mapping_is_refused(data: object) -> None:
    """The message shows its beginning."""
    with pytest.raises(SchemaError, match="a mapping of names to states was expected") as caught:
        Schema.from_dict(data)
    assert len(str(caught.value)) < 150
