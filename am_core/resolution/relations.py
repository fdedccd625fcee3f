"""Which states a mutation leads to. Pure functions over a :class:`~am_core.schemas.model.Model`.

The order of a configuration matters (it decides between states that remove each other, and in which order handlers
run), so every stage works on an ordered list of indexes together with the mask of the same states.
"""

from __future__ import annotations

from am_core.resolution.mutation import ADD, REMOVE, SET, MutationType
from am_core.resolution.plan import Plan, Trail
from am_core.schemas.model import Model, bits


def resolve(
    model: Model,
    kind: MutationType,
    called: tuple[int, ...],
    called_mask: int,
    active: tuple[int, ...],
    active_mask: int,
    trail: Trail | None = None,
) -> Plan:
    """The plan of a mutation in a configuration. Everything about relations is decided here.

    A non-automatic mutation is accepted when every called state is part of the target; the caller relaxes that for
    automatic ones with ``plan.rejected``.
    """
    if trail is not None:
        trail.seed(kind, called, active, active_mask, called_mask)
    if kind is ADD:
        seed = list(called)
        seed += [i for i in active if not called_mask >> i & 1] if called_mask & active_mask else active
        mask = called_mask | active_mask
    elif kind is SET:
        seed, mask = list(called), called_mask
    else:
        seed = [i for i in active if not called_mask >> i & 1]
        mask = active_mask & ~called_mask
    banned = called_mask if kind is REMOVE else 0
    target, target_mask = settle(model, seed, mask, active_mask, called_mask, ~banned, trail)
    if trail is not None:
        trail.implied(target, mask)

    rejected = 0 if kind is REMOVE else called_mask & ~target_mask
    canceled = rejected and (rejected == called_mask or trail is None or not trail.auto)
    if canceled and trail is not None:
        trail.rejected(called, rejected)
    exits = chosen(active, active_mask & ~target_mask)
    enters = chosen(target, target_mask & ~(active_mask & ~(called_mask & model.multi_mask)))
    if len(exits) > 1 and (model.ranked | model.followers) & active_mask:
        exits = sort(model, exits, active_mask & ~target_mask, None if canceled else trail)
    return Plan(target, target_mask, tuple(enters), tuple(exits), rejected)


def chosen(states: tuple[int, ...], mask: int) -> list[int]:
    """Those of some states that are in a mask, in their order."""
    if not mask & (mask - 1):
        return [mask.bit_length() - 1] if mask else []
    return [i for i in states if mask >> i & 1]


def resolve_again(
    model: Model,
    called: tuple[int, ...],
    called_mask: int,
    negotiated: int,
    active: tuple[int, ...],
    active_mask: int,
    trail: Trail | None = None,
) -> Plan:
    """The plan of an automatic mutation whose target was negotiated: what is left of its called states is added.

    Nothing may come in that was not part of the first target, because nobody negotiated it: should relations imply such
    a state, they are applied once more without it.
    """
    kept = tuple([i for i in called if negotiated >> i & 1])
    kept_mask = called_mask & negotiated
    within = active_mask | negotiated
    for allowed in (-1, within):
        if trail is not None:
            trail.restart()
            trail.seed(ADD, kept, active, active_mask, kept_mask)
        seed = [*kept, *[i for i in active if not kept_mask >> i & 1]]
        target, target_mask = settle(model, seed, active_mask | kept_mask, active_mask, called_mask, allowed, trail)
        if not target_mask & ~within:
            break
    again = active_mask & ~(kept_mask & model.multi_mask)
    enters = tuple([i for i in target if not again >> i & 1])
    exits = sort(model, [i for i in active if not target_mask >> i & 1], active_mask & ~target_mask, None)
    return Plan(target, target_mask, enters, tuple(exits), 0)


