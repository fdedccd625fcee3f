"""The matrix as text. Its columns are named in the way for which there is room.

Wide: every column is as wide as its name. Else the names stand on steps of a stair above narrow columns. Where even the
stair finds no room, rows and columns carry the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from am_dbg.session.targets import SelectState
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.matrix import MEANINGS, NUMBERS, SIGNS, Cell, Entry, Matrix
from am_dbg.viewmodels.rain_lines import titled
from am_dbg.viewmodels.spans import Line, Role, Span, clean, cut, cut_line, line_width, pad, width

Naming = Literal["names", "stair", "numbers"]

_ROLES: Final[dict[str, Role]] = {
    "called": Role.CALLED,
    "activate": Role.ADDED,
    "deactivate": Role.REMOVED,
    "deactivate-passive": Role.CANCELED,
    "cancel": Role.CANCELED,
    "handler": Role.ACTIVE,
}
_CAPTION: Final = "target ↓  source →"
NO_STEPS: Final[Line] = (Span(" No steps of this transition were recorded.", Role.DIM),)
_LONGEST_NAME: Final = 16
_FLOW: Final = len("○→●")
_TICKS: Final = len("ticks")
_SUM: Final = 5
_EXTRAS: Final = ((True, True), (False, True), (False, False))
"""Whether ticks and sums have a column: what is given up for names of columns, in this order."""
_LEAST_COLUMNS: Final = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """How a matrix is laid out."""

    naming: Naming
    name: int
    """Cells for the names of the rows."""
    widths: tuple[int, ...]
    """Cells of each shown column, the gap before it included."""
    first: int
    """How many columns are hidden on the left."""
    total: int
    ticks: bool = True
    """Whether the ticks that states gained have a column."""
    sums: bool = True
    """Whether the sums of the rows have one."""

    @property
    def left(self) -> int:
        """Cells before the first column."""
        return 1 + self.name + 1 + _FLOW + (1 + _TICKS if self.ticks else 0)

    @property
    def right(self) -> int:
        """Cells behind the last column."""
        return _SUM if self.sums else 0

    def column_at(self, x: int) -> int | None:
        """The place of the column, among all of them, that covers a cell; None beside them."""
        at = self.left
        for place, size in enumerate(self.widths):
            if at <= x < at + size:
                return self.first + place
            at += size
        return None


def title(session: SessionView) -> Line:
    """``Matrix +2t · t412``: ticks gained in the transition, and the machine time; or ``Matrix #97 step 3/7``."""
    inside = session.inside
    if inside is None:
        return titled("Matrix", session)
    return (
        Span("Matrix ", Role.TITLE, bold=True),
        Span(f"#{thousands(inside.number)}", Role.VALUE),
        Span(" step ", Role.DIM),
        Span(f"{inside.step}/{len(inside.steps)}", Role.VALUE),
    )


