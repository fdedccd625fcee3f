"""A schema compiled to bit masks: bit ``i`` of a mask stands for the state at index ``i``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from am_core.errors import InvalidStates, UnknownStateError
from am_core.schemas.names import EXCEPTION, HEALTH
from am_core.schemas.schema import Names, Schema

StateNames = str | Iterable[str]
"""One state, or several."""


def bits(mask: int) -> Iterator[int]:
    """Indexes of the set bits, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(indexes: Iterable[int]) -> int:
    """Mask of some indexes."""
    mask = 0
    for i in indexes:
        mask |= 1 << i
    return mask


def names_in(states: StateNames) -> list[str]:
    """Names as a list. Raises :class:`InvalidStates` for anything else than a name or several names."""
    if isinstance(states, str):
        return [states]
    try:
        names = list(states)
    except TypeError as error:
        raise InvalidStates(states) from error
    for name in names:
        if not isinstance(name, str):
            raise InvalidStates(states if isinstance(states, (list, tuple)) else names)
    return names


class Model:
    """Names, order and relations of one machine's states. Immutable, so machines with equal schemas share it."""

    __slots__ = (
        "add", "adders", "after_mask", "all_mask", "auto_mask", "bare_table", "exception", "exception_mask",
        "followers", "health", "index", "multi_mask", "names", "ranked", "ranks", "removable", "remove_mask",
        "removed_by", "require", "require_cycle", "require_mask", "requirers", "schema", "single",
    )  # fmt: skip

    def __init__(self, schema: Schema, names: tuple[str, ...]) -> None:
        states = [schema[name] for name in names]
        index = {name: i for i, name in enumerate(names)}
        count = len(names)

        def indexes(targets: Names) -> tuple[int, ...]:
            # A requirement on a state that does not exist becomes a bit that is never set.
            return tuple(index.get(target, count) for target in targets or ())

        self.schema = schema
        self.names = names
        self.index = index
        self.bare_table: Callable[[], Any] | None = None
        """Weak reference to the table that machines without handlers share."""
        self.single: dict[str, tuple[tuple[int, ...], int]] = {}
        """Called states and mask of mutations that name one state, for those that were called already."""
        self.exception = index[EXCEPTION]
        self.exception_mask = 1 << self.exception
        self.health = frozenset((index[name],) for name in HEALTH if name in index)
        self.all_mask = (1 << count) - 1
        self.auto_mask = mask_of(i for i, state in enumerate(states) if state.auto)
        self.multi_mask = mask_of(i for i, state in enumerate(states) if state.multi)
        self.add = tuple(indexes(state.add) for state in states)
        self.require = tuple(indexes(state.require) for state in states)
        self.require_mask = tuple(map(mask_of, self.require))
        self.remove_mask = tuple(mask_of(indexes(state.remove)) for state in states)
        self.after_mask = tuple(mask_of(indexes(state.after)) for state in states)
        removed_by = [0] * (count + 1)
        for i, state in enumerate(states):
            for n in indexes(state.remove):
                removed_by[n] |= 1 << i
        self.removed_by = tuple(removed_by[:count])
        self.adders = mask_of(i for i, rel in enumerate(self.add) if rel)
        self.requirers = mask_of(i for i, rel in enumerate(self.require) if rel)
        self.followers = mask_of(i for i, rel in enumerate(self.after_mask) if rel)
        self.removable = mask_of(i for i, rel in enumerate(self.removed_by) if rel)
        self.ranks, self.require_cycle = require_ranks(self.require, count)
        self.ranked = mask_of(i for i, rank in enumerate(self.ranks or ()) if rank >= 0)

    def called(self, states: StateNames, machine_id: str) -> tuple[tuple[int, ...], int]:
        """Indexes (each once) and mask of called states. Raises :class:`UnknownStateError`."""
        if isinstance(states, str):
            single = self.single.get(states)
            if single is None:
                i = self.index.get(states)
                if i is None:
                    raise UnknownStateError([states], self.names, machine_id)
                single = self.single[self.names[i]] = (i,), 1 << i
            return single
        index = self.index
        names = names_in(states)
        missing = [name for name in names if name not in index]
        if missing:
            raise UnknownStateError(missing, self.names, machine_id)
        called = tuple(dict.fromkeys([index[name] for name in names]))
        return called, mask_of(called)

    def state_name(self, index: int) -> str:
        """Name at an index; ``unknownN`` beyond the states."""
        return self.names[index] if 0 <= index < len(self.names) else f"unknown{index}"

    def text(self, indexes: Iterable[int]) -> str:
        """Names separated by blanks."""
        return " ".join([self.names[i] for i in indexes])

    def mask_text(self, mask: int) -> str:
        """Names in index order, separated by blanks."""
        return self.text(bits(mask))


def require_ranks(require: tuple[tuple[int, ...], ...], count: int) -> tuple[tuple[int, ...] | None, str | int]:
    """Positions in the post-order of a depth-first search along ``require``; -1 for states that take no part.

    Returns the ranks, or None when there is nothing to rank, and the index of a state on a cycle ("" without one); a
    cycle leaves everything unranked. The search keeps its own stack, so long chains are no problem.
    """
    ranks = [-1] * count
    done: dict[int, int] = {}
    open_: set[int] = set()
    for root in range(count):
        if not require[root] or root in done:
            continue
        stack = [(root, iter(require[root]))]
        open_.add(root)
        while stack:
            state, rest = stack[-1]
            following = next((n for n in rest if n < count and n not in done), None)
            if following is None:
                stack.pop()
                open_.discard(state)
                done[state] = len(done)
            elif following in open_:
                return None, following
            else:
                open_.add(following)
                stack.append((following, iter(require[following])))
    for state, rank in done.items():
        ranks[state] = rank
    return (tuple(ranks) if done else None), ""


_MODELS: dict[tuple[object, ...], Model] = {}
_MODELS_LIMIT = 256


def model_of(schema: Schema, names: tuple[str, ...]) -> Model:
    """Compile a parsed schema, or return the model of an equal one. Thread-safe."""
    key = (names, *(schema[name] for name in names))
    model = _MODELS.get(key)
    if model is None:
        if len(_MODELS) >= _MODELS_LIMIT:
            _MODELS.clear()
        model = _MODELS[key] = Model(schema, names)
    return model
