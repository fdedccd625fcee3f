"""What log texts name becomes links: states, handlers, machines, causes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session.targets import GoToMachine, GoToSource, SelectState
from am_dbg.viewmodels.log_names import MachineNames, handler_state
from am_dbg.viewmodels.log_text import parse
from am_dbg.viewmodels.spans import line_text

NAMES = ("Ready", "ReadyToGo", "Start", "Exception")
MACHINES = MachineNames(["gateway", "gateway-2", "orders/eu", "ab", "worker-1"])


def links(text: str) -> list[tuple[str, object]]:
    return [(span.text, span.target) for span in parse(text, NAMES, machines=MACHINES) if span.target is not None]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ReadyEnter", "Ready"),
        ("ReadyToGoState", "ReadyToGo"),
        ("ReadyStart", "Ready"),
        ("StartReadyToGo", "Start"),
        ("AnyStart", "Start"),
        ("StartAny", "Start"),
        ("Readyish", ""),
        ("NotReadyEnter", ""),
        ("Enter", ""),
        ("ReadyEnterprise", ""),
    ],
)
def test_handlers_belong_to_the_state_they_begin_with(word: str, state: str) -> None:
    assert handler_state(word, NAMES) == state


def test_a_handler_in_a_text_selects_its_state() -> None:
    assert links("[handler:0] ReadyState") == [("ReadyState", SelectState("Ready"))]
    assert links("[cancel] (Ready Start) by StartExit") == [
        ("Ready", SelectState("Ready")),
        ("Start", SelectState("Start")),
        ("StartExit", SelectState("Start")),
    ]
    assert links("[extern:ReadyToGoState] done")[0] == ("[extern:ReadyToGoState]", SelectState("ReadyToGo"))


def test_machines_are_named_in_full_anywhere() -> None:
    assert links("[extern] asked gateway-2, and worker-1.") == [
        ("gateway-2", GoToMachine("gateway-2")),
        ("worker-1", GoToMachine("worker-1")),
    ]
    assert links("[extern] gate ab gatewayed") == []


def test_where_a_machine_is_expected_the_beginning_of_its_id_is_enough() -> None:
    assert links("[pipe-in:add] Ready from work")[-1] == ("work", GoToMachine("worker-1"))
    assert links("[pipe-out:remove] Ready to ab")[-1] == ("ab", GoToMachine("ab"))
    assert links("[pipe:gc] orders") == [("orders", GoToMachine("orders/eu"))]
    # More than one machine begins like this, and none is called so.
    assert links("[pipe:gc] gate") == []
    assert links("[pipe:gc] gateway") == [("gateway", GoToMachine("gateway"))]


def test_the_source_leads_to_the_transition_that_was_the_cause() -> None:
    assert links("[source] orders/eu/9f0c3a/412") == [("orders/eu/9f0c3a/412", GoToSource("orders/eu", 0, "9f0c3a"))]


@settings(max_examples=150)
@given(st.text(alphabet="[]pipe-in:add source/ gatewyRad+-(),=\n\x1b", max_size=50))
def test_links_lose_no_character(text: str) -> None:
    shown = line_text(parse(text, NAMES, machines=MACHINES))
    assert shown == line_text(parse(text, NAMES))
