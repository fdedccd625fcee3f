"""Arguments leave the program named, cut and without secrets, and foreign objects cannot disturb that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.sending.arguments import MAX_ITEMS, MAX_VALUE, ArgumentWriter, cut


def written(arguments: Mapping[Any, object], values: bool = True, scrub: Any = None) -> Any:
    return json.loads(ArgumentWriter(values, scrub).write("m", arguments))


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


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


def test_a_circle_ends() -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    assert written(circle) == {"self": {"self": {"self": {"self": "<dict of 1>"}}}}


def test_the_scrubber_decides_first_and_may_fail() -> None:
    assert written({"a": 1, "b": 2}, scrub=lambda machine, given: {"a": f"{machine}!"}) == {"a": "m!"}

    def failing(machine: str, given: object) -> dict[str, object]:
        raise KeyError(machine)

    assert written({"a": 1}, scrub=failing) == {"a": "[scrub failed: KeyError]"}


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
