"""What the tests of the automaton share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from am_core import LogEntry, Machine, Tracer, Transition

TOGGLE = {"A": {"remove": ["B"]}, "B": {"remove": ["A"]}}
"""Two states that take turns."""


def comparable(entries: Iterable[LogEntry]) -> list[tuple[int, str]]:
    """Lines of a log without the identities of transitions."""
    return [(entry.level, re.sub(r"/[0-9a-f]{16}/", "/transition/", entry.text)) for entry in entries]


class Recorder(Tracer):
    """Writes down everything a tracer can see of transitions, except for times and identities."""

    def __init__(self, wants_steps: bool = True) -> None:
        self.wants_steps = wants_steps
        self.rows: list[object] = []

    def tracer_id(self) -> str:
        return "recorder"

    def mutation_queued(self, machine: Machine, mutation: Any) -> None:
        self.rows.append(("queued", str(mutation.type), mutation.called, mutation.queue_tick, mutation.queue_token))

    def transition_init(self, tx: Transition) -> None:
        self.rows.append(("init", tx.number, tx.target, tx.enters, tx.exits, tx.time_after, tx.is_accepted))

    def transition_finals(self, tx: Transition) -> None:
        self.rows.append(("finals", tx.number, tx.target, tx.time_after))

    def handler_end(self, tx: Transition, binding: str, handler: str) -> None:
        self.rows.append(("handler", tx.number, handler))

    def transition_end(self, tx: Transition) -> None:
        mutation = tx.mutation
        row = (
            *("end", tx.number, str(tx.type), mutation.called, mutation.is_auto, mutation.is_check),
            *(tx.is_accepted, tx.is_broken, tx.canceled_by, tx.target, tx.enters, tx.exits, tx.enters_done),
            *(tx.time_before, tx.time_after, tx.queue_len, mutation.queue_tick, mutation.queue_token),
            *(list(tx.steps), list(tx.handlers_called), comparable(tx.log_entries), comparable(tx.pre_log_entries)),
        )
        self.rows.append(row)

    def queue_end(self, machine: Machine) -> None:
        self.rows.append("queue end")
