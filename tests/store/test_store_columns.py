"""Packed columns say the same as plain lists."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.store.columns import BLOCK, Codes, Times

GAPS = st.one_of(
    st.integers(0, 200), st.integers(0, 2**33), st.integers(-5_000, 2**20), st.sampled_from([0, 0, 2**50, -(2**40)])
)
PORTIONS = st.lists(st.lists(GAPS, max_size=3 * BLOCK), max_size=4)


def _moments(portions: list[list[int]], start: int) -> list[list[int]]:
    made = []
    for gaps in portions:
        moments = list(accumulate(gaps, initial=start))[1:]
        start = moments[-1] if moments else start
        made.append(moments)
    return made


@settings(max_examples=60, deadline=None)
@given(PORTIONS, st.sampled_from([0, 1_700_000_000_000_000_000]), st.data())
def test_a_column_of_times_is_like_a_list_of_them(portions: list[list[int]], start: int, data: st.DataObject) -> None:
    """However it was filled, also after it was saved and loaded, and also where clocks were set back."""
    times, plain = Times(), list[int]()
    for portion in _moments(portions, start):
        times.extend(portion)
        plain += portion
    loaded = Times.load(memoryview(times.dump()))
    highest = list(accumulate(plain, max))
    for column in (times, loaded):
        assert list(column) == plain
        assert len(column) == len(plain)
        assert column.ordered == (plain == sorted(plain))
        if plain:
            place = data.draw(st.integers(0, len(plain) - 1))
            assert column[place] == plain[place]
            moment = data.draw(st.sampled_from([plain[place], plain[place] - 1, plain[place] + 1, 0, 2**62]))
            assert column.until(moment) == sum(high <= moment for high in highest)
    more = [start + 7] * (BLOCK + 3)
    loaded.extend(more)
    assert list(loaded) == plain + more


def test_moments_that_lie_as_far_apart_as_they_can_are_kept() -> None:
    """A damaged clock must not stop the recording."""
    extremes = [-(2**63), 2**63 - 1] * BLOCK
    times = Times(extremes)
    assert list(Times.load(memoryview(times.dump()))) == extremes
    assert times.until(-(2**63)) == 1


def test_a_moment_that_fits_no_column_changes_nothing() -> None:
    """It is refused as a whole."""
    times = Times([1, 2])
    with pytest.raises(OverflowError):
        times.extend([3, 2**64])
    assert list(times) == [1, 2]


def test_even_times_take_four_bytes_each_at_most() -> None:
    """A hundred microseconds apart, with some noise."""
    times = Times([1_700_000_000_000_000_000 + n * 100_000 + n * n % 977 for n in range(100 * BLOCK)])
    assert len(times.dump()) < 4 * len(times)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 700), max_size=600), max_size=4),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=3),
)
def test_a_column_of_codes_is_like_a_list_of_numbers(
    portions: list[list[int]], cuts: list[tuple[float, float]]
) -> None:
    """Also when there are more distinct ones than fit into a byte, and when some were taken out."""
    codes, plain = Codes(), list[int]()
    for portion in portions:
        codes.extend(portion, {value: value % 5 - 1 for value in portion})
        plain += portion
    for first, end in [(0.0, 0.0), *cuts]:
        start, stop = sorted((round(first * len(plain)), round(end * len(plain))))
        codes.cut(start, stop)
        del plain[start:stop]
        loaded = Codes.load(memoryview(codes.dump()))
        assert loaded.distinct == set(plain)
        for column in (codes, loaded):
            assert list(column) == plain
            assert len(column) == len(plain)
            assert [column[place] for place in range(len(plain))] == plain
            for count in {0, len(plain) // 3, len(plain)}:
                assert column.weight(count) == sum(value % 5 - 1 for value in plain[:count])
    codes.extend([999_999, *plain], {999_999: 7, **dict.fromkeys(plain, 1)})
    assert list(codes) == [*plain, 999_999, *plain]
    assert codes.weight(len(codes)) == sum(value % 5 - 1 for value in plain) + 7 + len(plain)


@settings(max_examples=40, deadline=None)
@given(PORTIONS, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=3), st.booleans())
def test_times_can_be_taken_out(
    portions: list[list[int]], cuts: list[tuple[float, float]], from_the_start: bool
) -> None:
    """The others answer as if those had never been."""
    times, plain = Times(), list[int]()
    for portion in _moments([*portions, [1] * 3 * BLOCK], 5):
        times.extend(portion)
        plain += portion
    for first, end in cuts:
        start, stop = sorted((0 if from_the_start else round(first * len(plain)), round(end * len(plain))))
        times.cut(start, stop)
        del plain[start:stop]
    highest = list(accumulate(plain, max))
    for column in (times, Times.load(memoryview(times.dump()))):
        assert list(column) == plain
        assert len(column) == len(plain)
        for moment in {0, 2**62, *plain[::100]}:
            assert column.until(moment) == sum(high <= moment for high in highest)
        column.extend([1, 2])
        assert [*column][-2:] == [1, 2]
        assert column[-1] == 2
        with pytest.raises(IndexError):
            column[-len(column) - 1]


@pytest.mark.parametrize("column", [Times(range(0, 700, 2)), Codes()], ids=["times", "codes"])
def test_cut_columns_are_refused(column: Times | Codes) -> None:
    """None of them is taken for a shorter one."""
    if isinstance(column, Codes):
        column.extend(range(300), dict.fromkeys(range(300), 1))
    content = column.dump()
    for length in {0, 1, 5, 9, 40, len(content) // 2, len(content) - 1}:
        with pytest.raises(ValueError, match=r"incomplete|multiple of item size"):
            type(column).load(memoryview(content)[:length])
