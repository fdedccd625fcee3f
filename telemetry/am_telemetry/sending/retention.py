"""What was built and is not yet durable at the hub: bounded, in order, sendable again on any later connection."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from am_telemetry.batch import Batch, PatternDef
from am_telemetry.facts import GapFact, OmissionFact
from am_telemetry.sending.drafts import Draft, Dropped, size_of_opened
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.items import Item, Machine, Spooler, settle

MAX_TRANSITIONS: Final = 1_000_000
MAX_BYTES: Final = 32 * 1024 * 1024
"""Of memory, about. Plain transitions take some 30 bytes each, so both limits are reached at the same time."""
ITEM_COST: Final = 512
LATE_LINES: Final = "late log lines"
WAITS: Final = "waits"
SPOOL: Final = "spool"
"""Of transitions that only memory has, because the disk refused them."""
STEP_COST: Final = 96
"""Bytes of memory that a step takes, about."""
MAX_MERGED_COST: Final = 256 * 1024
"""Of what is left of batches that were given up; a hub takes no message that is much larger."""

Encode = Callable[[Batch, Mapping[str, int]], bytes]


class Retention:
    """The queue between builder and connection. Not thread-safe.

    When it is full, the least is given up first, always beginning with what happened first: the steps of transitions,
    then log lines, then the transitions of a machine that does more than all others together, then all transitions.
    What remains are omissions, and gaps with the true clock, under the same record numbers. When even that is too much,
    machines that came and went without any hub are forgotten. Batches in flight are never touched, because the hub may
    have them.
    """

    def __init__(
        self,
        encode: Encode,
        schemas: SchemaTable,
        dropped: Dropped,
        max_transitions: int = MAX_TRANSITIONS,
        max_bytes: int = MAX_BYTES,
        spooler: Spooler | None = None,
    ) -> None:
        self._spooler = spooler
        self.machines: dict[int, Machine] = {}
        """Durably announced ones that are not durably closed, by handle."""
        self.lost_waits: set[int] = set()
        """Machines of which something about their waits was given up; emptied by the owner."""
        self.transitions = 0
        self.cost = 0
        self.acked_seq = 0
        self.acked_transitions = 0
        self._encode = encode
        self._schemas = schemas
        self._dropped = dropped
        self._max_transitions = max_transitions
        self._max_bytes = max_bytes
        self._items: deque[Item] = deque()
        self._compare_at = 0
        """Record number from which on machines are compared again, to find one that does more than all others."""
        self._cursor = 0
        """Items before it were sent on the present connection."""
        self.rows_in_flight = 0
        """Transitions sent on the present connection and not acknowledged."""
        self._patterns: dict[int, PatternDef] = {}
        """The latest definitions, whose steps were counted."""

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    @property
    def in_flight(self) -> int:
        """Items sent on the present connection and not acknowledged."""
        return self._cursor

    def add(self, draft: Draft) -> None:
        """Encode and keep a batch; gives up the oldest ones when there is no room."""
        batch = draft.batch
        frame = self._encode(batch, self._schemas.handles)
        steps_cost = self._cost_of_steps(draft.patterns)
        cost = len(frame) + sum(map(len, draft.texts.values())) + ITEM_COST + steps_cost
        item = Item(
            batch.first_seq,
            batch.last_seq,
            frame,
            cost,
            len(batch.transitions),
            draft.texts,
            draft.patterns,
            draft.spans,
            batch.opened,
            batch.revised,
            batch.closed,
            steps_cost=steps_cost,
            has_lines=bool(draft.texts),
        )
        for machine, sequence in zip(batch.late.machine, batch.late.sequence, strict=True):
            item.late[machine] = (sequence, item.late.get(machine, (0, 0))[1] + 1)
        told = [(wait.machine, wait.sequence) for wait in batch.waits.begun]
        told += [(wait.machine, wait.sequence) for wait in batch.waits.ended]
        for machine, sequence in told:
            item.waits[machine] = (sequence, item.waits.get(machine, (0, 0))[1] + 1)
        self._items.append(item)
        item.resident = item.transitions
        self.transitions += item.resident
        self.cost += cost
        if self._spooler is not None:
            item.place = self._spooler.append(item)
            if item.place is None and item.transitions:
                self._dropped.omit(SPOOL, item.transitions)
            self._evict()
        if self.cost > self._max_bytes:
            self._reduce(_has_steps, self._drop_steps)
        if self.cost > self._max_bytes:
            self._reduce(_has_lines, self._drop_lines)
        if (self.transitions > self._max_transitions or self.cost > self._max_bytes) and (
            batch.last_seq >= self._compare_at
        ):
            self._silence_noisiest()
        while self.transitions > self._max_transitions or self.cost > self._max_bytes:
            remains = sum(item.cost for item in self._items if item.given_up)
            if remains > self._max_bytes // 4 and self._forget_oldest():
                continue  # rather than what happened last
            if not self._give_up_oldest():
                break

    def next_to_send(self) -> Item | None:
        """The oldest item that was not sent on the present connection."""
        return self._items[self._cursor] if self._cursor < len(self._items) else None

    def frame_of(self, item: Item) -> bytes:
        """The encoded item, without definitions."""
        if not item.frame:
            item.frame = self._encode_rest(item)
        return item.frame

    def give_up(self, item: Item, reason: str) -> None:
        """Replace the transitions of an item that cannot be sent by gaps."""
        if not item.given_up:
            self._collapse(item, reason)

    def abandon(self, reason: str) -> None:
        """Give up everything, because nothing will be sent any more."""
        for item in self._items:
            self.give_up(item, reason)
        self._items.clear()
        self._cursor = self.rows_in_flight = self.cost = 0

    def mark_sent(self) -> None:
        """The item from :meth:`next_to_send` was sent."""
        item = self._items[self._cursor]
        item.was_sent = True
        self.rows_in_flight += item.transitions
        self._cursor += 1

    def start_again(self, have_seq: int) -> None:
        """A new connection: nothing is in flight, and everything up to ``have_seq`` is durable."""
        self._cursor = self.rows_in_flight = 0
        if have_seq < self.acked_seq:
            # Another recording than the one that has heard of them.
            self.lost_waits.update(self.machines)
        self.acknowledge(have_seq)

    def acknowledge(self, upto_seq: int) -> None:
        """Forget what is durable, and remember where its machines stand now."""
        while self._items and self._items[0].last_seq <= upto_seq:
            item = self._items.popleft()
            if self._cursor:
                self._cursor -= 1
                self.rows_in_flight -= item.transitions
            self.transitions -= item.resident
            self.cost -= item.cost
            self.acked_transitions += item.transitions
            settle(self.machines, item, self._schemas)
        self.acked_seq = max(self.acked_seq, upto_seq)
        if self._spooler is not None:
            self._spooler.acknowledged(self.acked_seq)

    # -- giving up ------------------------------------------------------------------------------------------------

    def _cost_of_steps(self, patterns: Mapping[int, PatternDef]) -> int:
        cost = 0
        for handle, entry in patterns.items():
            if entry.pattern.steps and self._patterns.get(handle) is not entry:
                self._patterns[handle] = entry
                cost += STEP_COST * len(entry.pattern.steps)
        return cost

    def _evict(self) -> None:
        """Leave to the disk what is there and does not fit here, the oldest first."""
        for item in islice(self._items, self._cursor, None):
            if self.transitions <= self._max_transitions and self.cost <= self._max_bytes:
                return
            if item.resident and item.place is not None:
                self.transitions -= item.resident
                item.resident = 0
                item.frame, item.texts, item.patterns, item.has_lines = b"", {}, {}, False
                self._weigh(item, 0)

    def stored_frame(self, item: Item) -> bytes | None:
        """The frame of an item that only the disk has, with all definitions; None for others.

        What the disk has lost is given up.
        """
        if item.place is None or item.resident or not item.transitions:
            return None
        frame = self._spooler.read(item.place) if self._spooler is not None else None
        if frame is None:
            self._collapse(item, "spool full")
        return frame

    def _reduce(self, has: Callable[[Item], bool], drop: Callable[[Item], None]) -> None:
        """Take something out of items, the oldest first, until there is some room."""
        enough = self._max_bytes * 7 // 8
        for item in islice(self._items, self._cursor, None):
            if item.frame and not item.given_up and has(item):
                drop(item)
                if self.cost <= enough:
                    break

    def _drop_steps(self, item: Item) -> None:
        from am_telemetry.sending.reducing import STEPS, without_steps

        item.frame, item.patterns, count = without_steps(item.frame, item.patterns)
        self._dropped.omit(STEPS, count)
        self._weigh(item, 0)

    def _drop_lines(self, item: Item) -> None:
        from am_telemetry.sending.reducing import LINES, without_lines

        item.frame, count = without_lines(item.frame)
        self._dropped.omit(LINES, count)
        item.texts, item.has_lines, item.late = {}, False, {}
        self._weigh(item, item.steps_cost)

    def _weigh(self, item: Item, steps_cost: int) -> None:
        self.cost -= item.cost
        item.steps_cost = steps_cost
        item.cost = len(item.frame) + sum(map(len, item.texts.values())) + ITEM_COST + steps_cost
        self.cost += item.cost

    def _silence_noisiest(self) -> None:
        """Give up transitions of the machine that does more than all others together, the oldest first."""
        from am_telemetry.sending.reducing import FULL, without_machine

        items = [item for item in islice(self._items, self._cursor, None) if item.resident]
        counts: Counter[int] = Counter()
        for item in items:
            for handle, span in item.spans.items():
                counts[handle] += span.last - span.first - span.lost
        if len(counts) < 2 or 2 * counts.most_common(1)[0][1] <= counts.total():
            # All items were looked through in vain, which is too much work for every single one that comes.
            self._compare_at = items[-1].last_seq + self._max_transitions // 32 if items else 0
            return
        (noisiest, most), total = counts.most_common(1)[0], counts.total()
        others = total - most
        for item in items:
            if self.transitions <= self._max_transitions * 7 // 8 and self.cost <= self._max_bytes * 7 // 8:
                return
            if most <= others:
                return
            noise = item.spans.get(noisiest)
            fresh = noise.last - noise.first - noise.lost if noise is not None else 0
            if noise is None or fresh <= 0:
                continue
            noise.lost = noise.last - noise.first
            gap = GapFact(noisiest, noise.first, noise.lost, FULL, noise.clock)
            item.frame = without_machine(item.frame, noisiest, gap)
            late = item.late.pop(noisiest, None)
            if late is not None:
                self._dropped.omit(LATE_LINES, late[1])
            item.transitions -= fresh
            item.resident -= fresh
            self.transitions -= fresh
            most -= fresh
            self._dropped.count(FULL, fresh)
            self._weigh(item, item.steps_cost)

    def _give_up_oldest(self) -> bool:
        for position in range(self._cursor, len(self._items)):
            item = self._items[position]
            if item.given_up:
                continue
            self._collapse(item, "buffer full")
            self._merge_with_previous(position)
            return True
        return False

    def _forget_oldest(self) -> bool:
        """Drop machines that began and ended in one item that no hub has seen; they are counted as lost."""
        for position in range(self._cursor, len(self._items)):
            item = self._items[position]
            if item.was_sent or not item.given_up:
                continue
            gone = {handle for handle, _, _ in item.opened} & {entry.machine for entry in item.closed}
            if not gone:
                continue
            item.opened = [entry for entry in item.opened if entry[0] not in gone]
            item.revised = [entry for entry in item.revised if entry.machine not in gone]
            item.closed = [entry for entry in item.closed if entry.machine not in gone]
            item.spans = {handle: span for handle, span in item.spans.items() if handle not in gone}
            item.late = {handle: entry for handle, entry in item.late.items() if handle not in gone}
            item.waits = {handle: entry for handle, entry in item.waits.items() if handle not in gone}
            self._reestimate(item)
            self._merge_with_previous(position)
            return True
        return False

    def _collapse(self, item: Item, reason: str) -> None:
        for span in item.spans.values():
            fresh = span.last - span.first - span.lost
            if fresh > 0:
                self._dropped.count(reason, fresh)
            span.lost = span.last - span.first
        self.transitions -= item.resident
        item.transitions = item.resident = 0
        item.place = None
        item.given_up = reason
        item.texts, item.patterns = {}, {}
        item.steps_cost, item.has_lines = 0, False
        if item.late:
            self._dropped.omit(LATE_LINES, sum(count for _, count in item.late.values()))
        if item.waits:
            self._dropped.omit(WAITS, sum(count for _, count in item.waits.values()))
            self.lost_waits.update(item.waits)
        self._reestimate(item)

    def _merge_with_previous(self, position: int) -> None:
        """Make one of two neighbours that were given up, unless it would be too large."""
        if position <= self._cursor:
            return
        into, item = self._items[position - 1], self._items[position]
        # An item that was sent may be durable, so its boundaries must stay as they were.
        if not into.given_up or into.was_sent or item.was_sent or into.cost + item.cost > MAX_MERGED_COST:
            return
        self._merge(into, item)
        del self._items[position]

    def _merge(self, into: Item, item: Item) -> None:
        into.last_seq = item.last_seq
        into.opened += item.opened
        into.revised += item.revised
        into.closed += item.closed
        for handle, (sequence, count) in item.late.items():
            into.late[handle] = (sequence, into.late.get(handle, (0, 0))[1] + count)
        for handle, (sequence, count) in item.waits.items():
            into.waits[handle] = (sequence, into.waits.get(handle, (0, 0))[1] + count)
        for handle, span in item.spans.items():
            known = into.spans.get(handle)
            if known is None:
                into.spans[handle] = span
            else:
                known.last, known.lost, known.clock = span.last, known.lost + span.lost, span.clock
        self.cost -= item.cost
        self._reestimate(into)

    def _reestimate(self, item: Item) -> None:
        # Encoded when it is sent: until then more may be merged into it.
        item.frame = b""
        self.cost -= item.cost
        item.cost = (
            ITEM_COST
            + sum(64 + 4 * len(span.clock) for span in item.spans.values())
            + sum(size_of_opened(fact) for _, _, fact in item.opened)
            + 32 * (len(item.revised) + len(item.closed) + len(item.late) + len(item.waits))
            + self._size_of_schemas(item)
        )
        self.cost += item.cost

    def _size_of_schemas(self, item: Item) -> int:
        handles = {self._schemas.handles[fact.schema.digest] for _, _, fact in item.opened}
        handles.update(revised.schema for revised in item.revised)
        return sum(self._schemas.sizes[handle] for handle in handles)

    def _encode_rest(self, item: Item) -> bytes:
        batch = Batch(item.first_seq, item.last_seq, opened=item.opened, revised=item.revised, closed=item.closed)
        batch.gaps = [
            GapFact(handle, span.first, span.lost, item.given_up, span.clock)
            for handle, span in item.spans.items()
            if span.lost > 0
        ]
        batch.omissions = [
            OmissionFact(handle, sequence, sequence, what, count, item.given_up)
            for what, found in ((LATE_LINES, item.late), (WAITS, item.waits))
            for handle, (sequence, count) in found.items()
        ]
        return self._encode(batch, self._schemas.handles)


def _has_steps(item: Item) -> bool:
    return item.steps_cost > 0


def _has_lines(item: Item) -> bool:
    return item.has_lines
