"""The timeline of one machine run: every question about "when" answered by set algebra in memory.

Transitions are numbered 1, 2, 3 … in order of execution; number 0 is the moment before the first one that is kept.
Retention may have removed some (see :mod:`am_telemetry.store.pieces`); the others keep their numbers. For each state
three Roaring bitmaps hold the numbers after which it was *active*, at which its tick *changed*, and at which it was
*called*; one bitmap per flag holds the rest. Ticks, clocks, filters, jumps and counts are derived from these by rank,
select and set operations, so their cost does not grow with the length of the recording.

Not thread-safe for concurrent writers: one thread extends, any number may read numbers up to ``count``, which is
published last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import compress

from pyroaring import BitMap

from am_telemetry.facts import SchemaFact
from am_telemetry.store.columns import Codes, Times
from am_telemetry.store.pattern_effects import Effect, Effects, state_axis
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.state_maps import AllStates
from am_telemetry.store.timeline_parts import FLAGS, Keyframe, cut_keyframes, cut_numbers, since


class Timeline:
    """Index over the transitions of one machine run.

    Args:
        schema: states known at the start; the state axis of every method.
        clock: ticks before transition 1, by state index; missing entries are 0.
        effects: shared by the timelines of a recording, so that they need not all find out the same.
    """

    def __init__(self, schema: SchemaFact, clock: Sequence[int] = (), effects: Effects | None = None) -> None:
        self.schema = schema
        self.count = 0
        """Number of the last transition that may be read."""
        self.pieces = Pieces()
        """Which numbers are kept."""
        self.accepted = BitMap()
        self.canceled = BitMap()
        """Neither accepted nor a check nor a queued record."""
        self.refused_auto = BitMap()
        """The canceled ones that nobody asked for: automatic states that were tried and could not be had."""
        self.auto = BitMap()
        self.checks = BitMap()
        self.queued = BitMap()
        self.broken = BitMap()
        self.errors = BitMap()
        """An error state became active, or was entered again."""
        self.empty = BitMap()
        """Accepted without any change of ticks and without a handler."""
        self.health = BitMap()
        """The only called state is a health state."""
        self.logged = BitMap()
        """Has log lines."""
        self._logged_first = False
        """Lines were logged before the first transition, without being part of it."""
        self.gaps: dict[int, int] = {}
        """Number of the first transition after a hole -> how many were lost."""
        self.restored: set[int] = set()
        """Numbers of the first transitions after the machine went on from a snapshot."""
        self.times = Times()
        """Wall clock of each kept transition, nanoseconds. Do not modify."""
        self.pattern_ids = Codes()
        """Pattern of each kept transition, which weighs what ticks it adds. Do not modify."""
        self._records: dict[int, PatternRecord] = {}
        self._all_effects = effects or Effects()
        self._effects: dict[int, Effect] = {}
        self.states = AllStates()
        """By state index. Do not modify."""
        self.keyframes: list[Keyframe] = []
        """The initial ticks, and the true ones behind everything that is missing."""
        self._open: dict[int, int] = {}
        self._grow(schema)
        start = tuple(clock[: len(self.states)]) + (0,) * (len(self.states) - len(clock))
        self.keyframes.append(Keyframe(0, start, 0))
        self._open = {state: 0 for state, tick in enumerate(start) if tick % 2}
        self._flush_active(0)

    # -- writing ------------------------------------------------------------------------------------------------

    def extend(self, at_ns: Sequence[int], patterns: Sequence[PatternRecord], logged: Iterable[int] = ()) -> None:
        """Append transitions.

        Args:
            at_ns: wall clock of each, nanoseconds.
            patterns: pattern of each, same length.
            logged: offsets (0-based, into this call) of those that have log lines.
        """
        self.extend_ids(at_ns, [record.id for record in patterns], logged, {record.id: record for record in patterns})

    def extend_ids(
        self, at_ns: Sequence[int], ids: Sequence[int], logged: Iterable[int], records: Mapping[int, PatternRecord]
    ) -> None:
        """The same with pattern ids, and a mapping that holds at least those patterns.

        Raises:
            KeyError: a pattern is not in the mapping; nothing was appended then.
        """
        first = self.count + 1
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for number, pattern_id in enumerate(ids, first):
            groups[pattern_id].append(number)
        for pattern_id in groups:
            if pattern_id not in self._effects:
                self._learn(records[pattern_id])
        moving: list[tuple[int, Effect]] = []
        for pattern_id, numbers in groups.items():
            effect = self._effects[pattern_id]
            self._mark(effect, numbers)
            if effect.added or effect.removed or effect.irregular:
                moving.extend([(number, effect) for number in numbers])
        moving.sort(key=_number_of_move)
        for number, effect in moving:
            self._move(number, effect)
        self.logged.update([first + offset for offset in logged])
        if self._logged_first and ids and not self.times:
            self.logged.add(first)
        self.times.extend(at_ns)
        self.pattern_ids.extend(ids, {pattern_id: self._effects[pattern_id].ticks for pattern_id in groups})
        last = self.count + len(ids)
        self._flush_active(last)
        self.count = last

    def correct(self, clock: Sequence[int] | None, lost: int, schema: SchemaFact | None = None) -> None:
        """State the true ticks after the last transition, because ``lost`` transitions are missing behind it.

        Args:
            clock: ticks by state index; None when unknown, which leaves the ticks as they are.
            lost: how many transitions are missing; 0 when the machine went on from a snapshot.
            schema: whose order ``clock`` follows; by default this timeline's own.
        """
        size = len(self.states)
        if clock is None:
            clock = self._next_clock()
        elif schema is not None:
            axis = state_axis(schema, self.schema)
            known = list(self._next_clock())
            for state, tick in enumerate(clock):
                if state in axis:
                    known[axis[state]] = tick
            clock = known
        true_clock = tuple(clock[:size]) + (0,) * (size - len(clock))
        following = self.count + 1
        self.keyframes.append(Keyframe(self.count, true_clock, following))
        if lost:
            self.gaps[following] = self.gaps.get(following, 0) + lost
        else:
            self.restored.add(following)
        for state, tick in enumerate(true_clock):
            if tick % 2:
                self._open.setdefault(state, following)
            else:
                self._open.pop(state, None)

    def remove(self, first: int, last: int, ticks: Mapping[str, int], active: Iterable[str]) -> None:
        """Retention has removed transitions. Numbers of others stay. Harmless when repeated.

        Args:
            first: 1, or behind a transition that is kept.
            last: may be one that was not appended; the next one appended comes behind it then.
            ticks: after ``last``, by state name.
            active: names of the states that were active then.
        """
        if last <= self.count and self.pieces.floor(last) < first:
            return
        index, pieces = self.schema.index, self.pieces
        known = 1 + max((index[name] for name in ticks if name in index), default=-1)
        clock = tuple(ticks.get(name, 0) for name in self.schema.names[:known])
        self.keyframes = cut_keyframes(self.keyframes, first, last, Keyframe(last, clock, 0 if first == 1 else first))
        self._cut(first, last, pieces.floor(first - 1), pieces.floor(min(last, self.count)))
        self.pieces = pieces.without(first, last, self.count)
        states = [index[name] for name in active if name in index]
        for state in states:
            self.states.own(state).active.update((last, 0) if first == 1 else (last,))
        if first == 1:
            self._logged_first = False
        if last >= self.count:
            self.count = last
            hole = self.keyframes[-1] if self.keyframes[-1].since > last else None
            following = states if hole is None else [state for state, tick in enumerate(hole.clock) if tick % 2]
            self._open = dict.fromkeys(following, last + 1)

    def restore(
        self,
        *,
        count: int,
        pieces: Pieces,
        times: Times,
        pattern_ids: Codes,
        records: dict[int, PatternRecord],
        flags: Mapping[str, BitMap],
        states: AllStates,
        open_states: Iterable[int],
        keyframes: list[Keyframe],
        gaps: dict[int, int],
        restored: set[int],
    ) -> None:
        """Take over the contents of another timeline of the same schema. This one must be new."""
        for name, bitmap in flags.items():
            setattr(self, name, bitmap)
        self.times, self.pattern_ids = times, pattern_ids
        self._records, self._effects = records, {}
        self.states, self.keyframes, self.gaps = states, keyframes, gaps
        self.restored = restored
        self.count, self.pieces = count, pieces
        self._open = dict.fromkeys(open_states, count + 1)

    def revise(self, schema: SchemaFact) -> None:
        """Use another schema from the next transition on. States keep their index; new names are appended."""
        self._grow(schema)

    def log_late(self, number: int) -> None:
        """Lines were logged after a transition; 0 stands for those before the first one.

        Lines after one that was removed belong to the kept one before it.
        """
        kept = self.pieces.floor(number)
        self._logged_first |= kept == 0
        if max(kept, self.pieces.first) <= self.count:
            self.logged.add(max(kept, self.pieces.first))

    def unlog(self, number: int) -> None:
        """The log lines after a transition are gone, and it has no others."""
        self.logged.discard(number)

    @property
    def ordered(self) -> bool:
        """Whether no transition has an earlier wall clock than one before it."""
        return self.times.ordered

    @property
    def open_states(self) -> list[int]:
        """The states that are active when the next transition begins."""
        return sorted(self._open)

    @property
    def size(self) -> int:
        """How many transitions are kept."""
        return len(self.times)

    @property
    def first(self) -> int:
        """The first transition that is kept, or the one that will be when there is none."""
        return self.pieces.first

    def holds(self, number: int) -> bool:
        """Whether there is a transition of that number."""
        return 0 < number <= self.count and self.pieces.floor(number) == number

    # -- single transitions -------------------------------------------------------------------------------------

    def at(self, number: int) -> int:
        """Wall clock of a transition in nanoseconds.

        Raises:
            IndexError: there is no such transition.
        """
        if not self.holds(number):
            raise IndexError(number)
        return self.times[self.pieces.place(number)]

    def pattern(self, number: int) -> PatternRecord:
        """The pattern of a transition.

        Raises:
            IndexError: there is no such transition.
        """
        if not self.holds(number):
            raise IndexError(number)
        return self._records[self.pattern_ids[self.pieces.place(number)]]

    def patterns(self) -> list[PatternRecord]:
        """The patterns of all transitions so far, each once; there may be some of transitions that were removed."""
        return [self._records[pattern_id] for pattern_id in self.pattern_ids.distinct]

    def with_patterns(self, ids: Container[int], first: int = 1) -> BitMap:
        """A new set of the kept transitions, from ``first`` on, that have one of these patterns."""
        numbers = self.pieces.numbers(self.count)
        end = len(numbers)
        numbers.remove_range(0, first)
        return BitMap(compress(numbers, self.pattern_ids.among(ids, end - len(numbers), end)))

    def number_at(self, at_ns: int) -> int:
        """The number of the last transition that had started by a moment; 0 when none had.

        Where the wall clock was set back, transitions with an earlier time than one before them count with the latter.
        """
        places = self.times.until(at_ns)
        return min(self.pieces.number(places - 1), self.count) if places else 0

    # -- clocks -------------------------------------------------------------------------------------------------

    def tick(self, state: int, number: int) -> int:
        """The tick of a state after a transition; after one that was removed, that before the next kept one."""
        frame = self._keyframe(number)
        maps = self.states[state]
        base = frame.clock[state] if state < len(frame.clock) else 0
        return base + maps.ticks_until(number) - (maps.ticks_until(frame.number) if frame.number else 0)

    def clock(self, number: int) -> tuple[int, ...]:
        """The ticks of all states after a transition, by state index."""
        return tuple(self.tick(state, number) for state in range(len(self.states)))

    def machine_time(self, number: int) -> int:
        """The sum of all ticks after a transition."""
        frame = self._keyframe(number)
        return sum(frame.clock) + self._gained(number) - (self._gained(frame.number) if frame.number else 0)

    def is_active(self, state: int, number: int) -> bool:
        """Whether a state is active after a transition."""
        return number in self.states[state].active

    def active_states(self, number: int) -> list[int]:
        """Indexes of the states that are active after a transition, ascending."""
        return [state for state, maps in enumerate(self.states) if number in maps.active]

    # -- sets of transitions ------------------------------------------------------------------------------------

    def active(self, state: int) -> BitMap:
        """Numbers after which a state is active. Do not modify.

        The moments before transitions whose predecessor is not there are included: 0, and the last removed number.
        """
        return self.states[state].active

    def changed(self, state: int) -> BitMap:
        """Numbers at which the tick of a state changed. Do not modify."""
        return self.states[state].changed

    def called(self, state: int) -> BitMap:
        """Numbers at which a state was called. Do not modify."""
        return self.states[state].called

    def all(self) -> BitMap:
        """A new set of all transition numbers."""
        return self.pieces.numbers(self.count)

    def _next_clock(self) -> tuple[int, ...]:
        """The ticks that the next transition starts from."""
        frame = self.keyframes[-1]
        if frame.number < self.count:
            return self.clock(self.count)
        return frame.clock + (0,) * (len(self.states) - len(frame.clock))

    # -- inside -------------------------------------------------------------------------------------------------

    def _grow(self, schema: SchemaFact) -> None:
        known = set(self.schema.names)
        if self.states:
            extra = tuple(state for state in schema.states if state.name not in known)
            merged = {state.name: state for state in schema.states}
            states = tuple(merged.get(s.name, s) for s in self.schema.states) + extra
            index = {state.name: i for i, state in enumerate(states)}
            groups = tuple((name, tuple(index[schema.names[i]] for i in members)) for name, members in schema.groups)
            self.schema = SchemaFact(states, groups)
            self._effects.clear()
            for record in self._records.values():
                self._learn(record)
        self.states.grow(len(self.schema.names))

    def _cut(self, first: int, last: int, before: int, upto: int) -> None:
        """Take transitions out of all columns and sets; the kept ones among them come behind ``before``."""
        for numbers in self._flags().values():
            numbers.remove_range(first, last + 1)
        self.states.cut(first, last)
        self.gaps = {number: lost for number, lost in self.gaps.items() if not first <= number <= last}
        self.restored = cut_numbers(self.restored, first, last)
        start = self.pieces.place(before) + 1 if before else 0
        stop = self.pieces.place(upto) + 1 if upto else 0
        if start < stop:
            self.times.cut(start, stop)
            self.pattern_ids.cut(start, stop)

    def _flags(self) -> dict[str, BitMap]:
        return {name: getattr(self, name) for name in FLAGS}

    def _learn(self, record: PatternRecord) -> None:
        self._records[record.id] = record
        self._effects[record.id] = self._all_effects.of(record, self.schema)

    def _mark(self, effect: Effect, numbers: list[int]) -> None:
        own = self.states.own
        for state in effect.changed:
            own(state).changed.update(numbers)
        for state in effect.doubled:
            own(state).doubled.update(numbers)
        for state in effect.called:
            own(state).called.update(numbers)
        for flag in effect.flags:
            getattr(self, flag).update(numbers)

    def _move(self, number: int, effect: Effect) -> None:
        for state in effect.added:
            self._open.setdefault(state, number)
        for state in effect.removed:
            start = self._open.pop(state, None)
            if start is not None and start < number:
                self.states.own(state).active.add_range(start, number)
        for state, surplus in effect.irregular:
            rows = self.states.own(state).irregular
            rows.append((number, surplus + (rows[-1][1] if rows else 0)))

    def _flush_active(self, last: int) -> None:
        for state, start in self._open.items():
            if start <= last:
                self.states.own(state).active.add_range(start, last + 1)
                self._open[state] = last + 1

    def _gained(self, number: int) -> int:
        """The ticks of all states that the kept transitions up to one have added, since an arbitrary beginning."""
        kept = self.pieces.floor(number)
        return self.pattern_ids.weight(self.pieces.place(kept) + 1) if kept else 0

    def _keyframe(self, number: int) -> Keyframe:
        if len(self.keyframes) == 1:
            return self.keyframes[0]
        position = bisect_right(self.keyframes, number, key=since)
        return self.keyframes[max(0, position - 1)]


def _number_of_move(move: tuple[int, Effect]) -> int:
    return move[0]
