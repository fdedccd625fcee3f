"""Lists of state names and the names of handlers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

ANY: Final = "Any"
EXCEPTION: Final = "Exception"
SUFFIXES: Final = ("Enter", "Exit", "State", "End")
RESERVED: Final = frozenset({ANY, *SUFFIXES})
HEALTH: Final = frozenset({"Healthcheck", "Heartbeat"})

ANY_INDEX: Final = -2
NO_INDEX: Final = -1


class S(tuple[str, ...]):
    """An immutable list of state names with the usual list algebra. Order is kept everywhere."""

    __slots__ = ()

    def __new__(cls, names: Iterable[str] | str = ()) -> S:
        return super().__new__(cls, (names,) if isinstance(names, str) else names)

    def __repr__(self) -> str:
        return f"S({list(self)})"

    def unique(self) -> S:
        """Each name once, where it was first."""
        return S(dict.fromkeys(self))

    def add(self, *others: Iterable[str]) -> S:
        """All names, each once."""
        return S(dict.fromkeys([*self, *(name for other in others for name in other)]))

    def delete(self, *names: str) -> S:
        """Without some names."""
        return S(name for name in self if name not in names)

    def sub(self, other: Iterable[str]) -> S:
        """Names that are not in another list."""
        gone = set(other)
        return S(name for name in self if name not in gone)

    def shared(self, other: Iterable[str]) -> S:
        """Names that are also in another list."""
        kept = set(other)
        return S(name for name in self if name in kept)

    def equal(self, other: Iterable[str]) -> bool:
        """The same names in any order."""
        return set(self) == set(other)

    def equal_order(self, other: Iterable[str]) -> bool:
        """The same names in the same order."""
        return tuple(self) == tuple(other)

    def has(self, names: Iterable[str]) -> bool:
        """Whether all the names are in the list."""
        return set(names) <= set(self)

    def filter_prefix(self, prefix: str) -> S:
        """Names that begin with a prefix."""
        return S(name for name in self if name.startswith(prefix))

    def filter_match(self, pattern: str | re.Pattern[str]) -> S:
        """Names in which a regular expression is found."""
        return S(name for name in self if re.search(pattern, name))

    def filter_index(self, indexes: Iterable[int]) -> S:
        """Names at some positions; positions out of range are skipped."""
        return S(self[i] for i in indexes if 0 <= i < len(self))

    def prefix(self, prefix: str) -> S:
        """Every name with a prefix put before it."""
        return S(prefix + name for name in self)

    def index_of(self, name: str) -> int:
        """Position of a name, -1 when it is missing."""
        return self.index(name) if name in self else -1

    def hash(self) -> str:
        """Four hex digits that depend on the names and their order (MD5; no security)."""
        return hashlib.md5(",".join(self).encode(), usedforsecurity=False).hexdigest()[:4]


class HandlerName(NamedTuple):
    """One meaning of a handler's name: its kind and the states it is about, by index."""

    kind: str
    """``Exit``, ``Enter``, ``Self``, ``Pair``, ``AnyEnter``, ``End``, ``State`` or ``AnyState``."""
    source: int = NO_INDEX
    target: int = NO_INDEX


def handler_meanings(name: str, index: Mapping[str, int]) -> list[HandlerName]:
    """Every way in which the engine could call a handler of this name; empty when it never would."""
    if name in ("AnyEnter", "AnyState"):
        return [HandlerName(name, ANY_INDEX, ANY_INDEX)]
    found: list[HandlerName] = []
    for suffix in SUFFIXES:
        state = index.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if state is not None:
            found.append(HandlerName(suffix, state, state))
    for cut in range(1, len(name)):
        source, target = index.get(name[:cut]), index.get(name[cut:])
        if source is not None and target is not None:
            found.append(HandlerName("Self" if source == target else "Pair", source, target))
    return found


def is_handler(names: Iterable[str], handler: str) -> tuple[str, str]:
    """The states a handler is about: (state, "") or (before, after); two empty strings for all other names."""
    known = tuple(names)
    for meaning in handler_meanings(handler, {name: i for i, name in enumerate(known)}):
        if meaning.source >= 0:
            paired = meaning.kind in ("Self", "Pair")
            return known[meaning.source], known[meaning.target] if paired else ""
    return "", ""


def ambiguous_handlers(names: Iterable[str]) -> list[str]:
    """Handler names that have more than one meaning, such as ``ABA`` for states ``A``, ``AB`` and ``BA``.

    Two splits of one name can only differ when one state's name begins with another's, so only such pairs are tried.
    """
    known = set(names)
    tails = known | set(SUFFIXES)
    rests: dict[str, list[str]] = {}
    for whole in tails:
        for cut in range(1, len(whole)):
            if whole[cut:] in tails:
                rests.setdefault(whole[:cut], []).append(whole[cut:])
    found: set[str] = set()
    for longer in known:
        for cut in range(1, len(longer)):
            if longer[:cut] in known:
                found.update(longer + tail for tail in rests.get(longer[cut:], ()))
    return sorted(found)
