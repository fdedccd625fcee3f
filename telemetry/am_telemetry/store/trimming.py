"""Retention inside a session: the oldest transitions go, in portions, while it is being recorded.

They go in the order in which they arrived. What stays whatever the limits say: the last transition of each machine, and
bookmarked transitions with their neighbours. Machines, schemas and patterns stay as well; they are few.

Works inside the transaction of its owner, on the writing thread, and on what was committed before.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from am_telemetry.store.changes import NoLines, Removed
from am_telemetry.store.removal_booking import book
from am_telemetry.store.removing import RETENTION, delete_rows
from am_telemetry.store.standing import Definitions, Standing, initial_standing

NEIGHBOURS: Final = 50
"""Transitions on either side of a bookmarked one that stay with it."""
FAR: Final = 1.5
LEAST: Final = 128
SHARE: Final = 16
"""Of a file that is too large, at most the sixteenth part goes at once."""
LINES_AT_ONCE: Final = 1_000
_ROWS: Final = """
SELECT json_group_array(id), json_group_array(machine_id), json_group_array(number), json_group_array(pattern_id),
  json_group_array(at_ns)
FROM (SELECT id, machine_id, number, pattern_id, at_ns FROM transitions WHERE id > ? ORDER BY id LIMIT ?)
"""
_LATE: Final = "SELECT id, machine_id, after_number, at_ns FROM late_log_lines WHERE id > ? ORDER BY id LIMIT ?"

Row = tuple[int, int, int, int, int]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """What of a session is kept. None means without limit."""

    keep_ns: int | None = None
    """Transitions that began earlier than so long ago go."""
    max_size: int | None = None
    """Bytes that the file may use; beyond that the oldest go."""
    keep_text: str = ""
    """The same as people wrote it."""
    size_text: str = ""
    neighbours: int = NEIGHBOURS
    """Transitions on either side of a bookmarked one that stay with it."""

    @property
    def limited(self) -> bool:
        """Whether anything can ever be removed."""
        return self.keep_ns is not None or self.max_size is not None


EVERYTHING: Final = Limits()
"""Nothing is ever removed."""


@dataclass(slots=True)
class Portion:
    """What one step has removed."""

    events: list[Removed | NoLines] = field(default_factory=list)
    log_lines: Counter[int] = field(default_factory=Counter)
    """By machine."""
    transitions: int = 0
    more: bool = False
    """There may be more to remove at once."""

    @property
    def empty(self) -> bool:
        return not self.events and not self.log_lines


class Trimmer:
    """See the module.

    Args:
        connection: that writes.
        limits: what to keep.
    """

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self._db = connection
        self._limits = limits
        self._definitions = Definitions(connection)
        self._bookmarks: dict[int, list[Span]] = {}
        self._future: Span | None = None
        self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
        self.forget()

    def forget(self) -> None:
        """Look at everything anew: a transaction has failed, or something else may be kept now."""
        self._position = self._late_position = 0
        self._standings: dict[int, Standing] = {}
        self._passed: dict[int, tuple[int, int]] = {}
        """Machine -> (id, number) of what was its last transition when it was looked at."""

    def used(self) -> int:
        """Bytes of the file that are in use. What was freed is used again before the file grows."""
        pages, free = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
        return int(pages - free) * self._page_size

    def step(self, now_ns: int, limit: int, shrinking: bool = False) -> Portion:
        """Remove a portion.

        Args:
            now_ns: the present, wall clock.
            limit: how many transitions to look at.
            shrinking: the file gets smaller by other means, so for its size nothing goes unless it is far too large.
        """
        self._look_at_bookmarks()
        self._definitions.look()
        portion = Portion()
        too_large = self.is_too_large(FAR if shrinking else 1.0)
        if too_large:
            limit = max(LEAST, min(limit, self._left() // SHARE))
        rows = self._rows(limit)
        chosen = rows if too_large else self._old(rows, now_ns)
        kept = self._limits.size_text if too_large else self._limits.keep_text
        if chosen:
            self._remove(chosen, portion, now_ns, kept)
            self._position = chosen[-1][0]
            portion.more = len(chosen) == limit
        self._remove_late(chosen[-1][4] if too_large and chosen else None, portion, now_ns)
        if not portion.empty:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('readable_from', '3')")
        return portion

    # -- what to remove ------------------------------------------------------------------------------------------

    def is_too_large(self, factor: float = 1.0) -> bool:
        """Whether the file uses more than it may, or more than a multiple of that."""
        return self._limits.max_size is not None and self.used() > factor * self._limits.max_size

    def _left(self) -> int:
        """About how many transitions there are that were not looked at."""
        last = self._db.execute("SELECT max(id) FROM transitions").fetchone()[0]
        return max(0, (last or 0) - self._position)

    def _rows(self, limit: int) -> list[Row]:
        columns = self._db.execute(_ROWS, (self._position, limit)).fetchone()
        return list(zip(*map(json.loads, columns), strict=True))

    def _old(self, rows: Sequence[Row], now_ns: int) -> Sequence[Row]:
        """Those in front that are older than what is kept."""
        keep_ns = self._limits.keep_ns
        if keep_ns is None:
            return ()
        cutoff = now_ns - keep_ns
        for place, (transition_id, _, _, _, at_ns) in enumerate(rows):
            if at_ns >= cutoff and (at_ns <= now_ns or self._is_fresh(transition_id, now_ns, keep_ns)):
                return rows[:place]
        return rows

    def _is_fresh(self, transition_id: int, now_ns: int, keep_ns: int) -> bool:
        """Whether a transition that claims to come from the future has arrived lately, as far as that is known."""
        if self._future is not None:
            upto, seen_ns = self._future
            if transition_id <= upto:
                return now_ns - seen_ns < keep_ns
        upto = self._db.execute("SELECT max(id) FROM transitions").fetchone()[0]
        self._future = (upto, now_ns)
        return True

    def _look_at_bookmarks(self) -> None:
        spans: dict[int, list[Span]] = {}
        around = self._limits.neighbours
        for machine_id, number in self._db.execute("SELECT machine_id, number FROM bookmarks ORDER BY id"):
            spans.setdefault(machine_id, []).append((number - around, number + around))
        if spans != self._bookmarks:
            self._bookmarks = spans
            self.forget()

    def _is_bookmarked(self, machine_id: int, number: int) -> bool:
        return any(first <= number <= last for first, last in self._bookmarks.get(machine_id, ()))

    # -- transitions ---------------------------------------------------------------------------------------------

    def _remove(self, rows: Sequence[Row], portion: Portion, now_ns: int, kept: str) -> None:
        groups: dict[int, list[Row]] = {}
        for row in rows:
            groups.setdefault(row[1], []).append(row)
        lasts = self._last_numbers(groups)
        stay: set[int] = set()
        spans: list[Span] = []
        ranges: list[tuple[Standing, int]] = []
        for machine_id, group in groups.items():
            last = lasts.get(machine_id, 0)
            protected = machine_id in self._bookmarks
            for part in _consecutive(group):
                standing = self._standing(machine_id, part[0][2] - 1)
                for goes, piece in self._pieces(part, last, protected):
                    standing.follow(self._db, self._definitions, [row[3] for row in piece])
                    if not goes:
                        stay.update(row[0] for row in piece)
                        continue
                    first = piece[0][2]
                    passed = self._passed.pop(machine_id, None)
                    if passed is not None and passed[1] == first - 1 and not self._is_bookmarked(machine_id, passed[1]):
                        spans.append((passed[0], passed[0]))
                        first = passed[1]
                    ranges.append((Standing(machine_id, standing.number, standing.ticks, standing.active), first))
            if group[-1][2] == last and not self._is_bookmarked(machine_id, last):
                self._passed[machine_id] = (group[-1][0], last)
        spans += _id_spans(rows, stay)
        if ranges:
            lines = delete_rows(self._db, spans)
            for removal, gone in book(self._db, ranges, lines, now_ns, kept):
                portion.log_lines[removal.machine_id] += gone
                ticks, active = json.loads(removal.ticks), tuple(json.loads(removal.active))
                portion.events.append(Removed(removal.machine_id, removal.first, removal.last, ticks, active))
        portion.transitions += sum(standing.number - first + 1 for standing, first in ranges)

    def _last_numbers(self, machine_ids: Iterable[int]) -> dict[int, int]:
        """The number of the last transition of each machine."""
        found = self._db.execute(
            "SELECT json_group_array(json_array(machine_id, transitions)) FROM machine_clocks"
            " WHERE machine_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(machine_ids)),),
        ).fetchone()[0]
        return dict(json.loads(found))

    def _pieces(self, part: list[Row], last: int, protected: bool) -> Iterator[tuple[bool, list[Row]]]:
        """Consecutive transitions cut into those that go and those that stay."""
        if not protected:
            if part[-1][2] != last:
                yield True, part
                return
            if len(part) > 1:
                yield True, part[:-1]
            yield False, part[-1:]
            return
        start = 0
        stays = [row[2] == last or self._is_bookmarked(row[1], row[2]) for row in part]
        for place in range(1, len(part) + 1):
            if place == len(part) or stays[place] != stays[start]:
                yield not stays[start], part[start:place]
                start = place

    def _standing(self, machine_id: int, number: int) -> Standing:
        """Where a machine stood after a transition, the next one of which is there."""
        standing = self._standings.get(machine_id)
        if standing is not None and standing.number == number:
            return standing
        if number == 0:
            standing = initial_standing(self._db, self._definitions, machine_id)
        else:
            row = self._db.execute(
                "SELECT ticks_json, active_json FROM removals WHERE machine_id = ? AND last_number = ?",
                (machine_id, number),
            ).fetchone()
            if row is None:
                raise ValueError(f"transitions of machine {machine_id} up to {number} are missing without a trace")
            standing = Standing(machine_id, number, json.loads(row[0]), json.loads(row[1]))
        self._standings[machine_id] = standing
        return standing

    # -- late log lines ------------------------------------------------------------------------------------------

    def _remove_late(self, upto_ns: int | None, portion: Portion, now_ns: int) -> None:
        """Lines behind transitions that stay: a program may log for long without any transition."""
        cutoffs = [] if upto_ns is None else [upto_ns]
        if self._limits.keep_ns is not None:
            cutoffs.append(now_ns - self._limits.keep_ns)
        if not cutoffs:
            return
        cutoff = max(cutoffs)
        gone: Counter[tuple[int, int]] = Counter()
        rows = self._db.execute(_LATE, (self._late_position, LINES_AT_ONCE)).fetchall()
        for line_id, machine_id, number, at_ns in rows:
            passed = self._passed.get(machine_id)
            if cutoff <= at_ns <= now_ns or not self._is_behind(machine_id, number):
                break
            self._late_position = line_id
            if passed is not None and passed[1] == number:
                self._db.execute("DELETE FROM late_log_lines WHERE id = ?", (line_id,))
                gone[machine_id, number] += 1
        for (machine_id, number), count in gone.items():
            self._book_lines(machine_id, number, count)
            portion.log_lines[machine_id] += count
            if not self._has_lines(machine_id, number):
                portion.events.append(NoLines(machine_id, number))
                self._db.execute("DELETE FROM timelines WHERE machine_id = ?", (machine_id,))
        portion.more |= len(gone) > 0 and len(rows) == LINES_AT_ONCE

    def _is_behind(self, machine_id: int, number: int) -> bool:
        """Whether a transition was looked at, or is not there."""
        row = self._db.execute(
            "SELECT id FROM transitions WHERE machine_id = ? AND number = ?", (machine_id, number)
        ).fetchone()
        return row is None or row[0] <= self._position

    def _book_lines(self, machine_id: int, number: int, count: int) -> None:
        changed = self._db.execute(
            "UPDATE omissions SET count = count + ? WHERE machine_id = ? AND first_number = ? AND reason = ?",
            (count, machine_id, number, RETENTION),
        ).rowcount
        if not changed:
            self._db.execute(
                "INSERT INTO omissions (machine_id, first_number, last_number, what, count, reason)"
                " VALUES (?, ?, ?, 'late log lines', ?, ?)",
                (machine_id, number, number, count, RETENTION),
            )

    def _has_lines(self, machine_id: int, number: int) -> bool:
        return bool(
            self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM late_log_lines WHERE machine_id = :machine AND after_number = :number)"
                " OR EXISTS (SELECT 1 FROM transitions AS t JOIN log_lines AS l ON l.transition_id = t.id"
                " WHERE t.machine_id = :machine AND t.number = :number)",
                {"machine": machine_id, "number": number},
            ).fetchone()[0]
        )


def _consecutive(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one machine, cut where numbers are missing."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][2] != rows[place - 1][2] + 1:
            yield list(rows[start:place])
            start = place


def _id_spans(rows: Sequence[Row], stay: set[int]) -> list[Span]:
    """Ranges of ids that hold all rows but those that stay, when no others are between them."""
    spans: list[Span] = []
    begin = end = 0
    for row in rows:
        if row[0] in stay:
            if begin:
                spans.append((begin, end))
            begin = 0
        else:
            begin, end = begin or row[0], row[0]
    if begin:
        spans.append((begin, end))
    return spans
