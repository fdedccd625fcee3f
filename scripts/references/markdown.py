"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by `make docs` from the code; edit it there. -->"


def page(title: str, *blocks: str) -> str:
    """A whole page: title, note on its origin, blocks."""
    return "\n\n".join([f"# {title}", NOTE, *(block.strip("\n") for block in blocks if block)]) + "\n"


def cell(text: str) -> str:
    """Text made safe for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are put on one line each."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def code(text: str) -> str:
    """Text as inline code, also when it holds a backtick."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"
