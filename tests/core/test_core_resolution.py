"""Bit masks lead to the same states as lists do."""

from __future__ import annotations

from typing import Any

import naive
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core.resolution.mutation import MutationType
from am_core.resolution.relations import resolve
from am_core.schemas.model import Model, mask_of
from am_core.schemas.schema import parse_schema

POOL = ("A", "B", "C", "D", "E", "F", "G")


@st.composite
def schemas(draw: st.DrawFn, least: int = 2) -> dict[str, dict[str, Any]]:
    """Up to seven states with any relations to each other."""
    names = list(POOL[: draw(st.integers(least, 7))])
    some = st.lists(st.sampled_from(names), max_size=3, unique=True)
    nothing: st.SearchStrategy[list[str]] = st.just([])
    few = st.one_of(nothing, nothing, some)
    return {
        name: {
            "multi": draw(st.integers(0, 4)) == 0,
            "auto": draw(st.integers(0, 4)) == 0,
            "add": draw(few),
            "require": [other for other in draw(few) if other != name],
            "remove": draw(few),
            "after": draw(few),
        }
        for name in names
    }


@settings(max_examples=400)
@given(schemas(), st.data())
def test_masks_and_lists_agree(raw: dict[str, dict[str, Any]], data: st.DataObject) -> None:
    """Targets and their order, enters, exits and what is rejected, for any order of active states."""
    schema = parse_schema(raw).schema
    names = tuple(data.draw(st.permutations(sorted(schema)), label="order"))
    model = Model(schema, names)
    add, require, remove, after = (
        {name: getattr(schema[name], relation) or () for name in names}
        for relation in ("add", "require", "remove", "after")
    )
    multi = frozenset(name for name in names if schema[name].multi)
    world = naive.World(names, add, require, remove, after, multi)
    for _ in range(4):
        active = data.draw(st.lists(st.sampled_from(names), unique=True), label="active")
        called = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3), label="called")
        kind = data.draw(st.sampled_from([MutationType.ADD, MutationType.REMOVE, MutationType.SET]), label="kind")
        indexes = tuple(names.index(name) for name in called)
        before = tuple(names.index(name) for name in active)
        plan = resolve(model, kind, indexes, mask_of(indexes), before, mask_of(before))
        expected = naive.resolve(world, str(kind), called, active)
        assert [names[i] for i in plan.target] == expected.target
        assert [names[i] for i in plan.enters] == expected.enters
        assert [names[i] for i in plan.exits] == expected.exits
        assert {name for i, name in enumerate(names) if plan.rejected >> i & 1} == expected.rejected
        assert plan.target_mask == mask_of(plan.target)
