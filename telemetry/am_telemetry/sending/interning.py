"""Small numbers for what repeats: texts, patterns and schemas. For the sender thread only."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, Final

from am_telemetry.batch import PatternDef
from am_telemetry.facts import PatternFact, SchemaFact, StateFact
from am_telemetry.sending.arguments import MAX_ID, cut

if TYPE_CHECKING:
    from am_telemetry.sending.express import Known, KnownPairs
    from am_telemetry.sending.recalling import RecalledByKind, Ways

MAX_TEXTS: Final = 16_384
MAX_TEXT_CHARACTERS: Final = 8 * 1024 * 1024
MAX_LINE: Final = 65_536
MAX_LINES: Final = 10_000
"""Log lines in a row, of one transition."""
MAX_LINES_COST: Final = 256 * 1024
"""The same in bytes, about. A hub refuses batches that are much larger."""
MAX_STATES: Final = 16_384
MAX_SCHEMA_CHARACTERS: Final = 512 * 1024
MAX_PATTERNS: Final = 8_192
MAX_SCHEMAS: Final = 1_024
"""Remembered without looking whether they are still in use."""

Lines = tuple[list[int], list[int], int]
Groups = dict[str, tuple[str, ...]]


class TextTable:
    """Handles for log texts.

    Bounded: when it is full it forgets everything and gives out the same handles anew. Batches carry the texts behind
    their handles, so those that were made before are not affected.
    """

    def __init__(self, limit: int = MAX_TEXTS) -> None:
        self._limit = limit
        self._handles: dict[str, int] = {}
        self._texts: list[str] = []
        self._characters = 0
        self._lines: dict[tuple[tuple[int, str], ...], Lines] = {}

    def text(self, handle: int) -> str:
        """The text behind a handle."""
        return self._texts[handle - 1]

    def lines(self, entries: tuple[tuple[int, str], ...]) -> Lines:
        """Levels, handles (from 1) and estimated bytes of consecutive log entries, of which there may be too many.

        The same lines tend to come together, so they are looked up together.
        """
        if len(entries) > MAX_LINES:
            entries = (*entries[:MAX_LINES], (entries[MAX_LINES][0], _more(len(entries) - MAX_LINES)))
        known = self._lines.get(entries)
        if known is not None:
            return known
        levels, handles, cost = [], [], 0
        for position, (level, text) in enumerate(entries):
            full = cost > MAX_LINES_COST
            shown = _more(len(entries) - position) if full else text if len(text) <= MAX_LINE else cut(text, MAX_LINE)
            levels.append(min(max(int(level), 0), 255))
            handles.append(self._handle(shown))
            # Counted whenever it is used, although it is seldom sent again: a batch may come to a hub that knows none
            # of its texts.
            cost += 6 + (len(shown) if shown.isascii() else 4 * len(shown))
            self._characters += len(shown)
            if full:
                break
        lines = self._lines[entries] = (levels, handles, cost)
        return lines

    def _handle(self, text: str) -> int:
        handle = self._handles.get(text)
        if handle is None:
            self._texts.append(text)
            handle = self._handles[text] = len(self._texts)
        return handle

    def tidy(self) -> bool:
        """Forget everything if the table is full; whether it was. Must not be called while a batch is being built."""
        is_full = max(len(self._texts), len(self._lines)) >= self._limit or self._characters >= MAX_TEXT_CHARACTERS
        if is_full:
            self._handles.clear()
            self._texts.clear()
            self._lines.clear()
            self._characters = 0
        return is_full


def _more(count: int) -> str:
    return f"… {count} more lines were not recorded"


class PatternTable:
    """Handles for patterns, by content. Bounded like :class:`TextTable`."""

    def __init__(self, limit: int = MAX_PATTERNS) -> None:
        self._limit = limit
        self._definitions: dict[tuple[int, PatternFact], PatternDef] = {}
        self.by_handle: list[PatternDef] = []
        self.by_key: dict[tuple[int, int], dict[tuple[Any, ...], PatternDef]] = {}
        """Schema handle and level of detail to what the sender can compare quickly, to definition: a cache in front of
        the content."""
        self._keys = 0
        self._recalled: dict[tuple[int, int], tuple[RecalledByKind, Ways]] = {}
        """Even quicker caches in front of that one."""
        self._known: dict[tuple[int, int, int], tuple[Known, KnownPairs]] = {}
        """The same for express transitions."""

    def known_of(self, schema: int, detail: int, level: int) -> tuple[Known, KnownPairs]:
        """What is known about the express transitions of one schema, for machines with the same log level of which
        equally much is told."""
        return self._known.setdefault((schema, detail, level), ({}, {}))

    def keys_of(self, schema: int, detail: int = -1) -> dict[tuple[Any, ...], PatternDef]:
        """The quick cache of one schema, for machines of which equally much is told."""
        return self.by_key.setdefault((schema, detail), {})

    def recalled_of(self, schema: int, detail: int) -> tuple[RecalledByKind, Ways]:
        """What was met lately of one schema, for machines of which equally much is told."""
        return self._recalled.setdefault((schema, detail), ({}, {}))

    def define(self, schema: int, key: tuple[Any, ...], fact: PatternFact, detail: int = -1) -> PatternDef:
        """The definition of a pattern, new or known, remembered under a quick key."""
        definition = self._definitions.get((schema, fact))
        if definition is None:
            definition = PatternDef(len(self.by_handle) + 1, schema, fact)
            self.by_handle.append(definition)
            self._definitions[schema, fact] = definition
        self.keys_of(schema, detail)[key] = definition
        self._keys += 1
        return definition

    def tidy(self) -> bool:
        """Forget everything if the table is full; whether it was. Must not be called while a batch is being built."""
        is_full = len(self.by_handle) >= self._limit or self._keys >= 2 * self._limit
        if is_full:
            self._definitions.clear()
            self.by_handle = []
            self._keys = 0
            for keys in self.by_key.values():
                keys.clear()
            for recalled, ways in self._recalled.values():
                recalled.clear()
                ways.clear()
        return is_full

    def keep_schemas(self, used: Set[int]) -> None:
        """Forget the caches of all other schemas."""
        self.by_key = {key: keys for key, keys in self.by_key.items() if key[0] in used}
        self._recalled = {key: recalled for key, recalled in self._recalled.items() if key[0] in used}
        self._known = {key: known for key, known in self._known.items() if key[0] in used}

    def forget_known(self) -> None:
        """Forget what holds handles of texts and patterns, because some of them are to be given out anew."""
        for known, pairs in self._known.values():
            known.clear()
            pairs.clear()


class SchemaTable:
    """Handles for schemas, by content. No handle is ever given out again, because a hub takes no other schema for it.

    Args:
        limit: with so many schemas, :attr:`is_full`; or with twice as many as were kept the last time.
    """

    def __init__(self, limit: int = MAX_SCHEMAS) -> None:
        self._limit = self._full = limit
        self._last = 0
        self.facts: dict[int, SchemaFact] = {}
        self.handles: dict[str, int] = {}
        """Digest to handle."""
        self.sizes: dict[int, int] = {}
        """Handle to estimated bytes on the wire."""
        self._recent: dict[tuple[str, ...], tuple[Mapping[str, Any], Groups, int]] = {}

    def handle(self, names: tuple[str, ...], schema: Mapping[str, Any]) -> int:
        """The handle for a machine's states in index order and their definitions, from 1; 0 when they are too large.

        Many machines of one kind are usual, so the schema met last under the same names is compared before the
        content is hashed.
        """
        recent = self._recent.get(names)
        groups = groups_of(schema)
        if recent is not None and recent[1] == groups and recent[0] == schema:
            return recent[2]
        fact = schema_fact(names, schema)
        size = _size(fact)
        handle = self.handles.get(fact.digest) if size <= MAX_SCHEMA_CHARACTERS else 0
        if handle is None:
            handle = self._last = self._last + 1
            self.handles[fact.digest] = handle
            self.facts[handle] = fact
            self.sizes[handle] = size
        if len(self._recent) >= 1024:
            self._recent.clear()
        self._recent[names] = (schema, groups, handle)
        return handle

    @property
    def is_full(self) -> bool:
        """Whether it is time to find out which schemas are still in use, and :meth:`keep` them."""
        return len(self.facts) >= self._full

    def keep(self, used: Set[int]) -> None:
        """Forget all other schemas; who comes back with one gets a new handle for it."""
        self.facts = {handle: fact for handle, fact in self.facts.items() if handle in used}
        self.sizes = {handle: size for handle, size in self.sizes.items() if handle in used}
        # The same object, because others hold it.
        for digest in [digest for digest, handle in self.handles.items() if handle not in used]:
            del self.handles[digest]
        self._recent.clear()
        self._full = max(self._limit, 2 * len(self.facts))


def _size(fact: SchemaFact) -> int:
    """Estimated bytes on the wire; more than MAX_SCHEMA_CHARACTERS for a schema that no hub will take."""
    names = [*(state.name for state in fact.states), *(name for name, _ in fact.groups)]
    if len(fact.states) > MAX_STATES or any(len(name) > MAX_ID for name in names):
        return MAX_SCHEMA_CHARACTERS + 1
    size = sum(len(name) + 4 for name in names) + sum(4 * len(members) for _, members in fact.groups)
    for state in fact.states:
        relations = (state.require, state.add, state.remove, state.after, state.tags)
        size += sum(len(name) + 2 for names in relations for name in names)
    return size


def schema_fact(names: tuple[str, ...], schema: Mapping[str, Any]) -> SchemaFact:
    """The fact for a machine's states in index order and their engine definitions."""
    states = []
    for name in names:
        state = schema.get(name)
        if state is None:
            states.append(StateFact(name))
            continue
        states.append(
            StateFact(
                name=name,
                auto=bool(state.auto),
                multi=bool(state.multi),
                require=tuple(state.require or ()),
                add=tuple(state.add or ()),
                remove=tuple(state.remove or ()),
                after=tuple(state.after or ()),
                tags=tuple(state.tags or ()),
            )
        )
    index = {name: number for number, name in enumerate(names)}
    groups = groups_of(schema).items()
    return SchemaFact(
        tuple(states),
        tuple((group, tuple(index[name] for name in members if name in index)) for group, members in groups),
    )


def groups_of(schema: Mapping[str, Any]) -> Groups:
    """The groups that an engine's schema brings along; none where it is a plain mapping."""
    groups = getattr(schema, "groups", None)
    return {str(name): tuple(members) for name, members in groups.items()} if isinstance(groups, Mapping) else {}
