"""Failing handlers and error states. Numbers are those of the conformance scenarios."""

from __future__ import annotations

import asyncio
import concurrent.futures
import weakref

import pytest
from engine_setups import PLAIN, fail, machine_of, noted, record, ticks, until

from am_core import Event, ExceptionHandler, Machine, Panic, Tracer, Transition


def test_scenario_64_a_failing_negotiation_cancels_and_adds_exception() -> None:
    """The error keeps its identity, and the mutation its source."""
    machine = machine_of(active="A")
    machine.bind({"BEnter": fail})
    notes = noted(machine)
    assert machine.add("B").canceled
    assert machine.active == ("Exception", "A")
    assert "[cancel] (B A) by recover" in notes.log
    failed, recovery = notes.all
    assert (failed.is_broken, failed.is_accepted, failed.canceled_by) == (True, False, "recover")
    assert failed.time_after == failed.time_before
    source = recovery.mutation.source
    assert source is not None
    assert source[:2] == (machine.id, failed.id)
    error = machine.err()
    assert isinstance(error, RuntimeError)
    assert recovery.error is error
    assert error.__traceback__ is not None
    panic = recovery.args["panic"]
    assert isinstance(panic, Panic)
    assert (panic.handler, panic.called_states, panic.states_before) == ("BEnter", ("B",), ("A",))


def test_scenario_65_a_failing_final_handler_leaves_the_states_before_it() -> None:
    """Its own state and all later ones are switched off again."""
    machine = machine_of(log_level="ops")
    machine.bind(ExceptionHandler())
    order = record(machine, {"BState": fail})
    notes = noted(machine)
    assert machine.add(["A", "B", "C"]).canceled
    assert ticks(machine, "ABC") == [1, 2, 2]
    assert machine.tick("Exception") == 1
    assert machine.active == ("Exception", "A")
    assert "[cancel] (A B C) by recover" in notes.log
    assert any(line.startswith("[error:add] A B C (BState") for line in notes.log)
    assert "CState" not in order
    assert notes.all[0].time_after[:3] == (1, 2, 2)
    assert not notes.all[0].is_accepted


def test_scenario_66_a_failing_end_handler_switches_off_what_had_not_begun() -> None:
    """What ended stays off."""
    machine = machine_of(active="AB")
    machine.bind({"AEnd": fail})
    assert machine.set("C").canceled
    assert machine.active == ("Exception",)
    assert ticks(machine, "ABC") == [2, 2, 2]


def test_scenario_67_errors_come_with_their_state() -> None:
    """None is no error."""
    machine = machine_of()
    second, third = ValueError("2"), ValueError("3")
    assert machine.add_err_state("B", second).executed
    assert (machine.active, machine.err()) == (("B", "Exception"), second)
    assert machine.add_err(third).executed
    assert (machine.tick("Exception"), machine.err()) == (3, third)
    assert machine.add_err(None).canceled
    assert machine.err() is third


def test_scenario_68_error_states_fall_with_exception() -> None:
    """They require it."""
    machine = machine_of({"E": {"require": ["Exception"]}})
    assert machine.add("E").canceled
    machine.add_err(ValueError("1"))
    machine.add_err_state("E", ValueError("2"))
    assert (machine.tick("E"), machine.tick("Exception")) == (1, 3)
    machine.remove("Exception")
    assert (machine.tick("E"), machine.tick("Exception")) == (2, 4)
    assert machine.err() is not None
    assert not machine.is_err()


def test_scenario_71_the_first_binding_gets_to_see_an_earlier_error() -> None:
    """Later bindings do not."""
    machine = machine_of()
    machine.add_err(ValueError("early"))
    assert machine.tick("Exception") == 1
    seen: list[object] = []
    machine.bind({"ExceptionState": lambda e: seen.append(e.args["err"])})
    assert machine.tick("Exception") == 3
    assert seen == [machine.err()]
    machine.bind({"AState": lambda e: None})
    assert len(seen) == 1


def test_a_failing_global_final_handler_leaves_all_states() -> None:
    """They had all begun."""
    machine = machine_of({**PLAIN, "Z": {"auto": True}})
    machine.bind({"AnyState": lambda e: fail(e) if e.mutation.called == (0,) else None})
    assert machine.add("A").canceled
    assert machine.is_(["A", "Exception"])
    assert machine.tick("A") == 1


