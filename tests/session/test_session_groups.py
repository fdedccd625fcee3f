"""Groups of states, and which states the schema shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.session.addressing import go_to, shared_address
from am_dbg.session.continuing import continue_at, stop_of
from am_dbg.session.filters import Filter, FilterSet, VisibleSet, visible
from am_dbg.viewmodels import tree, tree_choice
from am_dbg.viewmodels.spans import line_text
from am_telemetry.facts import SchemaFact, StateFact
from tests.support.memory_recording import MemoryRecording
from tests.support.random_recordings import SCHEMA, transitions, write

STATES = SchemaFact(
    (StateFact("Start"), StateFact("Loading", tags=("io", "slow")), StateFact("Loaded"), StateFact("Never")),
    (("Load", (1, 2)), ("Empty", ())),
)


def loader() -> MemoryRecording:
    """#1 Start, #2 Loading, #3 Loaded instead of it, #4 Start again, in vain; and a machine without groups."""
    recording = MemoryRecording()
    machine = recording.machine("loader", STATES)
    machine.add("Start")
    machine.add("Loading")
    machine.mutate("set", ("Loaded",), also_remove=("Loading",))
    machine.add("Start", accepted=False)
    recording.machine("other", ["Start"]).add("Start")
    return recording


def opened() -> Session:
    session = Session(loader(), live=False)
    session.first()
    return session


def shown(session: Session) -> list[str]:
    return [node.state for node in tree.nodes(session) if node.kind == "state"]


def test_a_group_shows_its_states_and_hides_what_calls_none_of_them() -> None:
    session = opened()
    session.set_group("Load")
    assert shown(session) == ["Loading", "Loaded"]
    assert list(session.visible) == [2, 3]
    assert session.message == "group Load: 2 of 4 states; 2 transitions out of the group are hidden (F)"
    session.set_group("")
    assert shown(session) == ["Start", "Loading", "Loaded", "Never"]
    assert list(session.visible) == [1, 2, 3, 4]


def test_what_is_out_of_the_group_can_be_shown_or_be_all_that_is() -> None:
    session = opened()
    session.set_group("Load")
    session.cycle_filter(Filter.OUT_OF_GROUP)
    assert list(session.visible) == [1, 4]
    session.cycle_filter(Filter.OUT_OF_GROUP)
    assert list(session.visible) == [1, 2, 3, 4]
    session.reset_filters()
    assert (session.filters.group, list(session.visible)) == ("Load", [2, 3])
    session.toggle_all_filters()
    assert len(session.visible) == 4
    session.toggle_all_filters()
    assert list(session.visible) == [2, 3]


def test_a_group_stays_by_name_on_other_machines() -> None:
    session = opened()
    session.set_group("Load")
    session.next_machine()
    assert (shown(session), list(session.visible)) == (["Start"], [1])
    assert tree_choice.words(session) == ""
    session.previous_machine()
    assert shown(session) == ["Loading", "Loaded"]
    assert tree_choice.words(session) == "group Load"


def test_a_group_without_states_hides_everything() -> None:
    session = opened()
    session.set_group("Empty")
    assert shown(session) == []
    assert list(session.visible) == []


def test_inactive_states_are_left_out_unless_the_transition_is_about_them() -> None:
    session = opened()
    session.toggle_inactive_states()
    session.go_to_number(3)
    assert shown(session) == ["Start", "Loading", "Loaded"], "Loading was removed just now"
    session.next()
    assert shown(session) == ["Start", "Loaded"]
    session.select_state("Never")
    assert shown(session) == ["Start", "Loaded", "Never"], "a selected state stays"


def test_states_that_never_took_part_are_left_out_on_request() -> None:
    session = opened()
    session.toggle_idle_states()
    assert shown(session) == ["Start", "Loading", "Loaded"]
    assert tree_choice.words(session) == "group all, used"


def test_tags_are_rows_below_their_state() -> None:
    session = opened()
    session.toggle_node("Loading")
    texts = [line_text(row.line).strip() for row in tree.rows(session, 0, 10, 40)]
    assert texts[2:4] == ["#io", "#slow"]


def test_the_group_is_part_of_addresses_and_found_again() -> None:
    session = opened()
    session.set_group("Load")
    text = shared_address(session)
    assert text.endswith("?group=Load")
    other, again = opened(), opened()
    assert go_to(other, text)
    assert shown(other) == ["Loading", "Loaded"]
    stop = stop_of(session)
    assert stop is not None
    assert continue_at(again, stop)
    assert list(again.visible) == [2, 3]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(transitions(), max_size=20),
    st.lists(transitions(), max_size=20),
    st.sets(st.integers(0, 5)),
    st.booleans(),
)
def test_the_group_filter_is_the_same_live_and_afterwards(
    first: list[dict[str, object]], then: list[dict[str, object]], members: set[int], only: bool
) -> None:
    recording = MemoryRecording()
    machine = recording.machine("m", SchemaFact(SCHEMA.states, (("some", tuple(sorted(members))),)))
    kind = frozenset({Filter.OUT_OF_GROUP})
    filters = FilterSet(hidden=frozenset() if only else kind, only=kind if only else frozenset(), group="some")
    write(machine, first)
    recording.catch_up()
    timeline = recording.timeline(recording.machines[0].id)
    live = VisibleSet(timeline, filters)
    write(machine, then)
    recording.catch_up()
    live.extend()
    naive = {n for n in timeline.all() if bool(members & set(timeline.pattern(n).fact.called)) is not only}
    assert set(live.numbers) == naive
    assert set(visible(timeline, filters)) == naive
