"""Run the Python of Markdown pages, compare what it prints with what the pages say, and draw their pictures.

usage: python scripts/snippets.py [PAGE...]          (default: the README and everything in docs)
       python scripts/snippets.py --draw PAGE        (print the page with its pictures drawn anew)

The Python blocks of a page are one program, in order. What a block prints must be shown: by the next block when that is
a ``text`` block, or by comments ``# → value`` at the ends of lines. A line that is only an expression and has such a
comment is shown as at the prompt of Python. A comment ``<!-- not run: REASON -->`` above a block leaves it out, and one
``<!-- picture: EXPRESSION -->`` above a ``mermaid`` block says what draws it, with the names of the page so far and the
functions of ``am_core.diagrams``.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from am_core import diagrams

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[\w-]*)\s*$")
COMMENT = re.compile(r"^<!-- (?P<word>not run|picture): (?P<text>.+) -->$")
ARROW = "# → "
DRAW = {name: getattr(diagrams, name) for name in ("schema_diagram", "moment_diagram", "transition_diagram")}


@dataclass
class Block:
    """A fenced block of a page."""

    language: str
    start: int
    """Index of the first line of the body."""
    lines: list[str]
    comments: dict[str, str]
    """Instructions from the lines above."""

    @property
    def code(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclass
class Visit:
    """What came of running a page."""

    text: str
    """The page with its pictures drawn anew."""
    problems: list[str] = field(default_factory=list)
    count: int = 0
    """How many blocks ran."""


def blocks(lines: list[str]) -> Iterator[Block]:
    """The fenced blocks of a page."""
    fence, block, comments = "", Block("", 0, [], {}), dict[str, str]()
    for number, line in enumerate(lines):
        if fence:
            if line.strip() == fence:
                yield block
                fence, comments = "", {}
            else:
                block.lines.append(line)
        elif opening := FENCE.match(line):
            fence, block = opening["fence"], Block(opening["language"], number + 1, [], comments)
        elif comment := COMMENT.match(line):
            comments[comment["word"]] = comment["text"]
        elif line.strip():
            comments = {}


class _Shown(ast.NodeTransformer):
    """Prints expressions whose line ends in an arrow."""

    def __init__(self, lines: set[int]) -> None:
        self.lines = lines

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        value = node.value
        prints = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"
        if node.end_lineno not in self.lines or prints:
            return node
        return ast.Expr(ast.Call(ast.Name(_show.__name__, ast.Load()), [value], []))


def _show(value: object) -> None:
    """As at the prompt of Python."""
    if value is not None:
        print(repr(value))


def arrows(block: Block) -> dict[int, str]:
    """What the comments of a block say, by line."""
    return {n: line.partition(ARROW)[2].strip() for n, line in enumerate(block.lines, 1) if ARROW in line}


def run(block: Block, names: dict[str, Any], page: str) -> list[str]:
    """Execute a block; returns the lines it printed."""
    tree = _Shown(set(arrows(block))).visit(ast.parse(block.code))
    ast.increment_lineno(ast.fix_missing_locations(tree), block.start)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(tree, page, "exec"), names)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def visit(path: Path) -> Visit:
    """Run a page, in this process."""
    page = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = list(blocks(lines))
    names: dict[str, Any] = {"__name__": "__main__", _show.__name__: _show}
    result = Visit("")
    drawn: dict[int, tuple[int, list[str]]] = {}
    for block, after in zip_longest(found, found[1:]):
        where = f"{page}:{block.start}"
        try:
            if block.language == "mermaid" and "picture" in block.comments:
                picture = eval(block.comments["picture"], {**DRAW, **names})
                drawn[block.start] = (len(block.lines), picture.rstrip("\n").split("\n"))
            if block.language != "python" or "not run" in block.comments:
                continue
            printed = run(block, names, page)
        except Exception:
            result.problems.append(f"{where}: {traceback.format_exc()}")
            break
        result.count += 1
        expected = after.lines if after is not None and after.language == "text" else list(arrows(block).values())
        if printed != [line.rstrip() for line in expected]:
            difference = difflib.unified_diff(expected, printed, "the page", "the program", lineterm="", n=9)
            result.problems.append("\n".join([f"{where} prints something else:", *difference]))
    for start, (length, picture) in sorted(drawn.items(), reverse=True):
        lines[start : start + length] = picture
    result.text = "\n".join(lines) + "\n"
    return result


def pages() -> list[Path]:
    """The pages that hold snippets."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main(arguments: list[str]) -> int:
    """Run pages; 1 when one of them is wrong."""
    count, failed = 0, False
    draw = arguments[:1] == ["--draw"]
    for path in [Path(name).resolve() for name in arguments[draw:]] or pages():
        result = visit(path)
        count += result.count
        failed = failed or bool(result.problems)
        for problem in result.problems:
            print(problem)
        if draw and not result.problems:
            print(result.text, end="")
    if not draw:
        print(f"{count} snippets ran")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
