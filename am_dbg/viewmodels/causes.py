"""Where a transition came from, and what it led to, as one tree over all machines: the first cause on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from am_dbg.session.targets import GoToTransition, Target
from am_dbg.session.view import SessionView
from am_dbg.timefmt import duration, second_label, thousands
from am_dbg.viewmodels.reader_places import Places
from am_dbg.viewmodels.reader_rows import transition_words
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.facts import SourceFact
from am_telemetry.store.records import TransitionRecord

DEPTH: Final = 50
"""Causes of causes, and effects of effects, that are followed."""
FAN_OUT: Final = 50
"""Effects of one transition that are shown."""
ROWS: Final = 400
"""Effects that are shown altogether."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One transition of the tree, or a remark about what is missing."""

    line: Line
    target: Target | None = None
    here: bool = False
    """It is the one that the tree is about."""


class CauseTree:
    """The tree around the transition at the cursor. For the thread of its session."""

    def __init__(self, session: SessionView, record: TransitionRecord) -> None:
        self._session = session
        self._places = Places(session)
        self._own = (record.machine_id, record.number)
        self._seen: set[tuple[int, int]] = set()
        self.rows: list[CauseRow] = []
        chain, remark = self._causes(record)
        depth = 0
        if remark:
            self.rows.append(CauseRow((Span(remark, Role.DIM),)))
        self.roots = len(self.rows)
        """The row of the first cause that is known."""
        for above, cause in zip([None, *chain], chain, strict=False):
            self._add(cause, above, depth)
            depth += 1
        parent = chain[-1] if chain else None
        siblings = [] if parent is None else self._effects(parent)
        if record.number not in [n.number for n in siblings if n.machine_id == record.machine_id]:
            siblings = [record, *siblings]
        siblings.sort(key=lambda one: (one.at_ns, one.machine_id, one.number))
        for one in siblings[:FAN_OUT]:
            self._add(one, parent, depth)
            if (one.machine_id, one.number) == self._own:
                self._follow(one, depth + 1)
        if len(siblings) > FAN_OUT:
            self._more(len(siblings) - FAN_OUT, depth)

    @property
    def here(self) -> int:
        """The row of the transition that the tree is about."""
        return next((place for place, row in enumerate(self.rows) if row.here), 0)

    # -- upwards -------------------------------------------------------------------------------------------------

    def _causes(self, record: TransitionRecord) -> tuple[list[TransitionRecord], str]:
        """The causes, first one first, and what is to be said when they begin with one that is not known."""
        chain: list[TransitionRecord] = []
        seen = {self._own}
        at = record
        while len(chain) < DEPTH:
            cause = self._places.cause(at)
            above = self._before(at) if cause is None else cause.record
            if above is None:
                return chain[::-1], self._unknown(at, None if cause is None else cause.source)
            if (above.machine_id, above.number) in seen:
                break
            seen.add((above.machine_id, above.number))
            chain.append(above)
            at = above
        return chain[::-1], f"… more than {DEPTH} causes" if len(chain) == DEPTH else ""

    def _before(self, record: TransitionRecord) -> TransitionRecord | None:
        """Of an automatic transition the one that made it possible: the one before it."""
        timeline = self._session.recording.timeline(record.machine_id)
        before = record.number - 1
        if not record.pattern.fact.auto or not timeline.holds(before):
            return None
        return self._session.recording.transition(record.machine_id, before)

    def _unknown(self, record: TransitionRecord, source: SourceFact | None) -> str:
        if source is not None:
            what = source.transition_id or f"#{source.sequence}"
            return f"← {clean(source.machine, 80)} {clean(what, 60)}, which is not in this recording"
        if record.pattern.fact.auto:
            return "← the transition before, which is not in this recording"
        return ""

    # -- downwards -----------------------------------------------------------------------------------------------

    def _follow(self, record: TransitionRecord, depth: int) -> None:
        """The effects of a transition, and theirs."""
        if depth > DEPTH or len(self.rows) > ROWS:
            return None
        effects = [one for one in self._effects(record) if (one.machine_id, one.number) not in self._seen]
        for one in effects[:FAN_OUT]:
            if len(self.rows) > ROWS:
                return self._more(1, depth)
            if (one.machine_id, one.number) in self._seen:
                continue
            self._add(one, record, depth)
            self._follow(one, depth + 1)
        if len(effects) > FAN_OUT:
            self._more(len(effects) - FAN_OUT, depth)
        return None

    def _effects(self, record: TransitionRecord) -> list[TransitionRecord]:
        recording = self._session.recording
        name = self._session.record(record.machine_id).name
        cause = SourceFact(name, record.sequence, 0, record.transition_id)
        found = {(other.machine_id, other.number) for other in recording.effects(cause, *self._key(record))}
        timeline = recording.timeline(record.machine_id)
        following = record.number + 1
        if timeline.holds(following) and following in timeline.auto:
            found.add((record.machine_id, following))
        effects = [recording.transition(*place) for place in sorted(found) if self._is_known(*place)]
        return sorted(effects, key=lambda one: (one.at_ns, one.machine_id, one.number))

    def _key(self, record: TransitionRecord) -> tuple[int, int]:
        return record.machine_id, record.number

    def _is_known(self, machine_id: int, number: int) -> bool:
        """Whether a transition has been caught up with."""
        return machine_id in {machine.id for machine in self._session.recording.machines} and (
            self._session.recording.timeline(machine_id).holds(number)
        )

    # -- rows ----------------------------------------------------------------------------------------------------

    def _more(self, count: int, depth: int) -> None:
        self.rows.append(CauseRow((Span("   " * depth + f"… {thousands(count)} more", Role.DIM),)))

    def _add(self, record: TransitionRecord, above: TransitionRecord | None, depth: int) -> None:
        self._seen.add(self._key(record))
        target = GoToTransition(*self._key(record))
        here = self._key(record) == self._own
        label = self._session.label(record.machine_id)
        indent = "   " * (depth - 1) + "└─ " if depth else ""
        line = (
            Span(indent, Role.DIM),
            *((Span("▶ here: ", Role.CURSOR, bold=True),) if here else ()),
            *transition_words(label, record, target, self._session.states),
            *self._when(record, above),
        )
        self.rows.append(CauseRow(line, target, here))

    def _when(self, record: TransitionRecord, above: TransitionRecord | None) -> Iterator[Span]:
        if above is None:
            known = "" if self.roots else ", no cause was recorded"
            yield Span(f"  {second_label(record.at_ns)}{known}", Role.DIM)
            return
        gap = record.at_ns - above.at_ns
        if gap >= 0:
            yield Span(f"  +{duration(gap)}", Role.VALUE)
        else:
            yield Span(f"  {duration(gap)}: the clocks differ", Role.CANCELED)