def test_a_failing_error_handler_does_not_go_round_in_circles() -> None:
    """The machine stays usable, on both runners."""
    for runner in ("inline", "thread"):
        machine = machine_of(runner=runner, log_level="changes")
        machine.bind({"ExceptionEnter": fail, "AEnter": fail})
        notes = noted(machine)
        assert machine.add("A").canceled
        assert not machine.is_err()
        assert len(notes.all) == 2
        assert any("failed while handling an error" in line for line in notes.log)
        assert machine.add("B").executed
        machine.dispose_force()


def test_a_failure_cancels_a_whole_automatic_transition() -> None:
    """Nothing of it is half applied."""
    machine = machine_of({"A": {"auto": True}, "B": {"auto": True}, "C": {}})
    machine.bind({"AEnter": fail})
    notes = noted(machine)
    machine.add("C")
    automatic = notes.all[1]
    assert (automatic.is_auto, automatic.is_accepted, automatic.time_after) == (True, False, automatic.time_before)


def test_a_failing_automatic_state_is_not_tried_for_ever() -> None:
    """Only once more with Exception active, which might have made the difference."""
    for handler in ("AEnter", "AState"):
        machine = machine_of({"A": {"auto": True}, "C": {}})
        machine.bind({handler: fail})
        notes = noted(machine)
        assert machine.add("C").executed
        assert [tx.is_auto for tx in notes.all] == [False, True, False, True, False]
        assert set(machine.active) == {"C", "Exception"}


def test_cancellations_are_no_errors() -> None:
    """Wrapped ones are."""
    machine = machine_of()
    assert machine.add_err(asyncio.CancelledError()).canceled
    assert machine.add_err(concurrent.futures.CancelledError()).canceled
    assert machine.err() is None
    wrapped = RuntimeError("stopped")
    wrapped.__cause__ = asyncio.CancelledError()
    assert machine.add_err(wrapped).executed


def test_the_error_callback_comes_before_the_state() -> None:
    """The error itself is already known."""
    seen: list[object] = []
    machine = machine_of(on_error=lambda m, e: seen.append((m.err() is e, m.is_err())))
    machine.add_err(ValueError("x"))
    assert seen == [(True, False)]


def test_the_change_callback_hears_of_refusals_but_not_of_dry_runs() -> None:
    """It is called for every real transition."""
    seen: list[tuple[str, bool]] = []
    machine = machine_of(
        {"A": {"require": ["B"]}, "B": {}}, on_change=lambda m, tx: seen.append((str(tx.mutation.type), tx.is_accepted))
    )
    machine.add("A")
    machine.can_add("B")
    machine.set("B")
    assert seen == [("add", False), ("set", True)]


def test_exceptions_of_any_code_can_become_a_state() -> None:
    """As a context or a decorator; untrapped where errors are not trapped."""
    machine = machine_of({"Net": {"require": ["Exception"]}})

    def connect() -> None:
        raise ConnectionError("gone")

    with machine.errors_to_state("Net"):
        connect()
    assert machine.is_(["Net", "Exception"])
    assert isinstance(machine.err(), ConnectionError)

    @machine.guard()
    def divide() -> float:
        return 1 / 0

    divide()
    assert isinstance(machine.err(), ZeroDivisionError)
    loud = machine_of(panic_to_exception=False)
    with pytest.raises(KeyError), loud.errors_to_state():
        raise KeyError


def test_untrapped_errors_reach_the_drainer_and_the_queue_goes_on() -> None:
    """The transition is canceled, and what was queued still runs."""
    machine = machine_of(panic_to_exception=False)
    hooks: list[str] = []

    class Watch(Tracer):
        def handler_end(self, tx: Transition, binding: str, handler: str) -> None:
            hooks.append(handler)

    machine.bind_tracer(Watch())

    def first(e: Event) -> None:
        e.machine.add("C")
        raise ValueError("mine")

    machine.bind({"AState": first})
    with pytest.raises(ValueError, match="mine"):
        machine.add("A")
    assert machine.active == ("C",)
    assert machine.tick("A") == 2
    assert hooks == ["AState"]
    assert machine.transition is None


def test_an_interrupt_in_a_handler_passes_and_leaves_the_machine_usable() -> None:
    """Ctrl-C is never swallowed."""
    machine = machine_of()

    def interrupt(_: Event) -> None:
        raise KeyboardInterrupt

    binding = machine.bind({"AEnter": interrupt})
    with pytest.raises(KeyboardInterrupt):
        machine.add("A")
    machine.detach(binding)
    assert machine.add("A").executed


