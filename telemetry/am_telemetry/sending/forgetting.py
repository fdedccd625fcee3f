"""Forgetting the schemas that the sending side needs no more. For the sender thread only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from am_telemetry.sending.builder import Builder
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.items import Item, Machine
from am_telemetry.sending.retention import Retention
from am_telemetry.sending.ring import Traced


class Told(Protocol):
    """Where machines stand that may be announced again."""

    @property
    def machines(self) -> Mapping[int, Machine]: ...


def forget_schemas(
    schemas: SchemaTable, builder: Builder, tracers: Iterable[Traced], retention: Retention, spooler: Told | None
) -> None:
    """Keep the schemas of machines that may still do something, or may be told of again.

    Args:
        schemas: the table.
        builder: without a batch under way.
        tracers: all of the moment.
        retention: what may be sent again.
        spooler: what was written to the spool, if there is one.
    """
    used = {tracer.track.schema for tracer in tracers} | {track.schema for track in builder.leaving}
    for item in retention:
        used |= _of_item(item, schemas)
    for told in (retention, spooler):
        if told is not None:
            used.update(schemas.handles[machine.fact.schema.digest] for machine in told.machines.values())
    schemas.keep(used)
    builder.patterns.keep_schemas(used)


def _of_item(item: Item, schemas: SchemaTable) -> set[int]:
    used = {definition.schema for definition in item.patterns.values()}
    used.update(revised.schema for revised in item.revised)
    used.update(schemas.handles[fact.schema.digest] for _, _, fact in item.opened)
    return used
