"""States that the engine adds by itself. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import pytest
from engine_setups import PLAIN, Handler, Notes, machine_of, noted, record, ticks, veto

from am_core import Machine, Result

AUTO = {"auto": True}


def traced(schema: dict[str, object], scripts: dict[str, Handler] | None = None) -> tuple[Machine, Notes, list[str]]:
    """A machine, its transitions, and the handlers called."""
    machine = machine_of(schema)
    order = record(machine, scripts)
    return machine, noted(machine), order


def test_scenario_31_an_automatic_state_follows_what_it_requires() -> None:
    """In a transition of its own."""
    machine = machine_of({**PLAIN, "B": {"auto": True, "require": ["A"]}})
    notes = noted(machine)
    assert machine.add("A").executed
    assert set(machine.active) == {"A", "B"}
    assert "[auto] B" in notes.log
    assert [tx.is_auto for tx in notes.all] == [False, True]


def test_scenario_32_automatic_transitions_are_accepted_in_part() -> None:
    """B's requirement is missing, A comes."""
    machine = machine_of({**PLAIN, "A": AUTO, "B": {"auto": True, "require": ["C"], "after": ["A"]}})
    notes = noted(machine)
    machine.add("D")
    assert machine.active == ("A", "D")
    assert "[auto_] +A" in notes.log


def test_scenario_33_when_all_are_rejected_the_transition_is_still_seen() -> None:
    """Both require the inactive B."""
    machine = machine_of({**PLAIN, "C": {"auto": True, "require": ["B"]}, "D": {"auto": True, "require": ["B"]}})
    notes = noted(machine)
    assert machine.add("A").executed
    assert machine.active == ("A",)
    assert (notes.all[-1].is_auto, notes.all[-1].is_accepted) == (True, False)
    assert "[cancel:reject] C D" in notes.log


def test_scenario_34_a_pair_handler_refuses_one_automatic_state() -> None:
    """The other one comes, and the refused one's final handler is not called."""
    machine, _, order = traced({"A": AUTO, "B": AUTO, "C": {}}, {"CB": veto})
    machine.add("C")
    assert set(machine.active) == {"C", "A"}
    assert "BState" not in order


def test_scenario_35_what_a_refused_state_adds_does_not_come() -> None:
    """B would have added D."""
    machine, _, _ = traced({**PLAIN, "A": AUTO, "B": {"auto": True, "add": ["D"]}}, {"BEnter": veto})
    machine.add("C")
    assert set(machine.active) == {"C", "A"}


def test_scenario_36_a_state_that_is_not_automatic_refuses_everything() -> None:
    """D is only implied."""
    machine, notes, _ = traced({**PLAIN, "A": AUTO, "B": {"auto": True, "add": ["D"]}}, {"DEnter": veto})
    assert machine.add("C").executed
    assert machine.active == ("C",)
    assert notes.all[-1].canceled_by == "DEnter"


def test_scenario_37_a_self_handler_refuses_everything() -> None:
    """C is active and not automatic."""
    machine, _, _ = traced({"A": AUTO, "B": AUTO, "C": {}}, {"CC": veto})
    machine.add("C")
    assert machine.active == ("C",)


def test_scenario_38_a_rejected_automatic_state_removes_nothing() -> None:
    """C is rejected because of D, so B stays."""
    machine = machine_of({**PLAIN, "C": {"auto": True, "remove": ["B"]}, "D": {"auto": True, "remove": ["C"]}})
    machine.add("B")
    assert machine.active == ("D", "B")


def test_scenario_39_an_automatic_state_removes_active_states() -> None:
    """Also those somebody has called."""
    machine = machine_of({**PLAIN, "A": {"auto": True, "require": ["C"], "remove": ["B"]}}, "B")
    machine.add("C")
    assert set(machine.active) == {"C", "A"}
    assert machine.tick("B") == 2


def test_scenario_40_a_removed_automatic_state_comes_back_at_once() -> None:
    """Its tick tells."""
    machine = machine_of({**PLAIN, "B": AUTO})
    machine.add("A")
    assert machine.active == ("B", "A")
    assert machine.remove("B") == Result.EXECUTED
    assert (machine.is_("B"), machine.tick("B")) == (True, 3)


@pytest.mark.parametrize("health", ["Heartbeat", "Healthcheck"])
def test_scenario_41_signs_of_life_start_nothing(health: str) -> None:
    """Removing them does."""
    machine = machine_of({"Z": AUTO, "Heartbeat": {}, "Healthcheck": {"multi": True}})
    machine.add(health)
    assert machine.tick("Z") == 0
    machine.remove(health)
    assert machine.tick("Z") == 1


