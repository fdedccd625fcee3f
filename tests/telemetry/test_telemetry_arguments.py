"""Arguments leave the program named, cut and without secrets, and foreign objects cannot disturb that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.sending.arguments import MAX_ITEMS, MAX_TOTAL, MAX_VALUE, ArgumentWriter, cut


def written(arguments: Mapping[Any, object], values: bool = True, scrub: Any = None) -> Any:
    return json.loads(ArgumentWriter(values, scrub).write("m", arguments))


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class HostileList(list[object]):
    def __getitem__(self, index: Any) -> Any:
        raise LookupError("no")


def test_without_values_only_names_are_told() -> None:
    assert written({"id": 1, "when": "now"}, values=False) == {"id": None, "when": None}


def test_plain_values_stay_what_they_are() -> None:
    plain = {"a": 1, "b": "x", "c": True, "d": [1, ["y"]], "e": {"f": 2}}
    assert written(plain) == plain


def test_everything_else_is_described() -> None:
    shown = written({"none": None, "float": 1.5, "nan": float("nan"), "huge": 10**30, "set": {1}, "object": Hostile()})
    assert shown == {
        "none": "None",
        "float": "1.5",
        "nan": "nan",
        "huge": str(10**30),
        "set": "<set of 1>",
        "object": "<Hostile: repr failed with RuntimeError>",
    }


def test_secrets_are_hidden_at_every_depth() -> None:
    secrets = {"password": "a", "API_KEY": "b", "user": {"auth_token": "c", "name": "d"}}
    assert written(secrets) == {
        "password": "[hidden]",
        "API_KEY": "[hidden]",
        "user": {"auth_token": "[hidden]", "name": "d"},
    }


def test_long_and_deep_values_are_cut() -> None:
    deep: Any = 1
    for _ in range(10):
        deep = [deep]
    shown = written({"long": "x" * 10_000, "deep": deep, "many": list(range(1000))})
    assert len(shown["long"]) <= MAX_VALUE
    assert shown["long"].endswith("(10000 characters)")
    assert shown["deep"] == [[["<list of 1>"]]]
    assert shown["many"][-1] == f"… {1000 - MAX_ITEMS} more"


def test_collections_that_cannot_be_read_are_described_too() -> None:
    shown = written({"keys": {Hostile(): 1}, "items": HostileList([1]), "after": 1})
    assert shown == {
        "keys": "<dict: repr failed with RuntimeError>",
        "items": "<HostileList: repr failed with LookupError>",
        "after": 1,
    }


@pytest.mark.parametrize("values", [True, False])
def test_names_that_are_no_text_do_not_disturb_anybody(values: bool) -> None:
    assert written({Hostile(): 1}, values) == {"…": "not described because of RuntimeError"}
    assert written({"a": 1}, values, scrub=lambda *_: {Hostile(): 1}) == {"…": "not described because of RuntimeError"}


def test_many_nested_values_take_bounded_room() -> None:
    """Each level alone is within its limit, all of them together would be sixty megabytes."""
    inner = {f"{n}": "x" * 500 for n in range(50)}
    wide = {"first": 1, **{f"{n}": {f"{m}": [inner] * 50 for m in range(50)} for n in range(49)}}
    text = ArgumentWriter(True, None).write("m", wide)
    assert len(text) < 2 * MAX_TOTAL
    shown = json.loads(text)
    assert shown["first"] == 1
    assert shown["…"].endswith(" more")


def test_a_circle_ends() -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    assert written(circle) == {"self": {"self": {"self": {"self": "<dict of 1>"}}}}


def test_the_scrubber_decides_first_and_may_fail() -> None:
    assert written({"a": 1, "b": 2}, scrub=lambda machine, given: {"a": f"{machine}!"}) == {"a": "m!"}

    for failure in (KeyError, SystemExit):

        def failing(machine: str, given: object, failure: type[BaseException] = failure) -> dict[str, object]:
            raise failure(machine)

        assert written({"a": 1}, scrub=failing) == {"a": f"[scrub failed: {failure.__name__}]"}


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.builds(Hostile)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=10,
)


@settings(max_examples=100)
@given(st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), ANYTHING, max_size=5), st.booleans())
def test_whatever_the_arguments_are_an_object_in_json_comes_out(arguments: dict[Any, Any], values: bool) -> None:
    assert isinstance(written(arguments, values), dict)


@given(st.text(max_size=100), st.integers(20, 60))
def test_a_cut_text_never_exceeds_its_limit(text: str, limit: int) -> None:
    shown = cut(text, limit)
    assert len(shown) <= limit or limit < len(f"… ({len(text)} characters)")
    assert (shown == text) == (len(text) <= limit)
