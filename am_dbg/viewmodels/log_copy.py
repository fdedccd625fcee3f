"""Rows of the log as text to be pasted elsewhere: entries in full, free of control characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from am_dbg.timefmt import thousands
from am_dbg.viewmodels.log import LogModel, LogPosition
from am_dbg.viewmodels.spans import clean, line_text

CHARACTERS_LIMIT: Final = 70_000
"""Many terminals ignore a clipboard of more than 100,000 bytes, base64 included."""
_ROWS_LIMIT: Final = 2_000


@dataclass(frozen=True, slots=True)
class CopiedText:
    """What goes to the clipboard, and what to say about it."""

    text: str
    sentence: str


def copied(model: LogModel, first: LogPosition, last: LogPosition) -> CopiedText:
    """The rows from one to another. An entry of which any row is among them comes whole, and once."""
    parts: list[str] = []
    done: tuple[object, ...] = ()
    size = rows = 0
    for row in model.rows_from(first):
        if row.position > last or rows >= _ROWS_LIMIT or size > CHARACTERS_LIMIT:
            break
        rows += 1
        entry = (row.position.place, row.entry)
        if row.entry >= 0 and entry == done:
            continue
        done = entry
        shown = line_text(row.line).rstrip()
        if row.entry >= 0:
            raw = model.content.entry_text(row.machine_id, row.number, row.entry)
            lines = raw[: CHARACTERS_LIMIT + 1].strip("\r\n").split("\n")
            lead = line_text(row.line[: row.lead]) if first != last else ""
            shown = "\n".join([lead + clean(lines[0], len(lines[0])), *(clean(line, len(line)) for line in lines[1:])])
        parts.append(shown)
        size += len(shown) + 1
    text = "\n".join(parts)
    left_out = rows >= _ROWS_LIMIT or size > CHARACTERS_LIMIT
    text = text[:CHARACTERS_LIMIT]
    what = f"{thousands(len(text))} characters"
    cut = ", cut there" if left_out else ""
    return CopiedText(text, f"sent {what}{cut} to the terminal's clipboard, if it takes it (OSC 52)")
