"""Named sets of states."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from am_core import Group, Machine, S, Schema, SchemaError, State, States
from am_core.states import BasicStates, ConnectedStates


class FileStates(BasicStates):
    """A download that is processed."""

    Downloading = State(remove=["Downloaded"])
    Downloaded = State(remove=[Downloading])
    Processing = State(auto=True, require=[Downloaded])

    Download = Group(Downloading, Downloaded)
    Work = Group(*Download, Processing, BasicStates.Start, Processing)


class First(States):
    State00 = State()
    State01 = State()

    class Groups:
        """Named sets of states."""

        Group0 = ["State00", "State01"]


class Second(First):
    State10 = State()
    State11 = State()


class Third(Second):
    State20 = State()
    State21 = State()
    Ends = Group(First.State00, State21)


def test_a_group_is_written_without_quotes_and_becomes_a_list_of_names() -> None:
    """Usable wherever several states may be named."""
    assert FileStates.groups == {
        "Download": ("Downloading", "Downloaded"),
        "Work": ("Downloading", "Downloaded", "Processing", "Start"),
    }
    assert FileStates.Download == S(["Downloading", "Downloaded"])
    machine = Machine(FileStates)
    machine.add("Downloading")
    assert machine.any1(*FileStates.Download)
    machine.remove(FileStates.Download)
    assert not machine.any1(*FileStates.Download)


def test_a_group_may_be_a_relation() -> None:
    """Within the class that defines it, too."""

    class Light(States):
        Red = State()
        Green = State()
        Colours = Group(Red, Green)
        Off = State(remove=Colours)

    machine = Machine(Light)
    machine.add(Light.Colours)
    machine.add("Off")
    assert machine.active == ("Off",)


def test_groups_of_the_schema_tell_who_defined_what() -> None:
    """Own states first, then those of the bases; the root is left out."""
    assert Third.names == ("Exception", "State00", "State01", "State10", "State11", "State20", "State21")
    assert Third.schema_groups == {"self": [5, 6], "Second": [3, 4], "First": [1, 2]}
    assert list(Third.schema_groups) == ["self", "Second", "First"]


def test_groups_are_inherited_and_can_be_replaced() -> None:
    """Those of the bases come first."""

    class More(Third):
        Extra = State()
        Ends = Group(*Third.Ends, Extra)
        Group0 = Group(Extra)

    assert Third.groups == {"Group0": ("State00", "State01"), "Ends": ("State00", "State21")}
    assert More.groups == {"Group0": ("Extra",), "Ends": ("State00", "State21", "Extra")}
    assert list(More.groups) == ["Group0", "Ends"]


def test_a_misspelt_member_is_refused_when_the_class_is_written() -> None:
    """With the nearest name."""
    with pytest.raises(SchemaError, match=r"group Both names Opn, which is not a state; did you mean Open\?"):
        type("Bad", (States,), {"Open": State(), "Both": Group("Opn")})
    with pytest.raises(SchemaError, match=r"Bad\.Connected is a state and a group"):
        type("Bad", (ConnectedStates,), {"Connected": Group("Connecting")})
    with pytest.raises(SchemaError, match="not one of its attributes"):
        type("Bad", (States,), {"Both": Group(State())})


def test_machines_know_the_groups_of_their_class() -> None:
    """Named ones first, then those by defining class, as indexes."""
    machine = Machine(Third)
    assert machine.groups() == {
        "Group0": [1, 2],
        "Ends": [1, 6],
        "self": [5, 6],
        "Second": [3, 4],
        "First": [1, 2],
    }
    assert list(machine.groups()) == ["Group0", "Ends", "self", "Second", "First"]
    assert Machine({"A": {}}).groups() == {}


def test_groups_are_set_on_a_machine() -> None:
    """From a mapping, with the groups of a class after them, or from the class alone."""
    machine = Machine(Third)
    machine.set_groups({"GroupTestNameBar": ["State20", "State00", "State20"]}, Third)
    assert machine.groups() == {"GroupTestNameBar": [5, 1], "self": [5, 6], "Second": [3, 4], "First": [1, 2]}
    assert next(iter(machine.groups())) == "GroupTestNameBar"
    machine.set_groups({"self": ["State00"]}, Third)
    assert machine.groups() == {"self": [1], "Second": [3, 4], "First": [1, 2]}
    machine.set_groups(Second)
    assert machine.groups() == {"Group0": [1, 2], "self": [3, 4], "First": [1, 2]}
    with pytest.raises(SchemaError, match="group G names State9, which is not a state; did you mean State"):
        machine.set_groups({"G": ["State9"]})
    with pytest.raises(SchemaError, match="group G is the text 'State00', a list of names was expected"):
        machine.set_groups({"G": "State00"})
    assert machine.groups() == {"Group0": [1, 2], "self": [3, 4], "First": [1, 2]}
    assert Machine(Third).groups()["Ends"] == [1, 6]


def test_a_class_of_groups_may_inherit_from_another() -> None:
    """Given to a machine, or within a class of typed states."""

    class Base:
        Group0 = ["State00"]
        Group1 = ["State01"]

    class Derived(Base):
        Group1 = ["State01", "State10"]

        def helper(self) -> None:
            """Is no group."""

    class Typed(Second):
        class Groups(Derived):
            """Named sets of states."""

            Group2 = ["State11"]

    machine = Machine(Third)
    machine.set_groups(Derived)
    assert machine.groups() == {"Group0": [1], "Group1": [2, 3]}
    machine.set_groups(Derived, Second)
    assert list(machine.groups()) == ["Group0", "Group1", "self", "First"]
    assert Typed.groups == {"Group0": ("State00",), "Group1": ("State01", "State10"), "Group2": ("State11",)}


def test_groups_follow_the_order_of_the_states() -> None:
    """Their indexes change when it does, also when the schema grows."""
    machine = Machine(Schema({"A": None, "B": None}, {"G": ["A", "B"]}))
    machine.verify_states(["B", "Exception", "A"])
    assert machine.groups() == {"G": [2, 0]}
    machine.set_schema(machine.schema().merge({"C": None}), ["C", "B", "Exception", "A"])
    assert machine.groups() == {"G": [3, 1]}
    machine.set_schema(machine.schema().merge(Schema({"D": None}, {"H": ["D"]})), ["C", "B", "Exception", "A", "D"])
    assert machine.groups() == {"G": [3, 1], "H": [4]}


def test_groups_are_written_with_the_schema() -> None:
    """And read again, in order; a machine writes all it has."""
    text = json.dumps(Machine(Third).schema().to_dict())
    assert json.loads(text)["$groups"]["Ends"] == ["State00", "State21"]
    back = Schema.from_dict(json.loads(text))
    assert list(back.groups) == ["Group0", "Ends", "self", "Second", "First"]
    machine = Machine(back)
    machine.verify_states(Third.names)
    assert machine.groups() == Machine(Third).groups()
    assert "$groups" not in Schema({"A": None}).to_dict()


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        (["A"], r"\$groups is \['A'\], a mapping of names to lists of states was expected"),
        ({"G": "A"}, "group G is 'A', a list of names was expected"),
        ({"G": ["a"]}, "group G names a, which is not a state"),
        ({1: ["A"]}, "the name 1 of a group is no text; put it into quotes"),
    ],
)
def test_wrong_groups_of_a_file_are_refused(groups: object, problem: str) -> None:
    """With the reason."""
    with pytest.raises(SchemaError, match=problem):
        Schema.from_dict({"A": {}, "$groups": groups})


def test_a_state_may_have_the_name_of_the_key() -> None:
    """It is written with one dollar sign more."""
    schema = Schema({"$groups": None, "$$groups": None, "groups": None}, {"G": ["$groups"]})
    data = schema.to_dict()
    assert list(data) == ["$$groups", "$$$groups", "groups", "$groups"]
    back = Schema.from_dict(data)
    assert back == schema
    assert back.groups == schema.groups


def test_groups_go_along_with_the_algebra_of_schemas() -> None:
    """Merging takes the later definition, prefixes rename and drop what was left out."""
    one = Schema({"A": None, "B": None}, {"G": ["A", "B"], "H": ["B"]})
    two = Schema({"C": None}).with_groups({"H": ["C"]})
    assert one.merge(two).groups == {"G": ("A", "B"), "H": ("C",)}
    assert one.groups == {"G": ("A", "B"), "H": ("B",)}
    assert one.prefix("X", skip=["B"]).groups == {"XG": ("XA",), "XH": ()}
    assert Schema(one).groups == one.groups
    assert Schema({"A": None}) == Schema({"A": None}, {"G": ["A"]})


def test_schemas_with_groups_can_be_copied_and_pickled() -> None:
    """Changing a copy's groups does not reach the original."""
    schema = Schema({"A": None}, {"G": ["A"]})
    for twin in (copy.copy(schema), copy.deepcopy(schema), pickle.loads(pickle.dumps(schema))):
        assert twin == schema
        assert twin.groups == {"G": ("A",)}
    schema.groups["G"] = ()
    assert schema.groups == {"G": ("A",)}
