"""Only what differs between two states of a row is drawn again, and all of it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from am_dbg.ui.widgets.difference import WORTH_SKIPPING, changed_columns

STYLES = [Style(), Style(bold=True), Style(color="red")]
TEXTS = st.text(st.sampled_from("ab │é漢\u0301"), min_size=1, max_size=4)
SEGMENTS = st.tuples(TEXTS, st.sampled_from(STYLES)).map(lambda parts: Segment(*parts))
ROWS = st.lists(SEGMENTS, max_size=6)


def columns(strip: Strip) -> list[tuple[str, Style | None]]:
    """What stands in each column, character by character."""
    found: list[tuple[str, Style | None]] = []
    for segment in strip:
        for char in segment.text:
            if cell_len(char) == 0 and found:
                found[-1] = (found[-1][0] + char, found[-1][1])
            else:
                found += [(f"{char}{part}", segment.style) for part in range(cell_len(char))]
    return found


@settings(max_examples=300)
@given(ROWS, ROWS, ROWS, ROWS)
def test_every_changed_column_is_drawn_again_and_few_others(
    head: list[Segment], one: list[Segment], other: list[Segment], tail: list[Segment]
) -> None:
    before, after = Strip([*head, *one, *tail]), Strip([*head, *other, *tail])
    parts = changed_columns(before, after)
    old, new = columns(before), columns(after)
    drawn = {column for start, count in parts for column in range(start, start + count)}
    if len(old) != len(new):
        assert set(range(max(len(old), len(new)))) <= drawn
        return
    differing = {column for column in range(len(old)) if old[column] != new[column]}
    assert differing <= drawn
    for start, count in parts:
        assert {start, start + count - 1} <= differing
    assert all(after[0] - sum(before) >= WORTH_SKIPPING for before, after in pairwise(parts))


def test_equal_rows_need_nothing() -> None:
    assert changed_columns(Strip([Segment("same")]), Strip([Segment("same")])) == []
