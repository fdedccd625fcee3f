"""Which handlers a transition calls, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from am_core.resolution.mutation import REMOVE, MutationType
from am_core.schemas.model import Model
from am_core.schemas.names import ANY_INDEX, NO_INDEX

if TYPE_CHECKING:
    from am_core.handling.handlers import Calls, HandlerTable


@dataclass(slots=True, eq=False)
class Call:
    """Handlers of one name. Not changed once made."""

    name: str
    bound: Calls
    """Empty where only the log wants to know that nobody is called."""
    source: int
    target: int
    is_final: bool = False
    is_self: bool = False
    is_enter: bool = False
    judged: int = NO_INDEX
    """State that a refusal is about, -1 for the whole transition."""
    tag: str = ""


Group = tuple[Call, ...]
Negotiation = tuple[Group, Group, Group, Group]
"""Exits and enters, states that stay, pairs of states, all states. What an automatic mutation has lost in one group is
not asked about in the next ones."""
NOBODY: Final[Negotiation] = ((), (), (), ())


def negotiation(
    table: HandlerTable,
    model: Model,
    kind: MutationType,
    before: tuple[int, ...],
    before_mask: int,
    target: tuple[int, ...],
    enters: tuple[int, ...],
    exits: tuple[int, ...],
    loud: bool = False,
) -> Negotiation:
    """Handlers that may refuse a transition. With ``loud``, names without handlers are included."""
    names = model.names
    changes: list[Call] = []
    stays: list[Call] = []
    pairs: list[Call] = []
    if table.exit or loud:
        for i in exits:
            bound = table.exit.get(i, ())
            if bound or loud:
                changes.append(Call(names[i] + "Exit", bound, i, NO_INDEX))
    if table.enter or loud:
        for i in enters:
            bound = table.enter.get(i, ())
            if bound or loud:
                changes.append(Call(names[i] + "Enter", bound, NO_INDEX, i, is_enter=True, judged=i))
    if (table.self_ or loud) and kind is not REMOVE:
        for i in target:
            bound = table.self_.get(i, ())
            if (bound or loud) and before_mask >> i & 1:
                stays.append(Call(names[i] * 2, bound, NO_INDEX, i, is_self=True, judged=i, tag=":self"))
    if table.pairs or loud:
        for i in before:
            row = table.pairs.get(i, {})
            for n in target if row or loud else ():
                bound = row.get(n, ())
                if (bound or loud) and n != i:
                    pairs.append(Call(names[i] + names[n], bound, i, n, judged=n))
    every: Group = ()
    if table.any_enter or loud:
        every = (Call("AnyEnter", table.any_enter, ANY_INDEX, ANY_INDEX, is_enter=True),)
    if not (changes or stays or pairs or every):
        return NOBODY
    return tuple(changes), tuple(stays), tuple(pairs), every


def final_phase(
    table: HandlerTable, model: Model, enters: tuple[int, ...], exits: tuple[int, ...], loud: bool = False
) -> Group:
    """Handlers that run after the switch. Every entering state is listed, with or without handlers, unless there are
    no handlers at all."""
    names = model.names
    calls = []
    if table.end or loud:
        for i in exits:
            bound = table.end.get(i, ())
            if bound or loud:
                calls.append(Call(names[i] + "End", bound, NO_INDEX, i, is_final=True))
    states = table.state
    if loud or calls or table.any_state or not states.keys().isdisjoint(enters):
        for i in enters:
            calls.append(Call(names[i] + "State", states.get(i, ()), NO_INDEX, i, is_final=True, is_enter=True))
    if table.any_state or loud:
        calls.append(Call("AnyState", table.any_state, ANY_INDEX, ANY_INDEX, is_final=True, is_enter=True))
    return tuple(calls)
