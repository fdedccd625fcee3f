"""Full-text search in a session: log lines, arguments, errors, and the names of states and handlers.

The index is a file of its own beside the session (``NAME.db-search``), so that building it never holds up the program
that records. It is made when somebody searches, goes on from where it stopped, and may be deleted at any time. Where it
cannot be written, it is kept in memory.

What repeats is indexed once: the words of each distinct log text and each pattern, and separately which transitions
they occur in. The index stores neither the texts nor the positions of words (FTS5 ``content=''``, ``detail=none``).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from am_telemetry.store import files
from am_telemetry.store.errors import damaged, from_sqlite
from am_telemetry.store.search_file import open_index
from am_telemetry.store.search_words import KEYS, STATEMENTS, Kind, distinct_words, parse_query, split_names

PORTION: Final = 20_000
"""Rows that are indexed in one transaction."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A transition in which all words occur in one text."""

    transition_id: int
    kind: Kind
    text: str


class SearchIndex:
    """The index of one session. To be used on one thread at a time.

    Args:
        path: the session file, finished or being recorded.

    Raises:
        StoreError: the session cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = files.open_readonly(path)
        try:
            self._db = open_index(path, self._session)
        except BaseException as error:
            self._session.close()
            if isinstance(error, sqlite3.Error):
                raise from_sqlite(path, error) from error
            raise

    def close(self) -> None:
        """Leave a single index file. Harmless when repeated."""
        self._session.close()
        with contextlib.suppress(sqlite3.ProgrammingError):
            files.close_writable(self._db)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- building -----------------------------------------------------------------------------------------------

    def catch_up(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> bool:
        """Take in everything that was committed so far.

        Args:
            progress: called with (transitions indexed, transitions in total) after every portion.

        Returns:
            Whether there was anything new.

        Raises:
            StoreError: the session cannot be read, or there is no room for the index.
        """
        found = False
        while self.advance():
            found = True
            progress(*self.progress())
        return found

    def advance(self) -> bool:
        """Take in one portion, so that a background reader can stop in between; False when nothing was new.

        Raises:
            StoreError: as for :meth:`catch_up`.
        """
        try:
            return self._advance()
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
        except UnicodeDecodeError as error:
            raise damaged(self._path, "a text in it is not text") from error

    def progress(self) -> tuple[int, int]:
        """(last transition indexed, last transition in the session), by id."""
        total = self._session.execute("SELECT coalesce(max(id), 0) FROM transitions").fetchone()[0]
        return self._cursors().get("log_lines", 0), total

    def _advance(self) -> bool:
        # Other programs may be building the same index: positions are read when nobody else can move them.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            found = self._take_portion()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return found

    def _take_portion(self) -> bool:
        # One snapshot: whatever a line refers to is in it.
        self._session.execute("BEGIN")
        try:
            cursors = self._cursors()
            top = self._session.execute("SELECT coalesce(max(id), 0) FROM transitions").fetchone()[0]
            steps = [
                self._words(cursors, "texts", Kind.LOG),
                self._words(cursors, "patterns", Kind.NAME),
                self._words(cursors, "arguments", Kind.ARGUMENT),
                self._words(cursors, "errors", Kind.ERROR),
                self._lines(cursors, top),
                self._late_lines(cursors),
            ]
        finally:
            self._session.execute("ROLLBACK")
        self._db.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?)", cursors.items())
        return any(steps)

    def _words(self, cursors: dict[str, int], name: str, kind: Kind) -> bool:
        key = KEYS[kind]
        rows = self._session.execute(
            f"{STATEMENTS[kind]} WHERE {key} > ? ORDER BY {key} LIMIT {PORTION}", (cursors.get(name, 0),)
        ).fetchall()
        if not rows:
            return False
        self._db.executemany(
            "INSERT INTO words (rowid, body) VALUES (?, ?)", ((row[0] * 4 + kind, split_names(row[1])) for row in rows)
        )
        cursors[name] = rows[-1][0]
        return True

    def _lines(self, cursors: dict[str, int], top: int) -> bool:
        position = cursors.get("log_lines", 0)
        if position >= top:
            return False
        last = min(position + PORTION, top)
        self._db.executemany(
            "INSERT OR IGNORE INTO lines VALUES (?, ?)",
            self._session.execute(
                "SELECT text_id, transition_id FROM log_lines WHERE transition_id > ? AND transition_id <= ?"
                " ORDER BY text_id",
                (position, last),
            ),
        )
        cursors["log_lines"] = last
        return True

    def _late_lines(self, cursors: dict[str, int]) -> bool:
        # Layout 1 has none of these; a reader of a later layout sees an empty table there.
        known = "SELECT 1 FROM {0}sqlite_schema WHERE name = 'late_log_lines'"
        if not self._session.execute(f"{known.format('')} UNION {known.format('temp.')}").fetchone():
            return False
        rows = self._session.execute(
            "SELECT l.id, l.text_id, t.id FROM late_log_lines AS l LEFT JOIN transitions AS t"
            " ON t.id = (SELECT id FROM transitions WHERE machine_id = l.machine_id"
            " AND number >= max(l.after_number, 1) ORDER BY number LIMIT 1)"
            " WHERE l.id > ? ORDER BY l.id LIMIT ?",
            (cursors.get("late_log_lines", 0), PORTION),
        ).fetchall()
        # Lines before the first transition of a machine can be found as soon as there is one.
        waiting = next((place for place, row in enumerate(rows) if row[2] is None), len(rows))
        if not waiting:
            return False
        self._db.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?)", (row[1:] for row in rows[:waiting]))
        cursors["late_log_lines"] = rows[waiting - 1][0]
        return True

    def _cursors(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT name, position FROM cursors").fetchall())

    # -- asking -------------------------------------------------------------------------------------------------

    def ids(self, text: str, kinds: Iterable[Kind] = Kind) -> list[int]:
        """Ids of the transitions that belong to texts with all the words, ascending. See :meth:`search`."""
        return sorted(self._there({transition for transition, _, _ in self._find(text, kinds)}))

    def numbers(self, text: str, kinds: Iterable[Kind] = Kind) -> dict[int, list[int]]:
        """The same as numbers of transitions, ascending, by machine id: what a timeline can be filtered with."""
        found: dict[int, list[int]] = {}
        ids = self.ids(text, kinds)
        for start in range(0, len(ids), PORTION):
            marks = ",".join(map(str, ids[start : start + PORTION]))
            for machine_id, number in self._session.execute(
                f"SELECT machine_id, number FROM transitions WHERE id IN ({marks}) ORDER BY id"  # noqa: S608 - numbers
            ):
                found.setdefault(machine_id, []).append(number)
        return found

    def search(self, text: str, limit: int = 100, kinds: Iterable[Kind] = Kind) -> list[Hit]:
        """The latest transitions that belong to texts with all the words, latest first.

        Words match whole words or their beginnings, regardless of case and accents; ``CamelCase`` and ``snake_case``
        are found by each part. What stands between double quotes has to occur exactly like that, except for case.

        Args:
            text: words, and phrases in double quotes.
            limit: the largest number of hits.
            kinds: where to look.

        Raises:
            StoreError: the index or the session cannot be read.
        """
        latest = sorted(self._find(text, kinds), reverse=True)
        hits: list[Hit] = []
        for start in range(0, len(latest), limit):
            portion = latest[start : start + limit]
            there = self._there({transition for transition, _, _ in portion})
            hits += [Hit(one, kind, self._text(kind, key)) for one, kind, key in portion if one in there]
            if len(hits) >= limit:
                break
        return hits[:limit]

    def _there(self, ids: set[int]) -> set[int]:
        """Those of some transitions that retention has left."""
        ordered, found = sorted(ids), set[int]()
        for start in range(0, len(ordered), PORTION):
            marks = ",".join(map(str, ordered[start : start + PORTION]))
            rows = self._session.execute(f"SELECT id FROM transitions WHERE id IN ({marks})")  # noqa: S608 - numbers
            found.update(row[0] for row in rows)
        return found

    def _find(self, text: str, kinds: Iterable[Kind]) -> Iterator[tuple[int, Kind, int]]:
        """(transition id, kind, id of the text)."""
        phrases, query = parse_query(text)
        if not query:
            return
        wanted = frozenset(kinds)
        try:
            texts: dict[Kind, list[int]] = {}
            for (rowid,) in self._db.execute("SELECT rowid FROM words WHERE words MATCH ?", (query,)):
                kind = Kind(rowid % 4)
                if kind in wanted and (not phrases or self._has_phrases(kind, rowid // 4, phrases)):
                    texts.setdefault(kind, []).append(rowid // 4)
            for kind, keys in texts.items():
                for transition, key in self._transitions(kind, keys):
                    yield transition, kind, key
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def _transitions(self, kind: Kind, keys: list[int]) -> Iterator[tuple[int, int]]:
        if kind in (Kind.ARGUMENT, Kind.ERROR):
            yield from ((key, key) for key in keys)
            return
        if kind is Kind.LOG:
            for key in keys:
                for (transition,) in self._db.execute("SELECT transition_id FROM lines WHERE text_id = ?", (key,)):
                    yield transition, key
            return
        marks = ",".join(map(str, keys))
        yield from self._session.execute(f"SELECT id, pattern_id FROM transitions WHERE pattern_id IN ({marks})")  # noqa: S608 - numbers

    def _has_phrases(self, kind: Kind, key: int, phrases: Sequence[str]) -> bool:
        text = self._text(kind, key).casefold()
        return all(phrase in text for phrase in phrases)

    def _text(self, kind: Kind, key: int) -> str:
        statement = f"{STATEMENTS[kind]} WHERE {KEYS[kind]} = ?"
        row = self._session.execute(statement, (key,)).fetchone()
        if row is None:
            return ""
        return distinct_words(row[1]) if kind is Kind.NAME else str(row[1])
