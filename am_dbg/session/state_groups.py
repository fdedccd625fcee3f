"""Groups of states, by name: what a machine's schema knows of them, and what is out of one."""

from __future__ import annotations

from pyroaring import BitMap

from am_telemetry.facts import SchemaFact
from am_telemetry.store.timeline import Timeline


def members_of(schema: SchemaFact, group: str) -> frozenset[int] | None:
    """Indexes of the states of a group; None for no group, and for one that the machine does not have."""
    return next((frozenset(states) for name, states in schema.groups if name == group), None) if group else None


def out_of_group(timeline: Timeline, group: str) -> BitMap:
    """A new set of the transitions that call no state of a group; empty when the machine has no such group."""
    states = members_of(timeline.schema, group)
    if states is None:
        return BitMap()
    return BitMap(timeline.all() - BitMap.union(BitMap(), *(timeline.called(state) for state in states)))