def settle(
    model: Model,
    seed: list[int],
    mask: int,
    before: int,
    called: int,
    allowed: int,
    trail: Trail | None = None,
) -> tuple[tuple[int, ...], int]:
    """Apply all relations to a seed; returns the ordered target and its mask.

    ``allowed`` limits what may be implied: nothing that a remove mutation names, and in the second resolution of an
    automatic transition nothing that was not negotiated.
    """
    states = seed
    # A state that was active before implies nothing, unless it is multi.
    adders = model.adders & (~before | model.multi_mask)
    if adders & mask:
        states, mask = imply(model, states, mask, adders, allowed, trail)
    if model.requirers & mask:
        states, mask = require(model, states, mask, called, trail)

    # The walk below goes from last to first, therefore the survivors are in reverse order.
    survivors: list[int] = states[::-1]
    if model.removable & mask:
        survivors, mask = block(model, states, mask, before, trail)
    if adders & mask:
        banned = 0
        for i in survivors:
            banned |= model.remove_mask[i]
        survivors, mask = imply(model, survivors, mask, adders, allowed, trail, banned)
    states = survivors[::-1]
    if model.requirers & mask:
        states, mask = require(model, states, mask, called, trail)
    if len(states) > 1 and (model.ranked | model.followers) & mask:
        states = sort(model, states, mask, trail)
    return tuple(states), mask


def imply(
    model: Model, states: list[int], mask: int, adders: int, allowed: int, trail: Trail | None, banned: int = 0
) -> tuple[list[int], int]:
    """Append what the states of a list add; what was just appended is not looked at."""
    grown = states.copy()
    for i in states:
        if not adders >> i & 1:
            continue
        implied = [n for n in model.add[i] if allowed >> n & 1]
        if trail is not None:
            trail.adds(i, implied)
        for n in implied:
            if not (mask | banned) >> n & 1:
                mask |= 1 << n
                grown.append(n)
    return grown, mask


def require(model: Model, states: list[int], mask: int, called: int, trail: Trail | None) -> tuple[list[int], int]:
    """Drop states with a missing requirement, again and again until nothing changes."""
    while True:
        kept: list[int] = []
        left = mask
        for i in states:
            if trail is not None and model.require[i]:
                trail.requires(i, model.require[i], mask, called)
            if model.require_mask[i] & ~mask:
                left &= ~(1 << i)
            else:
                kept.append(i)
        if left == mask:
            return states, mask
        states, mask = kept, left


def block(model: Model, states: list[int], mask: int, before: int, trail: Trail | None) -> tuple[list[int], int]:
    """Drop states that others remove, judging from last to first; returns the survivors in that order."""
    whole = mask
    removed_by = model.removed_by
    if trail is None:
        endangered = [i for i in states if removed_by[i] & mask]
        if not endangered:
            return states[::-1], mask
        for i in reversed(endangered):
            if removed_by[i] & mask:
                mask &= ~(1 << i)
        return [i for i in reversed(states) if mask >> i & 1], mask
    survivors: list[int] = []
    for i in reversed(states):
        blockers = removed_by[i] & mask
        if removed_by[i] & whole:
            trail.removes(i, [n for n in states if removed_by[i] >> n & 1], blockers, before)
        if blockers:
            mask &= ~(1 << i)
        else:
            survivors.append(i)
    return survivors, mask


def sort(model: Model, states: list[int], mask: int, trail: Trail | None) -> list[int]:
    """Order by requirement, then by ``after``; both keep the order of states they say nothing about."""
    if model.ranks is not None and model.ranked & mask and len(states) > 1:
        states = sorted(states, key=model.ranks.__getitem__)
    if not model.followers & mask:
        return states
    after = model.after_mask
    if trail is not None:
        for i in states:
            trail.follows(i, [n for n in states if after[i] >> n & 1])
    waiting = mask
    rest = states
    ordered: list[int] = []
    while rest:
        # On a cycle nobody is free; the first one then goes ahead.
        free = next((i for i in rest if not after[i] & waiting), rest[0])
        ordered.append(free)
        waiting &= ~(1 << free)
        rest = [i for i in rest if i != free]
    return ordered


def auto_candidates(model: Model, active_mask: int) -> list[int]:
    """Automatic states that are inactive and not removed by an active state, in index order."""
    candidates = model.auto_mask & ~active_mask
    return [i for i in bits(candidates) if not model.removed_by[i] & active_mask]