def test_scenario_42_exactly_one_of_a_group() -> None:
    """Disconnected is what is left when nothing else is."""
    group = ["Connecting", "Connected", "Disconnecting", "Disconnected"]
    schema = {name: {"remove": [n for n in group if n != name]} for name in group}
    machine = machine_of({**schema, "Disconnected": {**schema["Disconnected"], "auto": True}, "X": {}})
    machine.add("X")
    assert machine.is_("Disconnected")
    machine.add("Connecting")
    assert machine.tick("Disconnected") == 2
    machine.add("Connected")
    assert machine.tick("Connecting") == 2
    machine.remove("Connected")
    assert machine.tick("Disconnected") == 3


def test_scenario_43_a_flow_of_files() -> None:
    """Automatic states work off what the called ones report."""
    machine = machine_of(
        {
            "DownloadingFile": {"remove": ["FileDownloaded"]},
            "FileDownloaded": {"remove": ["DownloadingFile"]},
            "ProcessingFile": {"auto": True, "require": ["FileDownloaded"], "remove": ["FileProcessed"]},
            "FileProcessed": {"remove": ["ProcessingFile"]},
            "UploadingFile": {"auto": True, "require": ["FileProcessed"], "remove": ["FileUploaded"]},
            "FileUploaded": {"remove": ["UploadingFile"]},
        }
    )
    for state in ("DownloadingFile", "FileDownloaded", "FileProcessed", "FileUploaded"):
        machine.add(state)
    assert machine.active == ("FileUploaded", "FileDownloaded", "FileProcessed")
    clock = machine.clock()
    assert [clock["DownloadingFile"], clock["FileDownloaded"], clock["FileProcessed"]] == [2, 1, 1]
    assert [clock["FileUploaded"], clock["ProcessingFile"], clock["UploadingFile"]] == [1, 2, 2]


def test_scenario_85_a_refused_state_is_not_implied_again() -> None:
    """A adds B, whose own handler refused."""
    machine, _, order = traced({"A": {"auto": True, "add": ["B"]}, "B": AUTO, "C": {}}, {"BEnter": veto})
    machine.add("C")
    assert set(machine.active) == {"A", "C"}
    assert "BState" not in order


def test_scenario_86_what_requires_a_refused_state_goes_too() -> None:
    """Nothing is left of the automatic transition, but it is not refused either."""
    machine, notes, order = traced({"A": {"auto": True, "require": ["B"]}, "B": AUTO, "C": {}}, {"BEnter": veto})
    machine.add("C")
    assert machine.active == ("C",)
    assert notes.all[-1].is_accepted
    assert order[-1] == "AnyState"
    assert ticks(machine, "AB") == [0, 0]


def test_a_refusing_exit_cancels_the_whole_automatic_transition() -> None:
    """Also when the leaving state is automatic itself."""
    machine, notes, _ = traced(
        {**PLAIN, "A": {"auto": True, "require": ["C"], "remove": ["B"]}, "B": AUTO, "Z": AUTO}, {"BExit": veto}
    )
    machine.add("D")
    machine.remove("Z")
    assert machine.is_(["B", "D", "Z"])
    machine.add("C")
    assert (notes.all[-1].is_auto, notes.all[-1].canceled_by) == (True, "BExit")
    assert machine.is_("B")
    assert not machine.is_("A")


def test_a_refusing_self_handler_does_not_skip_the_next_state() -> None:
    """Every state that stays is asked, also when the one before it has refused."""
    machine, notes, order = traced(
        {**PLAIN, "A": AUTO, "B": AUTO, "Z": {"auto": True, "require": ["C"]}},
        {"AA": lambda e: not e.transition.is_auto},
    )
    machine.add("D")
    assert machine.is_(["A", "B"])
    order.clear()
    machine.add("C")
    assert notes.all[-1].is_auto
    asked = order[order.index("AnyState") + 1 :]
    assert asked.index("AA") < asked.index("BB")
    assert machine.is_(["A", "B", "Z"])


def test_automatic_states_whose_handlers_always_fail_are_given_up() -> None:
    """Even where each error brings other states in, here C by the active multi state A."""
    schema = {
        "A": {"multi": True, "auto": True, "add": ["C"]},
        "B": {"auto": True, "remove": ["C"]},
        "C": {"multi": True},
    }

    def fail(event: object) -> None:
        raise ValueError("always")

    machine, notes, _ = traced(schema, {"BState": fail})
    machine.add(["B", "A", "C"])
    machine.add(["A", "B"])
    assert [tx.is_auto for tx in notes.all].count(True) == 1
    assert set(machine.active) == {"A", "C", "Exception"}
    before = len(notes.all)
    machine.add("C")
    assert [tx.is_auto for tx in notes.all[before:]] == [False, True, False], "every change is a reason to try again"
