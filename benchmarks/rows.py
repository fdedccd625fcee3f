"""Rows of the table, and how the table is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SkippedError(Exception):
    """A row cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``ratio`` is how many times better this product is, None where there is nothing to compare."""

    what: str
    ours: str
    peer: str = ""
    theirs: str = ""
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was left out."""

    what: str
    reason: str


HEADER = ("measured", "am-dbg", "compared with", "takes", "ratio")


def duration(seconds: float) -> str:
    """A time with a unit that keeps it readable."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count / 1024:.3g} KiB"


def rate(per_second: float) -> str:
    """A number per second, in thousands where it is large."""
    return f"{per_second / 1000:,.0f} k/s" if per_second >= 10_000 else f"{per_second:,.0f} /s"


def cells(row: Row | Skipped) -> tuple[str, ...]:
    """The texts of a row, in the order of the header."""
    if isinstance(row, Skipped):
        return (row.what, "skipped", row.reason, "", "")
    return (row.what, row.ours, row.peer, row.theirs, "" if row.ratio is None else f"{row.ratio:.3g}×")


def as_text(rows: Iterable[Row | Skipped]) -> str:
    """Aligned columns for a terminal."""
    lines = [HEADER, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([texts[0], "─" * len(texts[0]), *texts[1:]])


def as_markdown(rows: Iterable[Row | Skipped]) -> str:
    """A table for the documentation."""
    lines = [HEADER, ("---", "---:", "---", "---:", "---:"), *map(cells, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
