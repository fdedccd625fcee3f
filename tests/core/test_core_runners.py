"""Handlers on the caller's thread, on a thread of the machine, on an event loop. Numbers are those of the scenarios."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import CancelledError as FutureCanceled

import pytest
from engine_setups import PATIENT, fail, machine_of, noted, ticks
from stages import Stage

from am_core import (
    AmError,
    Context,
    Event,
    ExceptionHandler,
    Machine,
    NestedEvalError,
    Panic,
    current_event,
)

# Failures


def test_scenario_64_a_failing_negotiation_handler_changes_nothing(stage: Stage) -> None:
    """Exception is added next, with this transition as its source."""
    machine = stage.machine(active="A")
    notes = noted(machine)
    machine.bind({"BEnter": fail})
    assert stage.call(lambda: machine.add("B")).canceled
    assert machine.active_states() == ["Exception", "A"]
    assert "[cancel] (B A) by recover" in notes.log
    failed, added = notes.all
    source = added.mutation.source
    assert source is not None
    assert (source.machine_id, source.transition_id) == (machine.id, failed.id)
    assert isinstance(added.args["panic"], Panic)


def test_scenario_65_a_failing_state_handler_switches_off_what_is_not_done(stage: Stage) -> None:
    """Those who wait for what did change are told."""
    machine = stage.machine()
    machine.bind({"BState": fail})
    reached, missed = machine.when("A"), machine.when("B")
    notes = noted(machine)
    assert stage.call(lambda: machine.add(["A", "B", "C"])).canceled
    assert (ticks(machine, "ABC"), machine.tick("Exception")) == ([1, 2, 2], 1)
    assert "[cancel] (A B C) by recover" in notes.log
    assert reached.done
    assert not missed.done


def test_scenario_66_a_failing_end_handler_switches_off_what_was_to_begin(stage: Stage) -> None:
    """What has ended stays ended."""
    machine = stage.machine(active="AB")
    machine.bind({"AEnd": fail})
    assert stage.call(lambda: machine.set("C")).canceled
    assert machine.active_states() == ["Exception"]
    assert ticks(machine, "ABC") == [2, 2, 2]


def test_scenario_67_errors_are_states(stage: Stage) -> None:
    """The last one is kept, none is none."""
    machine = stage.machine()
    second, third = RuntimeError("second"), RuntimeError("third")
    assert stage.call(lambda: machine.add_err_state("B", second)).executed
    assert set(machine.active_states()) == {"B", "Exception"}
    assert machine.err() is second
    assert machine.tick("Exception") == 1
    assert stage.call(lambda: machine.add_err(third)).executed
    assert (machine.tick("Exception"), machine.err()) == (3, third)
    assert stage.call(lambda: machine.add_err(None)).canceled


def test_scenario_68_error_states_fall_with_exception(stage: Stage) -> None:
    """They need it, in the beginning as in the end."""
    machine = stage.machine({"E": {"require": ["Exception"]}})
    assert stage.call(lambda: machine.add("E")).canceled
    stage.call(lambda: machine.add_err(RuntimeError("first")))
    stage.call(lambda: machine.add_err_state("E", RuntimeError("second")))
    assert (machine.tick("E"), machine.tick("Exception")) == (1, 3)
    stage.call(lambda: machine.remove("Exception"))
    assert (machine.tick("E"), machine.tick("Exception")) == (2, 4)


def test_scenario_71_the_first_binding_sees_an_error_from_before(stage: Stage) -> None:
    """It is added once more."""
    machine = stage.machine()
    error = RuntimeError("early")
    stage.call(lambda: machine.add_err(error))
    seen: list[object] = []

    class Late(ExceptionHandler):
        def ExceptionState(self, e: Event) -> None:
            seen.append(e.args["err"])

    stage.call(lambda: machine.bind(Late()))
    assert seen == [error]
    assert machine.tick("Exception") == 3


# Handlers that hang, fail or interfere


def test_mutations_from_elsewhere_while_a_handler_hangs_are_queued(stage: Stage) -> None:
    """They are executed in order once it returns."""
    machine = stage.machine()
    release, entered = threading.Event(), threading.Event()

    def hang(_: Event) -> None:
        entered.set()
        release.wait(20)

    machine.bind({"AState": hang})
    call = stage.begin(lambda: machine.add("A"))
    assert entered.wait(10)
    results = [machine.add("B", n=n) for n in range(3)]
    assert [int(result) for result in results] == [3, 4, 5]
    waiter = machine.when_queue(results[-1])
    idle = machine.when_queue_ends()
    assert not waiter.done
    release.set()
    assert waiter.wait(10)
    assert idle.wait(10)
    assert call.result(10).executed
    assert ticks(machine, "AB") == [1, 1]


def test_a_handler_without_end_is_an_ordinary_failure(stage: Stage) -> None:
    """The stack is given back, the machine goes on."""
    machine = stage.machine()

    def endless(e: Event) -> None:
        endless(e)

    machine.bind({"AState": endless})
    assert stage.call(lambda: machine.add("A")).canceled
    assert isinstance(machine.err(), RecursionError)
    assert stage.call(lambda: machine.add("B")).executed


def test_evaluations_in_handlers_are_refused_at_once(stage: Stage) -> None:
    """Waiting for oneself would take for ever."""
    machine = stage.machine(eval_timeout=PATIENT)
    answers: list[bool] = []

    def nested(e: Event) -> None:
        answers.append(machine.eval(lambda: answers.append(True), "inside"))

    machine.bind({"AState": nested})
    assert stage.call(lambda: machine.add("A")).executed
    assert stage.call(lambda: machine.eval(lambda: nested(None), "outside"))  # type: ignore[arg-type]  # not looked at
    assert answers == [False, False]
    assert [type(error) for error in machine.internal_errors] == [NestedEvalError] * 2


def test_evaluations_from_other_threads_wait_for_their_turn(stage: Stage) -> None:
    """They run where the handlers do not, one at a time, and what they raise reaches the caller."""
    machine = stage.machine(eval_timeout=20)
    ran: list[str] = []

    def broken() -> None:
        raise ValueError("broken")

    assert machine.eval(lambda: ran.append(threading.current_thread().name), "test")
    with pytest.raises(ValueError, match="broken"):
        machine.eval(broken, "test")
    expected = "stage-loop" if stage.runner == "loop" else threading.current_thread().name
    assert ran == [expected]
    assert stage.call(lambda: machine.add("A")).executed


def test_a_handler_may_dispose_its_machine(stage: Stage) -> None:
    """In the background or at once; what is queued is canceled."""
    for end in (Machine.dispose, Machine.dispose_force):
        machine = stage.machine()
        machine.bind({"AState": lambda e, end=end: end(e.machine)})
        stage.call(lambda machine=machine: machine.add("A"))
        assert machine.wait_disposed(10)
        assert machine.add("B").canceled


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_interrupts_pass_through_and_leave_the_machine_usable(stage: Stage, kind: type[BaseException]) -> None:
    """They are not errors of the machine; what was not completed is switched off."""
    machine = stage.machine()

    def interrupted(_: Event) -> None:
        raise kind

    machine.bind({"AState": interrupted})
    future = stage.begin(lambda: machine.add("A"))
    raised = future.exception(30)
    assert isinstance(raised, kind)
    assert not machine.is_err()
    assert machine.tick("A") == 2
    assert stage.call(lambda: machine.add("B")).executed


def test_canceled_futures_in_handlers_are_failures(stage: Stage) -> None:
    """For a handler it is an exception like others."""
    machine = stage.machine()

    def waits(_: Event) -> None:
        raise FutureCanceled

    machine.bind({"AEnter": waits})
    assert stage.call(lambda: machine.add("A")).canceled
    assert machine.is_err()


def test_untrapped_errors_reach_whoever_executes(stage: Stage) -> None:
    """After everything that is queued has been executed."""
    machine = stage.machine(panic_to_exception=False)
    machine.bind({"AState": lambda e: machine.add("B") and fail(e)})
    with pytest.raises(RuntimeError, match="AState is broken"):
        stage.call(lambda: machine.add("A"))
    assert machine.is_("B")


def test_mutations_know_the_handler_they_come_from(stage: Stage) -> None:
    """Without being told."""
    machine = stage.machine()
    seen: list[object] = []

    def handle(e: Event) -> None:
        seen.append(current_event.get() is e)
        machine.add("B")

    machine.bind({"AState": handle})
    notes = noted(machine)
    stage.call(lambda: machine.add("A"))
    source = notes.all[1].mutation.source
    assert source is not None
    assert (seen, source.transition_id) == ([True], notes.all[0].id)
    assert current_event.get() is None


def test_stacks_are_told_without_the_frames_of_the_engine(stage: Stage) -> None:
    """The exception itself keeps them all."""
    machine = stage.machine(log_stack_trace=True)
    notes = noted(machine)

    def inner() -> None:
        raise KeyError("missing")

    def handle(_: Event) -> None:
        try:
            inner()
        except KeyError as error:
            raise ValueError("wrong") from error

    class Handlers(ExceptionHandler):
        AState = staticmethod(handle)

    machine.bind(Handlers())
    stage.call(lambda: machine.add("A"))
    text = notes.all[1].args["err.trace"]
    assert "in inner" in text
    assert "in handle" in text
    assert "direct cause" in text
    assert "am_core" not in text
    assert text in notes.log
    error = machine.err()
    assert error is not None
    assert error.__traceback__ is not None
    assert "am_core" in error.__traceback__.tb_frame.f_code.co_filename


def test_breakpoints_tell_who_made_the_mutation() -> None:
    """The line of the program, and not how the engine got to the breakpoint."""
    lines: list[str] = []
    machine = machine_of(log_stack_trace=True, logger=lambda _, text: lines.append(text))
    machine.add_breakpoint(added="A")
    machine.add("A")
    (text,) = [line for line in lines if "[breakpoint]" in line]
    assert text.rstrip().endswith('machine.add("A")')
    assert "am_core" not in text


def test_stacks_of_nothing_but_the_engine_are_left_alone() -> None:
    """Better too much than nothing."""
    machine = machine_of(log_stack_trace=True)
    notes = noted(machine)
    try:
        Context(None, "none").check()
    except AmError as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        machine.add_err(RuntimeError("wrapped").with_traceback(error.__traceback__))
    assert "contexts.py" in notes.all[0].args["err.trace"]


# The context a machine ends with


def test_a_machine_ends_with_its_context(stage: Stage) -> None:
    """Whether it has handlers or not."""
    parent = machine_of()
    children = [stage.machine(ctx=parent.ctx, parent=parent) for _ in range(2)]
    children[0].bind({"AState": lambda e: None})
    assert [child.ctx.parent for child in children] == [parent.ctx] * 2
    parent.dispose_force()
    for child in children:
        assert child.wait_disposed(10)
    orphan = stage.machine(ctx=parent.ctx)
    assert orphan.wait_disposed(10)


def test_a_schema_may_end_gracefully(stage: Stage) -> None:
    """Disposing is added; without an answer the machine is disposed after a while."""
    parent = machine_of()
    schema = {"Disposing": {}, "Disposed": {}}
    willing = stage.machine(schema, ctx=parent.ctx, dispose_timeout=30)
    stubborn = stage.machine(schema, ctx=parent.ctx, dispose_timeout=0.02)
    willing.bind({"DisposingState": lambda e: e.machine.dispose()})
    parent.dispose_force()
    assert willing.wait_disposed(10)
    assert stubborn.wait_disposed(10)


def test_contexts_do_not_keep_machines() -> None:
    """Neither those that are gone nor those that were disposed."""
    parent = machine_of()
    ctx = parent.ctx
    child: Machine | None = Machine({"A": {}}, ctx=ctx)
    disposed = Machine({"A": {}}, ctx=ctx)
    disposed.dispose_force()
    gone = weakref.ref(child)
    child = None
    gc.collect()
    assert gone() is None
    assert not ctx._callbacks
