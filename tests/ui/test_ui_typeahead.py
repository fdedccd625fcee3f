"""Search by typing: prefix before substring, wrapping, words that end after a pause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from am_dbg.ui.typeahead import WORD_SECONDS, TypeAhead, find

NAMES = ["gateway", "orders", "ps-2", "ps-10", "audit", "GateKeeper"]


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_names_that_begin_with_the_word_win_over_names_that_contain_it() -> None:
    hit = find(["border", "orders"], "order", 0)
    assert hit is not None
    assert (hit.row, hit.matches) == (1, 1)


def test_a_part_of_a_name_is_found_when_nothing_begins_with_the_word() -> None:
    hit = find(NAMES, "way", 0)
    assert hit is not None
    assert hit.row == 0


def test_the_search_wraps_and_counts_the_matches() -> None:
    hit = find(NAMES, "gate", 3)
    assert hit is not None
    assert (hit.row, hit.position, hit.matches) == (5, 2, 2)
    again = find(NAMES, "ps", 5)
    assert again is not None
    assert (again.row, again.position) == (2, 1)


def test_a_whole_name_wins_over_nearer_names_that_begin_with_it() -> None:
    hit = find(["ps-1", "ps-2", "ps-10", "ps-20", "ps-21"], "ps-2", 3)
    assert hit is not None
    assert (hit.row, hit.position, hit.matches) == (1, 1, 3)


def test_letters_in_quick_succession_form_one_word() -> None:
    clock = _Clock()
    search = TypeAhead(clock)
    for letter in "ps-1":
        hit = search.type(letter, NAMES, 0)
        clock.now += 0.3
    assert hit is not None
    assert NAMES[hit.row] == "ps-10"
    assert search.summary == "ps-1  1/1"


def test_a_pause_begins_a_new_word() -> None:
    clock = _Clock()
    search = TypeAhead(clock)
    search.type("p", NAMES, 0)
    clock.now += WORD_SECONDS + 0.1
    assert search.word == ""
    assert search.summary == ""
    hit = search.type("a", NAMES, 0)
    assert hit is not None
    assert NAMES[hit.row] == "audit"


def test_backspace_takes_a_letter_back() -> None:
    search = TypeAhead(_Clock())
    search.type("p", NAMES, 0)
    assert search.type("x", NAMES, 0) is None
    assert search.summary == "px  no match"
    hit = search.erase(NAMES)
    assert hit is not None
    assert search.word == "p"
    assert NAMES[hit.row] == "ps-2"


@given(st.lists(st.text(max_size=6), max_size=12), st.text(min_size=1, max_size=3), st.integers(0, 12))
def test_a_hit_is_always_a_row_whose_name_contains_the_word(names: list[str], word: str, start: int) -> None:
    hit = find(names, word, start)
    contains = [row for row, name in enumerate(names) if word.casefold() in name.casefold()]
    if not contains:
        assert hit is None
    else:
        assert hit is not None
        assert hit.row in contains
        assert 1 <= hit.position <= hit.matches <= len(contains)
