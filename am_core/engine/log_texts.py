"""Log lines about mutations and switches, without the text of arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from am_core.resolution.mutation import MutationType
from am_core.resolution.plan import Plan

if TYPE_CHECKING:
    from am_core.resolution.transition import Transition


def queued_text(verb: str, kind: MutationType, names: str) -> str:
    """The line about a mutation that was queued."""
    return f"[{verb}:{kind}] {names}"


def postponed_text(count: int) -> str:
    """The line about so many mutations that wait while a transition runs."""
    return f"[postpone] queue running ({count} item{'' if count == 1 else 's'})"


def mutation_text(kind: MutationType, is_auto: bool, names: str, is_check: bool = False) -> str:
    """The line about a mutation that begins."""
    return f"[{kind}{':auto' if is_auto else ''}{':check' if is_check else ''}] {names}"


def rejection_text(names: str) -> str:
    """The line about a mutation that the relations reject because of some of its states."""
    return f"[cancel:reject] {names}"


def switch_text(
    names: tuple[str, ...],
    plan: Plan | Transition,
    is_auto: bool,
    before: tuple[int, ...],
    after: tuple[int, ...],
    loud: bool = False,
) -> str:
    """The line about a switch, empty where nothing ticks; with ``loud``, of active states that do not tick, too."""
    parts = [f"+{names[i]}" for i in plan.enters if after[i] != before[i]]
    parts += [f"-{names[i]}" for i in plan.exits]
    if not parts:
        return ""
    if loud:
        parts += [names[i] for i in plan.target if after[i] == before[i]]
    return f"{'[auto_]' if is_auto else '[state]'} {' '.join(parts)}"
