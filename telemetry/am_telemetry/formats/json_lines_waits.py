"""Waits, contexts and pipes as JSON lines: ``wait`` for each that began, ``wait_end`` for each that ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from am_telemetry.formats.json_fields import Fields
from am_telemetry.waits import WaitBegun, WaitEnded, WaitFact, WaitOrigin, Waits


def wait_records(waits: Waits) -> Iterator[dict[str, Any]]:
    """The objects of lines; what is empty is left out."""
    for begun in waits.begun:
        fact, origin = begun.fact, begun.origin
        record: dict[str, Any] = {
            "record": "wait",
            "machine": begun.machine,
            "ident": begun.ident,
            "sequence": begun.sequence,
            "at_ns": begun.at_ns,
            "kind": fact.kind,
            "states": fact.states,
        }
        rest = {
            "ticks": fact.ticks,
            "text": fact.text,
            "peer": fact.peer,
            "peer_state": fact.peer_state,
            "mutation": fact.mutation,
        }
        record.update({key: value for key, value in rest.items() if value})
        if origin is not None:
            record["origin"] = {"machine": origin.machine, "sequence": origin.sequence, "handler": origin.handler}
        yield record
    for ended in waits.ended:
        yield {"record": "wait_end", **ended._asdict()}


def read_wait(fields: Fields, machine: int) -> WaitBegun:
    """One that began.

    Raises:
        WrongFieldError: a field is not what it should be.
    """

    def text(key: str) -> str:
        return fields.optional(key, fields.text) or ""

    fact = WaitFact(
        kind=fields.text("kind"),
        states=fields.texts("states"),
        ticks=fields.optional("ticks", fields.ticks) or (),
        text=text("text"),
        peer=text("peer"),
        peer_state=text("peer_state"),
        mutation=text("mutation"),
    )
    origin = None
    if "origin" in fields.values:
        inner = fields.inner("origin")
        origin = WaitOrigin(inner.text("machine"), inner.number("sequence"), inner.text("handler"))
    return WaitBegun(machine, fields.number("ident"), fields.number("sequence"), fields.signed("at_ns"), fact, origin)


def read_wait_end(fields: Fields, machine: int) -> WaitEnded:
    """One that ended.

    Raises:
        WrongFieldError: a field is not what it should be.
    """
    return WaitEnded(
        machine, fields.number("ident"), fields.number("sequence"), fields.signed("at_ns"), fields.text("reason")
    )
