"""Schemas, patterns and texts by content: equal ones share one row."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable
from typing import Final, NamedTuple

from am_telemetry.facts import PatternFact, SchemaFact
from am_telemetry.store import codec
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.undo import UndoLog

MAX_TEXTS: Final = 100_000
"""Texts remembered for sharing. A text that was forgotten is stored once more."""

MAX_SHARED_LENGTH: Final = 2_000
"""Longer texts seldom repeat and are not remembered."""

_INSERT_PATTERN: Final = "INSERT INTO patterns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class KnownPattern(NamedTuple):
    """What ingestion needs of a pattern."""

    id: int
    ticks: int
    is_error: bool


class Catalog:
    """Interns definitions inside the open transaction. Runs on the writing thread."""

    def __init__(self, connection: sqlite3.Connection, undo: UndoLog) -> None:
        self._db = connection
        self._undo = undo
        self._schema_ids: dict[str, int] = {}
        self._schemas: dict[int, SchemaFact] = {}
        for row in connection.execute("SELECT id, digest, states_json, groups_json FROM schemas"):
            self._schema_ids[row[1]] = row[0]
            self._schemas[row[0]] = codec.schema_from_json(row[2], row[3])
        self._patterns: dict[tuple[int, PatternFact], KnownPattern] = {}
        self._deltas: dict[int, tuple[tuple[str, int], ...]] = {}
        self._texts: dict[str, int] = {}
        self._waiting: list[tuple[int, str]] = []
        row = connection.execute("SELECT max(id) FROM texts").fetchone()
        self._next_text = 1 + (row[0] or 0)
        self.handed: set[int] = set()
        """Ids of texts that were given out while somebody watches."""
        self._watched = False
        self.new_schemas: dict[int, SchemaFact] = {}
        self.new_patterns: dict[int, PatternRecord] = {}

    def take_new(self) -> tuple[dict[int, SchemaFact], dict[int, PatternRecord]]:
        """Definitions made since the last call."""
        self._waiting.clear()
        new = (self.new_schemas, self.new_patterns)
        self.new_schemas, self.new_patterns = {}, {}
        return new

    def flush(self) -> None:
        """Write the texts that were only numbered so far."""
        self._db.executemany("INSERT INTO texts VALUES (?, ?)", self._waiting)
        self._waiting.clear()

    def schema(self, fact: SchemaFact) -> int:
        """The id of a schema."""
        known = self._schema_ids.get(fact.digest)
        if known is not None:
            return known
        digest = fact.digest
        fact = codec.storable_schema(fact)
        cursor = self._db.execute(
            "INSERT INTO schemas (digest, states_json, groups_json) VALUES (?, ?, ?)",
            (digest, codec.schema_to_json(fact), codec.groups_to_json(fact)),
        )
        schema_id = cursor.lastrowid or 0
        self._undo.put(self._schema_ids, digest, schema_id)
        self._undo.put(self._schemas, schema_id, fact)
        self.new_schemas[schema_id] = fact
        return schema_id

    def schema_fact(self, schema_id: int) -> SchemaFact:
        """The schema with an id.

        Raises:
            KeyError: there is none.
        """
        return self._schemas[schema_id]

    def pattern(self, schema_id: int, fact: PatternFact) -> KnownPattern:
        """The pattern's row, made when it is new."""
        key = (schema_id, fact)
        known = self._patterns.get(key)
        if known is not None:
            return known
        schema = self._schemas[schema_id]
        fact = codec.storable_pattern(fact)
        values = codec.pattern_values(fact, schema)
        row = self._db.execute(
            "SELECT id FROM patterns WHERE schema_id = ? AND digest = ?", (schema_id, values[0])
        ).fetchone()
        if row is None:
            cursor = self._db.execute(_INSERT_PATTERN, (None, schema_id, *values))
            pattern_id = cursor.lastrowid or 0
            changes = [
                (codec.storable(schema.state_name(state)), change, pattern_id)
                for change, states in (("added", fact.added), ("removed", fact.removed))
                for state in states
            ]
            self._db.executemany("INSERT OR IGNORE INTO pattern_changes VALUES (?, ?, ?)", changes)
            self.new_patterns[pattern_id] = PatternRecord(pattern_id, schema, fact)
        else:
            pattern_id = row[0]
        known = KnownPattern(pattern_id, sum(ticks for _, ticks in fact.deltas), codec.is_error(fact, schema))
        self._undo.put(self._patterns, key, known)
        deltas = tuple((schema.state_name(state), ticks) for state, ticks in fact.deltas)
        self._undo.put(self._deltas, pattern_id, deltas)
        return known

    def deltas(self, pattern_id: int) -> tuple[tuple[str, int], ...]:
        """(state name, ticks gained) of a pattern that was asked for before."""
        return self._deltas[pattern_id]

    def text(self, text: str) -> int:
        """The id of a text."""
        known = self._texts.get(text)
        if known is not None:
            if self._watched:
                self.handed.add(known)
            return known
        text_id = self._next_text
        self._waiting.append((text_id, codec.storable(text)))
        self._next_text = text_id + 1
        if len(text) <= MAX_SHARED_LENGTH:
            if len(self._texts) >= MAX_TEXTS:
                self._forget_texts()
            self._undo.put(self._texts, text, text_id)
        return text_id

    @property
    def last_text(self) -> int:
        """The id of the newest text."""
        return self._next_text - 1

    def watch(self, handed: Iterable[int]) -> None:
        """Remember in :attr:`handed` which texts are given out from now on, in addition to some others."""
        self.handed, self._watched = set(handed), True

    def stop_watching(self) -> None:
        """Remember it no more."""
        self.handed, self._watched = set(), False

    def forget(self, ids: Container[int]) -> None:
        """Do not give out some texts again. Between two transactions, or where it does not matter when one fails."""
        for text in [text for text, text_id in self._texts.items() if text_id in ids]:
            del self._texts[text]

    def _forget_texts(self) -> None:
        """Drop the older half, in order of first appearance."""
        for text in list(self._texts)[: MAX_TEXTS // 2]:
            del self._texts[text]
