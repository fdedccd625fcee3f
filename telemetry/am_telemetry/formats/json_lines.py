"""Recordings as JSON lines: one object per line, told apart by ``record``, for other programs and other machines.

The first line names the format. Definitions (``process``, ``schema``, ``machine``, ``pattern``) come before whatever
refers to them by ``id``; a ``transition`` carries its log lines, arguments, cause and error itself. Patterns repeat the
names of states for people; ``indexes`` is what counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final

from am_telemetry.batch import Batch
from am_telemetry.facts import SchemaFact
from am_telemetry.formats.json_lines_waits import wait_records
from am_telemetry.recorded import BookmarkFact, Piece, ProcessPast

FORMAT: Final = "am-dbg-jsonl"
VERSION: Final = 1


def encode(pieces: Iterable[Piece]) -> Iterator[str]:
    """The lines of a recording, several in one text, each with its line end.

    Args:
        pieces: taken one at a time.
    """
    yield _line({"record": "header", "format": FORMAT, "version": VERSION})
    encoder = _Encoder()
    for process, piece in pieces:
        if isinstance(piece, ProcessPast):
            yield _line(
                {
                    "record": "process",
                    "id": process,
                    **asdict(piece.fact),
                    "first_seen_ns": piece.first_seen_ns,
                    "last_seen_ns": piece.last_seen_ns,
                    "skew_ns": piece.skew_ns,
                }
            )
        elif isinstance(piece, BookmarkFact):
            yield _line({"record": "bookmark", **asdict(piece)})
        else:
            yield from encoder.batch(process, piece)


def _dumps() -> Callable[[object], str]:
    # One encoder for all lines; characters that UTF-8 cannot hold are escaped together with all others then.
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    ascii_only = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

    def dumps(value: object) -> str:
        text = plain(value)
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return ascii_only(value)
        return text

    return dumps


_dump: Final = _dumps()


def _line(value: dict[str, Any]) -> str:
    return _dump(value) + "\n"


class _Encoder:
    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], str] = {}
        """(process, handle) -> JSON of the text. The caller keeps the number of handles low."""
        self._schemas: dict[tuple[int, int], SchemaFact] = {}
        self._written: set[tuple[str, int]] = set()
        """Definitions that processes share are written once."""

    def batch(self, process: int, batch: Batch) -> Iterator[str]:
        for handle, text in batch.texts:
            self._texts[process, handle] = _dump(text)
        yield from self._definitions(process, batch)
        for machine, schema in batch.revised:
            yield _line({"record": "revision", "machine": machine, "schema": schema})
        if batch.transitions.machine:
            yield self._transitions(process, batch)
        for gap in batch.gaps:
            yield _line({"record": "gap", **asdict(gap)})
        for omission in batch.omissions:
            yield _line({"record": "omission", **asdict(omission)})
        late = batch.late
        for machine, sequence, at_ns, level, line in zip(
            late.machine, late.sequence, late.at_ns, late.level, late.text, strict=True
        ):
            yield (
                f'{{"record":"late_log","machine":{machine},"sequence":{sequence},"at_ns":{at_ns},"level":{level},'
                f'"text":{self._texts[process, line]}}}\n'
            )
        for running in batch.running:
            yield _line({"record": "running", **asdict(running)})
        yield from map(_line, wait_records(batch.waits))
        for closed in batch.closed:
            yield _line({"record": "end", **closed._asdict()})

    def _definitions(self, process: int, batch: Batch) -> Iterator[str]:
        for handle, schema in batch.schemas:
            self._schemas[process, handle] = schema
            if self._is_new("schema", handle):
                states = [
                    {key: value for key, value in asdict(state).items() if value not in (False, ())}
                    for state in schema.states
                ]
                yield _line({"record": "schema", "id": handle, "states": states, "groups": schema.groups})
        handles = {schema.digest: handle for (owner, handle), schema in self._schemas.items() if owner == process}
        for handle, opened_ns, fact in batch.opened:
            yield _line(
                {
                    "record": "machine",
                    "id": handle,
                    "process": process,
                    "name": fact.id,
                    "parent": fact.parent,
                    "tags": fact.tags,
                    "schema": handles[fact.schema.digest],
                    "started_ns": opened_ns,
                    "sequence": fact.sequence,
                    "clock": fact.clock,
                    "id_prefix": fact.id_prefix,
                }
            )
        for handle, schema_handle, pattern in batch.patterns:
            if not self._is_new("pattern", handle):
                continue
            name = self._schemas[process, schema_handle].state_name
            yield _line(
                {
                    "record": "pattern",
                    "id": handle,
                    "schema": schema_handle,
                    "mutation": pattern.mutation,
                    "called": [name(state) for state in pattern.called],
                    "added": [name(state) for state in pattern.added],
                    "removed": [name(state) for state in pattern.removed],
                    "accepted": pattern.accepted,
                    "auto": pattern.auto,
                    "check": pattern.check,
                    "queued": pattern.queued,
                    "broken": pattern.broken,
                    "canceled_by": pattern.canceled_by,
                    "handlers": pattern.handlers,
                    "indexes": [pattern.called, pattern.added, pattern.removed, pattern.deltas],
                    "steps": [
                        [s.kind, s.source, s.target, s.relation, s.is_final, s.is_self, s.is_enter]
                        for s in pattern.steps
                    ],
                }
            )

    def _is_new(self, kind: str, handle: int) -> bool:
        if (kind, handle) in self._written:
            return False
        self._written.add((kind, handle))
        return True

    def _transitions(self, process: int, batch: Batch) -> str:
        extras: dict[int, str] = {}
        logs = batch.logs
        lines: dict[int, list[str]] = {}
        texts = self._texts
        for row, level, text, before in zip(logs.row, logs.level, logs.text, logs.before, strict=True):
            lines.setdefault(row, []).append(f"[{level},{texts[process, text]},{'true' if before else 'false'}]")
        for row, found in lines.items():
            extras[row] = f',"log":[{",".join(found)}]'
        runs: dict[int, list[list[object]]] = {}
        for row, name, offset, duration in zip(
            batch.runs.row, batch.runs.name, batch.runs.offset_ns, batch.runs.duration_ns, strict=True
        ):
            runs.setdefault(row, []).append([name, offset, duration])
        for key, values in (
            ("handlers", runs.items()),
            # As a text, so that whatever a program has sent comes through unchanged.
            ("arguments_json", batch.arguments),
            ("error", ((row, asdict(error)) for row, error in batch.errors)),
            ("source", ((row, asdict(source)) for row, source in batch.sources)),
            ("id", batch.transition_ids),
        ):
            for row, value in values:
                extras[row] = f'{extras.get(row, "")},"{key}":{_dump(value)}'
        columns = batch.transitions
        return "".join(
            [
                f'{{"record":"transition","machine":{machine},"sequence":{sequence},"at_ns":{at_ns},'
                f'"duration_ns":{duration},"pattern":{pattern},"queue_len":{length},"queue_tick":{tick}'
                f"{extras.get(row, '')}}}\n"
                for row, (machine, sequence, at_ns, duration, pattern, length, tick) in enumerate(
                    zip(
                        columns.machine,
                        columns.sequence,
                        columns.at_ns,
                        columns.duration_ns,
                        columns.pattern,
                        columns.queue_len,
                        columns.queue_tick,
                        strict=True,
                    )
                )
            ]
        )
