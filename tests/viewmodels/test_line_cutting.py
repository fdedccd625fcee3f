"""Lines broken, shifted and marked keep their text and their width."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session.targets import SelectState
from am_dbg.viewmodels.line_cutting import marked, shifted, wrapped
from am_dbg.viewmodels.spans import Line, Role, Span, clean, line_text, line_width

TEXTS = st.text(alphabet="ab c,漢字e\u0301🙂-", max_size=24).map(clean)
LINES = st.lists(TEXTS, max_size=4).map(lambda texts: tuple(Span(text) for text in texts if text))


@settings(max_examples=200)
@given(line=LINES, cells=st.integers(2, 30))
def test_a_wrapped_line_fits_and_keeps_every_letter(line: Line, cells: int) -> None:
    rows = wrapped(line, cells)
    assert all(line_width(row) <= cells for row in rows)
    assert "".join(line_text(row) for row in rows).replace(" ", "") == line_text(line).replace(" ", "")


def test_lines_break_between_words_and_go_on_indented() -> None:
    line = (Span("[state] "), Span("+Connected", Role.ADDED, target=SelectState("Connected")), Span(" and more text"))
    rows = wrapped(line, 20)
    assert [line_text(row) for row in rows] == ["[state] +Connected", "  and more text"]
    assert rows[0][1].target == SelectState("Connected")


@settings(max_examples=200)
@given(line=LINES, cells=st.integers(0, 30))
def test_a_shifted_line_is_shorter_by_that_many_cells(line: Line, cells: int) -> None:
    assert line_width(shifted(line, cells)) == max(0, line_width(line) - cells)


def test_half_of_a_wide_character_is_a_blank() -> None:
    assert line_text(shifted((Span("漢字x"),), 1)) == " 字x"


@settings(max_examples=200)
@given(line=LINES, text=st.text(alphabet="abAB 漢", max_size=3).map(str.strip))
def test_marking_changes_no_letter_and_marks_what_was_searched(line: Line, text: str) -> None:
    out = marked(line, f'"{text}"')
    assert line_text(out) == line_text(line)
    hits = line_text(line).lower().count(text.lower()) if text else 0
    assert sum(len(span.text) for span in out if span.reverse) == hits * len(text)


def test_each_word_of_a_query_is_marked_and_quoted_ones_together() -> None:
    line = (Span("no answer Time"), Span("out from answerphone"))
    assert [span.text for span in marked(line, "ANSWER timeout") if span.reverse] == ["answer", "Time", "out", "answer"]
    assert [span.text for span in marked(line, '"no answer"') if span.reverse] == ["no answer"]
    assert marked(line, '  "" ') is line
