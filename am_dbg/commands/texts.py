"""Plain text for terminals and pipes: tables, sizes, lengths of time, JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path

import click

from am_dbg.timefmt import byte_size

size = byte_size


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Columns side by side under a line of headings. Text from outside is made harmless.

    Args:
        heads: one heading for each column.
        rows: as many texts each.
        right: indexes of the columns that are aligned to the right.
    """
    from am_dbg.viewmodels.spans import clean  # loads what the help of commands can do without

    lines = [list(heads), *([clean(text, 200) for text in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(heads))]
    aligned_right = frozenset(right)
    out = []
    for line in lines:
        cells = []
        for column, text in enumerate(line):
            padding = " " * (widths[column] - _width(text))
            cells.append(padding + text if column in aligned_right else text + padding)
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def some(names: Sequence[str], limit: int = 3) -> str:
    """``a, b, c +2``: the first names and the number of others."""
    return ", ".join(names[:limit]) + (f" +{len(names) - limit}" if len(names) > limit else "")


def echo_json(value: object) -> None:
    """Print records as indented JSON. Paths become texts; dataclasses become objects."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
