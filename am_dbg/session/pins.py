"""The pinned machines, at the moment that is looked at."""

from __future__ import annotations

from am_dbg.session.machine_order import human_key
from am_dbg.session.view import SessionView


def pinned_runs(session: SessionView) -> list[int]:
    """The runs of the pinned machines, by name.

    Of several runs of a machine it is the selected one, else the last one that had begun by the moment, else the first.
    """
    if not session.pinned:
        return []
    moment, found = session.moment, dict[str, int]()
    for machine in session.recording.machines:
        name = machine.name
        if name in session.pinned and (name not in found or machine.started_ns <= moment):
            found[name] = machine.id
    selected = session.machine
    if selected is not None and selected.name in found:
        found[selected.name] = selected.id
    return [found[name] for name in sorted(found, key=lambda name: (human_key(name), name))]
