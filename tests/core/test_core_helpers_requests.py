"""Mutations with more patience."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from engine_setups import in_thread, machine_of, noted, veto

from am_core import CanceledError, Event, Machine, MachineDisposed, Result, StateExpired, UnknownStateError, helpers


@contextmanager
def _busy(machine: Machine) -> Iterator[threading.Event]:
    """The machine is executing on another thread until the event is set."""
    inside, go = threading.Event(), threading.Event()

    def hold(_: Event) -> None:
        inside.set()
        assert go.wait(30)

    with machine.bound({"DState": hold}):
        machine.remove("D")
        thread = in_thread(lambda: machine.add("D"))
        assert inside.wait(30)
        try:
            yield go
        finally:
            go.set()
            thread.join(30)


def test_adding_and_removing_wait_for_the_execution() -> None:
    """The answer is the truth about the states, for refused removals too."""
    machine = machine_of()
    with _busy(machine) as go:
        threading.Timer(0.01, go.set).start()
        assert helpers.add_sync(machine, ["A", "B"], timeout=30)
    assert machine.is_(["A", "B"])
    assert helpers.remove_sync(machine, "B")
    with machine.bound({"AExit": veto, "CEnter": veto}):
        assert not helpers.remove_sync(machine, "A")
        assert not helpers.add_sync(machine, "C")
    with _busy(machine) as go:
        assert not helpers.add_sync(machine, "C", timeout=0.01)
        assert not helpers.remove_sync(machine, "A", timeout=0.01)
    assert machine._subs is not None
    assert machine._subs.pending == {}


def test_adding_and_removing_suspend_coroutines() -> None:
    """The same answers."""

    async def main() -> None:
        machine = machine_of()
        with _busy(machine) as go:
            asyncio.get_running_loop().call_later(0.01, go.set)
            assert await helpers.aadd_sync(machine, ["A", "B"], timeout=30)
        assert await helpers.aremove_sync(machine, ["A"])
        with _busy(machine):
            assert not await helpers.aadd_sync(machine, "C", timeout=0.01)
            assert not await helpers.aremove_sync(machine, "B", timeout=0.01)
        with machine.bound({"DEnter": veto}):
            machine.remove("D")
            assert not await helpers.aadd_sync(machine, "D")

    asyncio.run(main())


def test_handlers_on_threads_do_not_block_the_loop() -> None:
    """Although the caller of a plain add would wait for them."""

    async def main() -> None:
        machine = machine_of(runner="thread")
        refuse = [True]
        go = threading.Event()
        machine.bind({"AEnter": lambda _: go.wait(30), "BEnter": lambda _: not (refuse and refuse.pop())})
        asyncio.get_running_loop().call_later(0.01, go.set)
        assert await helpers.aadd_sync(machine, "A")
        assert await helpers.request_add(machine, "B", delay=0).arun()
        assert machine.is_(["A", "B"])
        go.clear()
        asyncio.get_running_loop().call_later(0.01, go.set)
        machine.remove("A")
        assert await helpers.aadd_and_wait(machine, "A", "A", timeout=30)
        assert await helpers.aremove_sync(machine, ["A", "B"])

    asyncio.run(main())


def test_a_context_ends_the_waiting_for_an_execution() -> None:
    """Then nothing is known to have happened."""
    machine, other = machine_of(), machine_of()
    ctx = other.state_ctx("A")
    with _busy(machine):
        threading.Timer(0.01, other.add, ("A",)).start()
        assert not helpers.add_sync(machine, "A", ctx=ctx)


def test_adding_can_wait_for_what_it_leads_to() -> None:
    """An activity that was there before does not count, and nothing is missed."""
    schema = {"Ask": {"multi": True}, "Answer": {"multi": True}, "No": {}}
    machine = machine_of(schema, ["Answer"])
    machine.bind({"AskState": lambda e: e.machine.add("Answer", e.args), "NoEnter": veto})
    assert helpers.add_and_wait(machine, "Ask", "Answer", {"x": 1}, timeout=30)
    assert not helpers.add_and_wait(machine, "No", "Answer")
    assert not helpers.add_and_wait(machine, "Answer", "No", timeout=0.01)
    threading.Timer(0.01, machine.dispose_force).start()
    assert not helpers.add_and_wait(machine, "Answer", "No", timeout=30)

    async def main() -> None:
        machine = machine_of(schema)
        machine.bind({"AskState": lambda e: e.machine.add("Answer"), "NoEnter": veto})
        assert await helpers.aadd_and_wait(machine, "Ask", "Answer", timeout=30)
        assert not await helpers.aadd_and_wait(machine, "No", "Answer")
        assert not await helpers.aadd_and_wait(machine, "Ask", "No", timeout=0.01)

    asyncio.run(main())


def test_asking_first_leaves_no_refused_transition() -> None:
    """Only the dry run is seen, and possible mutations happen."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}})
    notes = noted(machine)
    assert helpers.ask_add(machine, "B").canceled
    assert [tx.is_check for tx in notes.all] == [True]
    assert helpers.ask_add(machine, "A", {"x": 1}).executed
    assert notes.all[-1].args == {"x": 1}
    assert helpers.ask_remove(machine, ["A"]).executed
    machine.add("A")
    with machine.bound({"AExit": veto}):
        assert helpers.ask_remove(machine, "A").canceled
    assert machine.is_("A")


