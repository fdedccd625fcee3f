"""Text from outside is harmless on one line, and widths are what a terminal makes of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from am_dbg.viewmodels.spans import Role, Span, clean, cut, cut_line, line_text, line_width, pad, plain, width

any_text = st.text(st.characters(), max_size=60) | st.text(
    alphabet="\x1b[]31m\x07\x9b\u202e\u200b\u2066\t\n\r\x00\ud800\ufeffа́日🙂\u0301\u0345ᅠ\ufe0f e", max_size=40
)


@settings(max_examples=400)
@given(any_text)
def test_cleaned_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = clean(text)
    for char in shown:
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}, ascii(char)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@settings(max_examples=300)
@given(any_text)
def test_cleaning_clean_text_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=30))
def test_ordinary_words_in_any_script_are_left_alone(text: str) -> None:
    assume(not set(text) & set("\u115f\u1160\u3164\uffa0🏻🏼🏽🏾🏿"))  # drawn as nothing, or not by themselves
    assert clean(text) == text


@pytest.mark.parametrize("text", ["नमस्ते", "สวัสดี", "שלום", "مرحبا", "안녕", "Việt"])
def test_greetings_are_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("a\tb", "a   b"),
        ("two\nlines\r", "two␊lines␍"),
        ("\x9b5m\x7f", "\\x9b5m␡"),
        ("abc\u202edef", "abc\\u202edef"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud83d", "\ufffd"),
        ("\u0301x", "◌\u0301x"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("[red]not markup[/red]", "[red]not markup[/red]"),
        ("no\u00a0break", "no break"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_known_tricks_become_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_megabyte_is_cut_with_the_number_of_characters_left_out() -> None:
    shown = clean("x" * 1_000_000, limit=100)
    assert shown == "x" * 100 + "… (+999900)"


def test_wide_and_combining_characters_are_measured_in_cells() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert width("🙂") == 2
    assert width("ab") == 2


def test_widths_of_all_characters_agree_with_what_the_user_interface_draws() -> None:
    from rich.cells import cell_len

    different = [
        hex(code)
        for code in range(0x20, 0x30000)
        for char in (chr(code),)
        if clean("a" + char) == "a" + char and width(char) != cell_len(char)
    ]
    assert different == []


@settings(max_examples=300)
@given(any_text, st.integers(0, 30))
def test_cut_and_padded_text_fits(text: str, cells: int) -> None:
    shown = clean(text)
    assert width(cut(shown, cells)) <= cells
    assert width(pad(shown, cells)) == cells
    if width(shown) <= cells:
        assert cut(shown, cells) == shown


@settings(max_examples=300)
@given(st.lists(any_text, max_size=5), st.integers(0, 40))
def test_cut_lines_fit_and_keep_their_beginning(texts: list[str], cells: int) -> None:
    line = tuple(Span(clean(text), Role.KEY) for text in texts)
    shown = cut_line(line, cells)
    assert line_width(shown) <= cells
    if line_width(line) <= cells:
        assert shown == line
    else:
        assert line_text(line).startswith(line_text(shown).removesuffix("…"))
        assert cells == 0 or line_text(shown).endswith("…")
    assert all(span.role is Role.KEY for span in shown)


def test_a_plain_line_is_cleaned() -> None:
    assert plain("a\x1b", Role.DIM) == (Span("a␛", Role.DIM),)
