"""Resolution as it is described, with lists of names and nothing else: slow, and easy to check by reading."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

Relations = Mapping[str, tuple[str, ...]]


class World(NamedTuple):
    """A schema by relation, and the names in index order."""

    names: tuple[str, ...]
    add: Relations
    require: Relations
    remove: Relations
    after: Relations
    multi: frozenset[str]


class Outcome(NamedTuple):
    """What a mutation leads to."""

    target: list[str]
    enters: list[str]
    exits: list[str]
    rejected: set[str]


def unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def resolve(world: World, kind: str, called: list[str], active: list[str], barred: Collection[str] = ()) -> Outcome:
    """All stages one after the other. What is barred cannot be implied."""
    if kind == "remove":
        seed = [name for name in active if name not in called]
    else:
        seed = unique(called + (active if kind == "add" else []))
    barred = [*barred, *(called if kind == "remove" else [])]
    states = imply(world, seed, active, barred)
    states = require(world, states)
    states = block(world, states)
    banned = [name for owner in states for name in world.remove[owner]]
    states = imply(world, states, active, barred + banned)
    states = require(world, states[::-1])
    target = order(world, states)
    exits = order(world, [name for name in active if name not in target])
    enters = [name for name in target if name not in active or (name in world.multi and name in called)]
    return Outcome(target, enters, exits, set() if kind == "remove" else set(called) - set(target))


def imply(world: World, states: list[str], before: list[str], barred: list[str]) -> list[str]:
    grown = list(states)
    for owner in states:
        if owner in before and owner not in world.multi:
            continue
        for name in world.add[owner]:
            if name not in barred:
                grown.append(name)
    return unique(grown)


def require(world: World, states: list[str]) -> list[str]:
    while True:
        kept = [name for name in states if all(needed in states for needed in world.require[name])]
        if kept == states:
            return states
        states = kept


def block(world: World, states: list[str]) -> list[str]:
    """The survivors, in reverse order."""
    dropped: list[str] = []
    for name in states[::-1]:
        if any(name in world.remove[other] for other in states if other not in dropped):
            dropped.append(name)
    return [name for name in states[::-1] if name not in dropped]


def order(world: World, states: list[str]) -> list[str]:
    ranks = topology(world)
    rest = sorted(states, key=lambda name: ranks.index(name) if name in ranks else -1)
    ordered: list[str] = []
    while rest:
        free = [name for name in rest if not any(other in rest for other in world.after[name])]
        ordered.append((free or rest)[0])
        rest.remove(ordered[-1])
    return ordered


def topology(world: World) -> list[str]:
    """States in the order in which a depth-first search along ``require`` leaves them; empty on a cycle."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> bool:
        if name in path:
            return False
        if name not in done:
            if not all(visit(needed, (*path, name)) for needed in world.require[name]):
                return False
            done.append(name)
        return True

    for root in world.names:
        if world.require[root] and not visit(root, ()):
            return []
    return done
