"""Activity lanes: what they compute, and how they are used on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.viewmodels import lanes
from am_dbg.viewmodels.spans import line_width
from tests.support.memory_recording import START_NS, MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import hostile, shop

SECOND = 1_000_000_000


def light() -> MemoryRecording:
    """On for seconds 2 to 5 of ten; a second machine that acts once, after 8 seconds."""
    recording = MemoryRecording()
    machine = recording.machine("light", ["Exception", "On", "Tick"])
    for second in range(11):
        at = START_NS + second * SECOND
        if second == 2:
            machine.add("On", at_ns=at)
        elif second == 5:
            machine.remove("On", at_ns=at)
        else:
            machine.add("Tick", at_ns=at)
    recording.machine("other", ["On"]).add("On", at_ns=START_NS + 8 * SECOND)
    return recording


def cells(session: Session, state: str, scale: lanes.Scale) -> str:
    lane = next(lane for lane in lanes.lanes(session, pinned=False) if lane.label == state)
    return "".join(span.text for span in lanes.Drawing(session, scale).row(lane, 10)[1:])


def test_a_state_is_full_where_it_was_active_all_along() -> None:
    session = Session(light(), live=False)
    session.clear_filters()
    session.last()
    scale = lanes.Scale(START_NS, SECOND // 2, 22)
    assert cells(session, "On", scale) == "····▒█████▒·········┃·"
    assert cells(session, "Exception", scale) == "····················┃·"


@settings(max_examples=40)
@given(cell_ns=st.integers(1_000, 40 * SECOND), cells_=st.integers(1, 60), start=st.integers(-5 * SECOND, 15 * SECOND))
def test_a_cell_says_what_held_in_its_time(cell_ns: int, cells_: int, start: int) -> None:
    session = Session(shop(), live=False)
    session.select_machine(session.runs("orders")[0].id)
    timeline = session.timeline
    assert timeline is not None
    scale = lanes.Scale(START_NS + start, cell_ns, cells_)
    state = timeline.schema.index["Connected"]
    drawn = cells(session, "Connected", scale)
    assert len(drawn) == cells_
    for cell, char in enumerate(drawn):
        before = timeline.number_at(scale.start_ns + cell * cell_ns - 1)
        after = timeline.number_at(scale.last_of(cell))
        held = [timeline.is_active(state, number) for number in range(before, after + 1)]
        if char == lanes.FULL:
            assert all(held)
        elif char == lanes.PARTLY:
            assert any(held)
            assert not all(held)
        else:
            assert not any(held)


@given(zoom=st.integers(0, 60), moment=st.integers(0, 10 * SECOND), width=st.integers(1, 300))
def test_the_moment_is_always_in_view(zoom: int, moment: int, width: int) -> None:
    scale = lanes.scale_for((START_NS, START_NS + 10 * SECOND), START_NS + moment, zoom, width)
    assert scale.cell_of(START_NS + moment) is not None
    again = lanes.scale_for((START_NS, START_NS + 10 * SECOND), START_NS + moment, zoom, width, scale)
    assert again == scale


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_lanes_of_a_machine(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(light(), size=size) as user:
        user.press("A")
        await user.sees("Lanes states of light")
        await user.matches_snapshot(f"lanes-{size[0]}x{size[1]}")


async def test_a_click_goes_to_the_moment_and_enter_selects_the_state(screen: Screen) -> None:
    async with screen(light()) as user:
        user.press("A")
        await user.sees("▒██")
        x, y = user.find("▒██")
        user.click(x + 1, y)
        await user.sees("light #3 at 22:13:22")
        user.press("enter")
        await user.not_sees("Lanes")
        await user.sees("mach://light/#3")
        assert user.app.session.state == "On"


async def test_pinned_machines_have_a_lane_each_and_share_the_moment(screen: Screen) -> None:
    async with screen(light()) as user:
        user.press("*", "down", "*", "end")
        await user.sees("Pinned 2")
        user.press("A")
        await user.sees("2 pinned machines")
        user.press("m")
        await user.sees("states of light")
        user.press("m", "down", "enter")
        await user.sees("mach://other")


async def test_closer_and_farther(screen: Screen) -> None:
    async with screen(light(), size=(160, 30)) as user:
        user.press("A")
        await user.sees("a cell is")
        whole = next(line for line in user.terminal.lines if "a cell is" in line)
        user.press("+", "+", "right")
        await user.until("another scale", lambda: whole not in user.terminal.text)
        user.press("0")
        await user.sees(whole[whole.index("a cell") : whole.index("  ←→")])


async def test_a_machine_that_did_nothing_says_so(screen: Screen) -> None:
    recording = MemoryRecording()
    recording.machine("idle", ["A"])
    async with screen(recording) as user:
        user.press("A")
        await user.sees("Nothing has happened yet")


def test_rows_are_as_wide_as_they_should_be_whatever_names_there_are() -> None:
    session = Session(hostile(), live=False)
    rows = lanes.lanes(session, pinned=False)
    scale = lanes.scale_for(lanes.extent(session, rows), session.moment, 0, 50)
    drawing = lanes.Drawing(session, scale)
    label = lanes.label_width(rows, 80)
    assert {line_width(drawing.row(lane, label)) for lane in rows} == {label + 2 + 50}