def test_failing_tracers_and_callbacks_do_not_disturb() -> None:
    """Their errors are kept beside the machine's own."""

    class Broken(Tracer):
        def transition_end(self, tx: Transition) -> None:
            raise OSError("disk full")

    machine = machine_of(tracers=[Broken()], on_change=lambda m, tx: 1 / 0)
    assert machine.add("A").executed
    texts = [str(error) for error in machine.internal_errors]
    assert any("disk full" in text for text in texts)
    assert any("division" in text for text in texts)
    for _ in range(20):
        machine.toggle("A")
    assert len(machine.internal_errors) == 10
    assert machine.err() is None


def test_schema_conflicts_of_a_tolerant_machine_become_an_exception() -> None:
    """A strict one refuses to exist."""
    machine = Machine({"A": {"require": ["B"], "remove": ["B"]}, "B": {}}, strict=False)
    assert machine.is_err()
    assert "require-remove conflict for A to B" in str(machine.err())
    until(lambda: machine.queue_len() == 0)


@pytest.mark.parametrize("base", [object, ExceptionHandler])
def test_errors_that_nobody_looks_at_go_to_the_log_of_the_program(
    base: type[object], caplog: pytest.LogCaptureFixture
) -> None:
    """With the traceback, and what to do about it."""

    class Handlers(base):  # type: ignore[misc, valid-type]  # two bases are tried
        def AState(self, e: Event) -> None:
            raise ValueError("unseen")

    machine = Machine({"A": None}, id="lonely")
    machine.bind(Handlers())
    assert machine.add("A").canceled
    (record_,) = caplog.records
    assert record_.name == "am_core"
    assert "AState of machine lonely failed" in record_.getMessage()
    assert record_.exc_info is not None
    assert str(record_.exc_info[1]) == "unseen"


@pytest.mark.parametrize("who", ["on_error", "log_level", "ExceptionState", "waiter"])
def test_errors_that_somebody_looks_at_are_not_told_again(who: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever knows of them decides what is done."""
    machine = Machine({"A": None}, on_error=(lambda *_: None) if who == "on_error" else None)
    machine.set_logger(None)
    machine.bind({"AState": fail})
    if who == "log_level":
        machine.log_level = "changes"
    elif who == "ExceptionState":
        machine.bind({"ExceptionState": lambda e: None})
    elif who == "waiter":
        machine.when_err()
    assert machine.add("A").canceled
    assert machine.is_("Exception")
    assert caplog.records == []


def test_the_error_callback_hears_of_handlers_that_fail() -> None:
    """Before the state, as of any other error, and of failing error handlers too."""
    seen: list[tuple[str, bool, bool]] = []
    machine = machine_of(on_error=lambda m, e: seen.append((str(e), m.err() is e, m.is_err())))
    machine.bind({"AState": fail})
    assert machine.add("A").canceled
    assert [known for _, known, active in seen] == [True]
    assert not seen[0][2]
    assert machine.is_err()
    machine.bind({"ExceptionState": fail})
    machine.add_err(ValueError("x"))
    assert [text for text, _, _ in seen] == ["AState is broken", "x", "ExceptionState is broken"]


def test_an_error_callback_that_fails_or_disposes_the_machine_does_no_harm() -> None:
    """What it raises is kept as an internal error."""
    machine = machine_of(on_error=lambda *_: 1 / 0)
    machine.bind({"AState": fail})
    assert machine.add("A").canceled
    assert machine.is_err()
    assert "division" in str(machine.internal_errors[-1])
    machine = machine_of(on_error=lambda m, _: m.dispose_force())
    machine.bind({"AState": fail})
    assert machine.add("A").canceled
    assert machine.disposed
    assert machine.add("B").canceled


def test_machines_with_errors_are_freed_at_once_without_the_traceback() -> None:
    """A traceback keeps the frames, and those keep the machine, until the garbage collector finds the cycle."""
    machine = machine_of()
    machine.bind({"AState": fail})
    machine.bind({"ExceptionState": lambda e: None})
    assert machine.add("A").canceled
    error = machine.err()
    assert error is not None
    assert error.__traceback__ is not None
    error.__traceback__ = None
    alive = weakref.ref(machine)
    del error, machine
    assert alive() is None
