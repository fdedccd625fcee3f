"""A lazily built automaton: what a machine has done before is looked up instead of worked out again.

The outcome of a mutation depends on nothing but the ordered active states, the type and the called states. So there is
a graph of *configurations* (ordered active states), connected by *edges* (outcomes of mutations) that are added when
they are met for the first time. Every mutation takes one of three paths:

* *resolved*: the edge is not known. The relations decide (:mod:`am_core.resolution.relations`), and the outcome becomes
  an edge.
* *planned*: the edge is known, and somebody takes part (handlers) or looks on (tracers, waiters, logs). The transition
  runs as always (:mod:`am_core.engine.execution`), only nothing is resolved. Whatever happens differently than planned,
  such as the partial acceptance of automatic states, leaves the edge and is resolved.
* *express*: nobody takes part or looks on, and the machine is at rest. A :class:`Macrostep`, the mutation together with
  the automatic transition it brings about, is applied at once (:mod:`am_core.engine.express`). A tracer may have it
  noted and learn later what there is to tell (:mod:`am_core.engine.retelling`).

Everything here is immutable once published, or a dictionary that only sees single reads and writes, so threads need no
lock; in a race the same edge is made twice. An automaton belongs to one table of handlers and one model, so it is
dropped with either; machines with equal models and without handlers share one. Steps and log notes are recorded per
edge when they are wanted for the first time, so their levels may change at any time.

Mutations that never repeat themselves make the automaton a burden; a machine notices that and does without for a while.
"""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import TYPE_CHECKING, Final

from am_core.resolution.calls import Call, Negotiation, final_phase, negotiation
from am_core.resolution.mutation import ADD, CANCELED, EXECUTED, REMOVE, MutationType
from am_core.resolution.plan import Plan, Recorded, Trail, ticks_of
from am_core.resolution.relations import auto_candidates, resolve, resolve_again
from am_core.schemas.model import Model, mask_of

if TYPE_CHECKING:
    from am_core.handling.handlers import HandlerTable
    from am_core.machine import Machine

LIMIT: Final = 4096
"""Edges and configurations of one automaton; when there are more it starts anew."""
AUTO: Final = 3
"""Position of automatic mutations among the edges of a configuration, after the types of others."""
PATIENCE: Final = 1024
"""Misses of a machine after which it is considered whether the automaton is of any use to it."""
HOPELESS: Final = 0.875
"""Share of misses above which it is not."""
PAUSE: Final = 32 * PATIENCE
"""Transitions after which it is tried again."""


class PlanCache(Enum):
    """Whether a machine uses what is known about earlier mutations."""

    AUTO = "auto"
    """As long as mutations repeat themselves."""
    ALWAYS = "always"
    """From the first repetition on, and without ever giving up. Meant for tests."""
    NEVER = "never"

    @classmethod
    def chosen(cls, value: str | None) -> PlanCache:
        """From an option, or else the environment variable ``AM_PLAN_CACHE``. Raises :class:`ValueError`."""
        return cls(value or os.environ.get("AM_PLAN_CACHE") or "auto")


NEVER_REACHED: Final = sys.maxsize


class Configuration:
    """Active states in their order, and what is known about mutations from here."""

    __slots__ = ("active", "add", "automaton", "edges", "mask", "remove", "set")

    def __init__(self, automaton: Automaton, active: tuple[int, ...], mask: int) -> None:
        self.automaton = automaton
        self.active = active
        self.mask = mask
        self.edges: tuple[dict[tuple[int, ...], Edge], ...] = ({}, {}, {}, {})
        """By type of mutation (automatic ones last), then by called states."""
        self.add: dict[str, Edge] = {}
        """Familiar edges of adding a single state, by its name; likewise for the other types."""
        self.remove: dict[str, Edge] = {}
        self.set: dict[str, Edge] = {}

    def known(self, kind: int, called: tuple[int, ...], called_mask: int) -> Edge:
        """The edge of a mutation, which is made if need be."""
        return self.edges[kind].get(called) or self.learn(kind, called, called_mask)

    def learn(self, kind: int, called: tuple[int, ...], called_mask: int, plan: Plan | None = None) -> Edge:
        """Make the edge of a mutation, whose plan may be known already."""
        edge = Edge(self, kind, called, called_mask, plan)
        self.edges[kind][called] = edge
        self.automaton.size += 1
        return edge

    def clear(self) -> None:
        """Let go of everything that is known."""
        for edges in self.edges:
            edges.clear()
        for named in (self.add, self.remove, self.set):
            named.clear()