def test_impossible_means_impossible() -> None:
    """For adding and for removing; a busy machine does not claim anything."""
    machine = machine_of({"A": {}, "B": {"require": ["A"]}, "D": {}})
    assert helpers.cant_add(machine, "B")
    assert not helpers.cant_add(machine, "A")
    machine.add("A")
    assert not helpers.cant_remove(machine, "A")
    with machine.bound({"AExit": veto}):
        assert helpers.cant_remove(machine, "A")
    with _busy(machine):
        assert not helpers.cant_add(machine, "B")
        assert helpers.ask_add(machine, "B").queued


def test_requests_try_again_until_it_is_accepted() -> None:
    """With growing delays."""
    machine = machine_of()
    left = [False, False]
    machine.bind({"AEnter": lambda _: left.pop() if left else None})
    notes = noted(machine)
    assert helpers.request_add(machine, "A", {"x": 1}, delay=0.001).run().executed
    assert [tx.is_accepted for tx in notes.all] == [False, False, True]
    assert all(tx.args == {"x": 1} for tx in notes.all)
    assert helpers.request_remove(machine, ["A"]).run().executed
    assert not machine.is_("A")


@pytest.mark.parametrize("run", ["run", "arun"])
def test_requests_give_up(run: str) -> None:
    """After their retries, after their time, with their context, and with the machine."""
    machine = machine_of()
    tries: list[Event] = []

    def refuse(e: Event) -> bool:
        tries.append(e)
        return False

    machine.bind({"AEnter": refuse})
    request = helpers.request_add(machine, "A", retries=3, delay=0.001, backoff=0.002)

    def outcome(request: helpers.MutRequest, **kwargs: object) -> Result:
        method = getattr(request, run)

        async def main() -> Result:
            result: Result = await method(**kwargs)
            return result

        return method(**kwargs) if run == "run" else asyncio.run(main())

    assert outcome(request).canceled
    assert len(tries) == 4
    tries.clear()
    assert outcome(request.with_(retries=1000, max_duration=0.01)).canceled
    assert 1 <= len(tries) < 20
    other = machine_of()
    ctx = other.state_ctx("A")
    threading.Timer(0.01, other.add, ("A",)).start()
    with pytest.raises(StateExpired):
        outcome(request.with_(delay=1, backoff=1), ctx=ctx)
    with pytest.raises(UnknownStateError):
        outcome(helpers.request_add(machine, "Nope"))
    machine.dispose_force()
    with pytest.raises(MachineDisposed):
        outcome(request)


def test_requests_take_queued_for_success_and_refuse_nonsense() -> None:
    """They are values that can be changed into others."""
    machine = machine_of()
    with _busy(machine):
        assert helpers.request_add(machine, "A").run().queued
    request = helpers.request_add(machine, "A", delay=1)
    assert request.with_(states=("B",)).states == ("B",)
    assert request.states == ("A",)
    with pytest.raises(ValueError, match="delay"):
        request.with_(delay=-1)


def test_results_as_errors() -> None:
    """Only a refusal is one."""
    assert helpers.result_to_err(Result.EXECUTED) is None
    assert helpers.result_to_err(Result(5)) is None
    assert isinstance(helpers.result_to_err(Result.CANCELED), CanceledError)
