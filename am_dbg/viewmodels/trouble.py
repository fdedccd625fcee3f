"""What is wrong with a recording, and what to do about it: records that are not stored, lost, or incomplete."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import Final

from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean

_MOST_MACHINES: Final = 12
_ADVICE: Final = (
    (
        "disk nearly full",
        "Free some space: am-dbg sessions gc --max-size 2GB, or limit what is kept: am-dbg --keep 2h.",
    ),
    ("full", "Free some space: am-dbg sessions gc --max-size 2GB. What programs still hold is stored then."),
    (
        "stuck",
        "The disk does not take what is written. Look at its load, or record on another one: am-dbg --output FILE.",
    ),
    ("refused", "am-dbg doctor tells how programs are let in: certificates, tokens and limits."),
    ("ended", "Open the session again to look at it, or start am-dbg to record on."),
    ("", "am-dbg doctor looks for what may be wrong on this computer."),
)


def advice(failure: str) -> str:
    """What to do about a failure of the hub."""
    folded = failure.casefold()
    return next(text for words, text in _ADVICE if words in folded)


def text(session: SessionView, failure: str, cells: int) -> tuple[Line, ...]:
    """All of it, wrapped to a width.

    Args:
        failure: why records cannot be stored at the moment, empty when all is well.
        cells: columns.
    """
    lines: list[Line] = []
    if failure:
        lines += _paragraph("✕ ", failure, cells, Role.ERROR)
        lines += _paragraph("→ ", advice(failure), cells, Role.TEXT)
        lines.append(())
    lines += _lost(session, cells)
    lines += _incomplete(session, cells)
    return tuple(lines) or (
        (Span("Nothing: all that arrived was stored, and nothing was lost on the way.", Role.TEXT),),
    )


def _paragraph(sign: str, words: str, cells: int, role: Role) -> list[Line]:
    rows = textwrap.wrap(clean(words, 2_000), max(10, cells - 2)) or [""]
    return [(Span(sign if place == 0 else "  ", role, bold=True), Span(row, role)) for place, row in enumerate(rows)]


def _lost(session: SessionView, cells: int) -> list[Line]:
    lost = {
        machine.id: sum(session.recording.timeline(machine.id).gaps.values()) for machine in session.recording.machines
    }
    machines = sorted((machine_id for machine_id, count in lost.items() if count), key=lambda m: (-lost[m], m))
    if not machines:
        return []
    total = thousands(sum(lost.values()))
    lines = _paragraph(
        "⚠ ", f"{total} transitions never arrived: programs had no room to keep them", cells, Role.ERROR_RECENT
    )
    lines += [_count(lost[machine_id], session.label(machine_id), cells) for machine_id in machines[:_MOST_MACHINES]]
    if len(machines) > _MOST_MACHINES:
        lines.append((Span(f"            and {thousands(len(machines) - _MOST_MACHINES)} more machines", Role.DIM),))
    lines += _paragraph(
        "→ ",
        "! lists the places. Programs that tell less lose less: AM_DETAIL=1 or AM_LOG=changes.",
        cells,
        Role.TEXT,
    )
    return [*lines, ()]


def _incomplete(session: SessionView, cells: int) -> list[Line]:
    """Of the selected machine only, as it has to be looked up."""
    machine = session.machine
    if machine is None:
        return []
    found: Counter[tuple[str, str]] = Counter()
    for omission in session.recording.omissions(machine.id):
        found[omission.what, omission.reason] += omission.count
    if not found:
        return []
    lines = _paragraph("⚠ ", f"{session.label(machine.id)} sent less than it did:", cells, Role.ERROR_RECENT)
    lines += [_count(count, f"{what} ({reason})", cells) for (what, reason), count in found.most_common(_MOST_MACHINES)]
    return [*lines, ()]


def _count(count: int, what: str, cells: int) -> Line:
    return (Span(f"{thousands(count):>11} ", Role.VALUE), Span(clean(what, max(10, cells - 12)), Role.TEXT))