class Edge:
    """Outcome of one mutation in one configuration, as long as nobody interferes."""

    __slots__ = (
        "asks", "called", "called_mask", "end", "finals", "is_accepted", "is_attended", "is_familiar", "kind",
        "macrostep", "negotiation", "plan", "predicted", "result", "second_trail", "source", "target", "ticks", "trail",
        "type",
    )  # fmt: skip

    def __init__(
        self, source: Configuration, kind: int, called: tuple[int, ...], called_mask: int, plan: Plan | None
    ) -> None:
        self.source = source
        self.kind = kind
        self.type = ADD if kind == AUTO else MutationType(kind)
        self.called = called
        self.called_mask = called_mask
        auto = kind == AUTO
        model = source.automaton.model
        if plan is None:
            plan = resolve(model, self.type, called, called_mask, source.active, source.mask)
        self.plan = self.end = plan
        """``plan`` is what is negotiated, ``end`` what is switched to: automatic mutations are resolved twice."""
        self.is_accepted = not plan.rejected or (auto and plan.rejected != called_mask)
        """By the relations."""
        self.ticks = self.predicted = ticks_of(plan, source.mask, auto) if self.is_accepted else ()
        """Indexes of states, once for every tick they make; ``predicted`` is before, ``ticks`` at the switch."""
        if auto:
            self.end = resolve_again(model, called, called_mask, plan.target_mask, source.active, source.mask)
            if self.is_accepted and (self.end.enters, self.end.exits) != (plan.enters, plan.exits):
                self.ticks = ticks_of(self.end, source.mask, auto)
        self.result = EXECUTED if self.is_accepted else CANCELED
        if (kind == REMOVE and called_mask & plan.target_mask) or (auto and len(self.end.target) <= len(source.active)):
            self.result = CANCELED
        self.target: Configuration | None = None
        """Where it leads to, once somebody has asked."""
        self.is_familiar = False
        """Whether it was taken more than once."""
        self.macrostep: Macrostep | None = None
        """The macrostep that begins with it, for familiar edges without handlers."""
        self.asks: tuple[Call, ...] = ()
        """All handlers to be called before the switch, for familiar edges."""
        self.is_attended = True
        """Whether handlers take part, for familiar edges."""
        self.negotiation: Negotiation | None = None
        """Handlers to be called before and after the switch, once somebody has asked."""
        self.finals: tuple[Call, ...] | None = None
        self.trail: Recorded | None = None
        """Steps and log notes of the first and the second resolution, once somebody wanted them."""
        self.second_trail: Recorded | None = None

    def destination(self) -> Configuration:
        """The configuration it leads to."""
        target = self.target
        if target is None:
            target = self.source
            if self.is_accepted:
                target = target.automaton.at(self.end.target, self.end.target_mask)
            self.target = target
        return target

    def retrace(self) -> Recorded:
        """Resolve once more for the steps and notes."""
        source = self.source
        model = source.automaton.model
        trail = Trail(model, self.kind == AUTO, [], True)
        resolve(model, self.type, self.called, self.called_mask, source.active, source.mask, trail)
        self.trail = trail.recorded()
        return self.trail

    def retrace_end(self) -> Recorded:
        """The same for the second resolution of automatic mutations."""
        source = self.source
        model = source.automaton.model
        trail = Trail(model, True, [], True, second=True)
        negotiated = self.plan.target_mask
        resolve_again(model, self.called, self.called_mask, negotiated, source.active, source.mask, trail)
        self.second_trail = trail.recorded()
        return self.second_trail

    def calls_nobody(self, table: HandlerTable) -> bool:
        """Whether no handler takes part."""
        if not table.bindings or not self.is_accepted:
            return True
        model, source, plan, end = self.source.automaton.model, self.source, self.plan, self.end
        if self.negotiation is None:
            self.negotiation = negotiation(
                table, model, self.type, source.active, source.mask, plan.target, plan.enters, plan.exits
            )
        if self.finals is None:
            self.finals = final_phase(table, model, end.enters, end.exits)
        self.asks = tuple([call for group in self.negotiation for call in group])
        return not self.asks and not self.finals


class Macrostep:
    """A mutation and the automatic transition that follows: what the machine is like when it rests again."""

    __slots__ = ("active", "auto", "edge", "is_double", "mask", "result", "target", "ticks")

    def __init__(self, edge: Edge, auto: Edge | None) -> None:
        self.edge = edge
        self.auto = auto
        """The automatic transition that is part of it."""
        self.target = target = (auto or edge).destination()
        self.active = target.active
        self.mask = target.mask
        self.ticks = edge.ticks if auto is None else edge.ticks + auto.ticks
        """Index of a state once for every tick it makes."""
        self.is_double = auto is not None
        self.result = edge.result


class Automaton:
    """All configurations and edges that are known for a model and some handlers. Thread-safe."""

    __slots__ = ("configurations", "model", "size")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.configurations: dict[tuple[int, ...], Configuration] = {}
        self.size = 0
        """Edges and configurations; approximate when several threads add some at the same time."""

    def at(self, active: tuple[int, ...], mask: int) -> Configuration:
        """The configuration of some active states, always the same object until everything is dropped."""
        found = self.configurations.get(active)
        if found is None:
            if self.size >= LIMIT:
                self.drop()
            self.size += 1
            found = self.configurations.setdefault(active, Configuration(self, active, mask))
        return found

    def drop(self) -> None:
        """Start anew. Machines keep the configuration they are in, and what it learns from now on."""
        old, self.configurations = self.configurations, {}
        self.size = 0
        for configuration in old.copy().values():
            configuration.clear()


def macrostep(edge: Edge, table: HandlerTable) -> Macrostep | None:
    """The macrostep that begins with an edge; None when handlers of the table take part in it."""
    if not edge.calls_nobody(table):
        return None
    target = edge.destination()
    model = target.automaton.model
    # Health checks bring about no automatic transition, nor does what has changed nothing.
    if edge.ticks and model.auto_mask & ~target.mask and not (edge.kind == ADD and edge.called in model.health):
        candidates = tuple(auto_candidates(model, target.mask))
        if candidates:
            auto = target.known(AUTO, candidates, mask_of(candidates))
            if not auto.calls_nobody(table):
                return None
            return Macrostep(edge, auto)
    return Macrostep(edge, None)


def missed(machine: Machine) -> None:
    """Count a mutation that was not known; when most are not, looking and learning is given up for a while."""
    machine._misses += 1
    if machine._misses < PATIENCE or machine._plan_cache is not PlanCache.AUTO:
        return
    number = machine._number
    if machine._misses > (number - machine._learn_from) * HOPELESS:
        machine._learn_from = number + PAUSE
    else:
        machine._learn_from = number
    machine._misses = 0