def frame(matrix: Matrix, first: int, cells: int, height: int) -> Frame:
    """Choose how columns are named, and which of them fit.

    Args:
        matrix: what is shown.
        first: how many columns to leave out on the left, if they do not all fit.
        cells: width of the pane.
        height: lines of the pane.
    """
    entries = matrix.entries
    count = len(entries)
    texts = [width(clean(entry.name)) for entry in entries]
    signs = max((width(cell.signs) for cell in matrix.cells.values()), default=1)
    name = max(min(max(texts, default=1), cells // 3), min(len(_CAPTION), cells // 4))
    wide = tuple(1 + max(min(text, _LONGEST_NAME), signs + 4) for text in texts)
    narrow = 1 + max(2, min(signs, 8))
    for ticks, sums in _EXTRAS:
        shape = Frame("names", name, wide, 0, count, ticks, sums)
        if shape.left + sum(wide) + shape.right <= cells:
            return _wider(shape, max(texts, default=1), cells)
    # A name of the stair begins at its column and may reach over those on the right of it, and over the sums.
    reach = max((place * narrow + 1 + text for place, text in enumerate(texts)), default=0)
    for ticks, sums in _EXTRAS:
        shape = Frame("stair", name, (narrow,) * count, 0, count, ticks, sums)
        steps = max(count * narrow + shape.right, reach)
        if count <= height // 3 and shape.left + steps <= cells:
            return _wider(shape, min(max(texts, default=1), name + cells - shape.left - steps), cells)
    digits = len(str(count))
    size = max(narrow, 1 + digits)
    bare = [Frame("numbers", name + digits + 1, (), 0, count, ticks, sums) for ticks, sums in _EXTRAS]
    rooms = [(shape, max(1, (cells - shape.left - shape.right) // size)) for shape in bare]
    shape, shown = next((found for found in rooms if found[1] >= min(count, _LEAST_COLUMNS)), rooms[-1])
    start = max(0, min(first, count - shown))
    return replace(shape, widths=(size,) * min(shown, count - start), first=start)


def _wider(shape: Frame, name: int, cells: int) -> Frame:
    """The same with names of rows as long as that, as far as there is room left."""
    spare = cells - shape.left - sum(shape.widths) - shape.right
    return replace(shape, name=max(shape.name, min(name, shape.name + spare)))


def header(session: SessionView, matrix: Matrix, shape: Frame, cells: int) -> list[Line]:
    """The names of the columns."""
    shown = matrix.entries[shape.first : shape.first + len(shape.widths)]
    lines: list[Line] = []
    if shape.naming == "stair":
        for place, entry in enumerate(shown[:-1]):
            bars = [
                Span("│".rjust(2).ljust(size), Role.DIM, band=above.name in session.states)
                for above, size in zip(shown[:place], shape.widths, strict=False)
            ]
            lines.append((Span(" " * shape.left), *bars, Span(" "), _name(entry, session.states, 0)))
    caption = _CAPTION if shape.name >= len(_CAPTION) else "target"
    ticks = f" {'ticks':>{_TICKS}}" if shape.ticks else ""
    spans = [Span(f" {pad(caption, shape.name + 1)}now{ticks}", Role.DIM)]
    for place, (entry, size) in enumerate(zip(shown, shape.widths, strict=True)):
        if shape.naming == "names":
            spans += [Span(" "), _name(entry, session.states, size - 1)]
        elif shape.naming == "numbers":
            text = f" {shape.first + place + 1:<{size - 1}}"
            chosen = entry.name in session.states
            spans.append(Span(text, Role.HIGHLIGHT if chosen else Role.DIM, bold=chosen, band=chosen))
        elif place + 1 < len(shown):
            spans.append(Span("│".rjust(2).ljust(size), Role.DIM, band=entry.name in session.states))
        else:
            spans += [Span(" "), _name(entry, session.states, 0)]
    if shape.naming == "stair":
        lines.append(cut_line(tuple(spans), cells))
    else:
        lines.append(cut_line((*spans, Span("sum".rjust(shape.right) if shape.sums else "", Role.DIM)), cells))
    return lines


def rows(session: SessionView, matrix: Matrix, shape: Frame, first: int, count: int) -> list[Line]:
    """The lines of at most ``count`` targets from a place on."""
    columns = matrix.entries[shape.first : shape.first + len(shape.widths)]
    return [
        _row(session, matrix, shape, place + first, entry, columns)
        for place, entry in enumerate(matrix.entries[first : first + count])
    ]


def _row(
    session: SessionView, matrix: Matrix, shape: Frame, place: int, entry: Entry, columns: Sequence[Entry]
) -> Line:
    chosen = entry.name in session.states
    spans = [Span("▌" if chosen else " ", Role.HIGHLIGHT, bold=True)]
    size = shape.name
    if shape.naming == "numbers":
        digits = len(str(shape.total))
        spans.append(Span(f"{place + 1:>{digits}} ", Role.DIM))
        size -= digits + 1
    spans += [
        _name(entry, session.states, size),
        Span(" "),
        *_flow(entry),
    ]
    if shape.ticks:
        spans.append(Span(f" {f'{entry.delta:+d}t' if entry.delta else '':>{_TICKS}}", Role.VALUE))
    for other, cells in zip(columns, shape.widths, strict=True):
        spans += _cell(matrix.cells.get((entry.state, other.state)), cells, other.name in session.states)
    if shape.sums:
        spans.append(Span(f"{matrix.row_sum(entry.state) or '':>{_SUM}}", Role.VALUE))
    return tuple(spans)


def sums(matrix: Matrix, shape: Frame) -> Line:
    """The last line: ticks gained, and the sum of every column."""
    ticks = sum(entry.delta for entry in matrix.entries)
    spans = [
        Span(" " + pad("sum", shape.name), Role.DIM),
        Span(f"{f'{ticks:+d}t' if ticks else '':>{shape.left - 1 - shape.name}}", Role.VALUE, bold=True),
    ]
    for entry, size in zip(matrix.entries[shape.first :], shape.widths, strict=False):
        total = str(matrix.column_sum(entry.state) or "")
        spans.append(Span(f" {cut(total, size - 1):<{size - 1}}", Role.VALUE))
    if shape.sums:
        spans.append(Span(thousands(matrix.total).rjust(_SUM), Role.VALUE, bold=True))
    return tuple(spans)


def legend(cells: int) -> list[Line]:
    """What the signs in the cells mean, with the numbers that the sums are made of, in as few lines as possible."""
    lines: list[list[Span]] = [[Span(" ")]]
    for kind, words in MEANINGS.items():
        if kind == "rel":
            continue
        number = NUMBERS.get(kind, 1)  # type: ignore[call-overload]  # relations, by name, are all one kind of step
        piece = [Span(SIGNS[kind], _ROLES.get(kind, Role.KEY), bold=True), Span(f" {words} {number}", Role.DIM)]
        if line_width((*lines[-1], *piece)) + 3 > cells:
            lines.append([Span(" ")])
        lines[-1] += [Span("   " if len(lines[-1]) > 1 else ""), *piece]
    return [cut_line(tuple(line), cells) for line in lines]


def _name(entry: Entry, selected: Collection[str], cells: int) -> Span:
    """A state as a link; ``cells`` 0 leaves it as long as it is."""
    text = clean(entry.name)
    chosen = entry.name in selected
    role = Role.ACTIVE if entry.after else Role.INACTIVE if entry.state >= 0 else Role.DIM
    target = SelectState(entry.name) if entry.state >= 0 else None
    return Span(
        pad(text, cells) if cells else cut(text, _LONGEST_NAME * 2),
        role,
        bold=chosen or entry.after,
        underline=entry.called,
        band=chosen,
        target=target,
    )


def _flow(entry: Entry) -> Line:
    """``○→●``: active before and after; one sign where that is the same."""
    if entry.state < 0:
        return (Span(" " * _FLOW),)
    if entry.before == entry.after:
        return (Span(" ● " if entry.after else " ○ ", Role.ACTIVE if entry.after else Role.INACTIVE),)
    return (Span("○→●" if entry.after else "●→○", Role.ADDED if entry.after else Role.REMOVED, bold=True),)


def _cell(cell: Cell | None, cells: int, chosen: bool) -> list[Span]:
    if cell is None:
        return [Span(" ", band=chosen), Span(pad("·", cells - 1), Role.EMPTY, band=chosen)]
    spans = [Span(" ", band=chosen)]
    used = 0
    for kind, count in cell.kinds.items():
        text = cut(SIGNS[kind] + (str(count) if count > 1 else ""), cells - 1 - used)
        spans.append(Span(text, _ROLES.get(kind, Role.KEY), bold=True, band=chosen))
        used += width(text)
    number = f" {cell.value}"
    if used + len(number) <= cells - 1 and cells > 4:
        spans.append(Span(number, Role.DIM, band=chosen))
        used += len(number)
    spans.append(Span(" " * (cells - 1 - used), band=chosen))
    return spans
