"""How much programs tell of their machines, in words."""

from __future__ import annotations

from typing import Final

DETAIL_LEVELS: Final = (
    "changes of states only",
    "called states, handlers, causes, names of arguments, logs",
    "steps too",
    "values of arguments too",
)
"""What is told at the levels 0 to 3."""


def asked_message(machine: str, level: int | None, seconds: int, programs: int) -> str:
    """What came of asking for detail.

    Args:
        machine: its id, harmless to show.
        level: that was asked for; None to take back what was asked before.
        seconds: for how long.
        programs: how many were asked.
    """
    if not programs:
        return f"no connected program that could be asked has {machine}; programs of Go tell all they can"
    asked = f"{programs:,} program{'' if programs == 1 else 's'} asked to tell"
    if level is None:
        return f"{asked} of {machine} as much as before"
    return f"{asked} detail {level} of {machine} for {length(seconds)}, as far as AM_DETAIL_MAX permits"


def length(seconds: int) -> str:
    """``5 minutes``; for whole minutes and hours."""
    count, unit = (seconds // 3600, "hour") if seconds >= 3600 else (seconds // 60, "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"
