"""At which transitions a state took part in a step, changed or was called. Found out from patterns, then kept."""

from __future__ import annotations

from typing import Final

from pyroaring import BitMap

from am_telemetry.facts import PatternFact
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.timeline import Timeline

_KEPT: Final = 32


def touched(fact: PatternFact) -> set[int]:
    """Indexes of the states that took part in any step, or at least were called or changed."""
    states = {state for step in fact.steps for state in (step.source, step.target) if state >= 0}
    return states | set(fact.called) | {state for state, _ in fact.deltas}


class TouchIndex:
    """The transitions that touched a state, for the states that somebody asked for last. For one thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[Timeline, str], tuple[int, Pieces, BitMap]] = {}

    def numbers(self, timeline: Timeline, name: str) -> BitMap:
        """All kept transitions that touched the state of a name, also in vain. Do not modify."""
        upto, pieces, found = self._known.pop((timeline, name), (0, timeline.pieces, BitMap()))
        if pieces is not timeline.pieces:
            upto, found = 0, BitMap()
        count = timeline.count
        if upto < count:
            wanted = {record.id for record in timeline.patterns() if _touches(record.fact, record.schema.index, name)}
            found = found | timeline.with_patterns(wanted, upto + 1)
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[timeline, name] = (count, timeline.pieces, found)
        return found


def _touches(fact: PatternFact, index: dict[str, int], name: str) -> bool:
    state = index.get(name)
    return state is not None and state in touched(fact)
