"""Back and forward as in a browser, and to other machines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.history import History, Place
from tests.support.memory_recording import MemoryRecording

PLACES = st.builds(Place, st.integers(1, 3), st.integers(0, 5))


def visited(*places: tuple[int, int]) -> History:
    history = History()
    for place in places:
        history.visit(Place(*place))
    return history


def test_back_to_another_machine_skips_places_of_this_one() -> None:
    history = visited((1, 1), (2, 1), (2, 2), (2, 3))
    assert history.back(elsewhere=True) == Place(1, 1)
    assert history.back(elsewhere=True) is None
    assert history.current == Place(1, 1)
    assert history.forward(elsewhere=True) == Place(2, 1)
    assert history.forward() == Place(2, 2)


def test_going_to_an_entry_keeps_those_before_and_after() -> None:
    history = visited((1, 1), (2, 1), (1, 3))
    assert history.go(0) == Place(1, 1)
    assert history.go(7) is None
    assert history.go(-1) is None
    assert history.forward() == Place(2, 1)
    assert history.places == (Place(1, 1), Place(2, 1), Place(1, 3))


@given(st.lists(PLACES, max_size=12), st.integers(-3, 15))
def test_a_restored_history_is_walked_like_before(places: list[Place], position: int) -> None:
    history = History(limit=8)
    history.restore(places, position)
    kept = places[-8:]
    assert list(history.places) == kept
    assert (history.current is None) == (not kept)
    while history.back() is not None:
        pass
    walked = [] if history.current is None else [history.current]
    while (place := history.forward()) is not None:
        walked.append(place)
    assert walked == kept


def test_the_session_goes_to_another_machine_and_back() -> None:
    recording = MemoryRecording()
    for name in ("one", "two"):
        machine = recording.machine(name, ["Start", "Ready"])
        for _ in range(4):
            machine.add("Ready")
    session = Session(recording, live=False)
    session.clear_filters()
    session.go_to_number(2)
    session.next_machine()
    session.go_to_number(3)
    session.go_to_number(4)
    session.go_back_elsewhere()
    assert (session.machine_id, session.number) == (1, 2)
    session.go_back_elsewhere()
    assert session.message == "no other machine comes before this in the history"
    session.go_forward_elsewhere()
    assert session.machine_id == 2
    position = session.history.position
    session.go_to_visited(0)
    assert (session.machine_id, session.history.position) == (1, 0)
    session.go_to_visited(position)
    assert session.machine_id == 2
