"""Where and whether handlers that are coroutine functions run: loops, threads, negotiation."""

from __future__ import annotations

import asyncio
import threading

import pytest
from async_setups import Notes, eventually, run
from engine_setups import fail, in_thread, machine_of, until

from am_core import AmbiguousHandlers, AmError, Event, HandlerBindError, Machine


def test_the_loop_of_the_machine_is_reached_from_every_thread() -> None:
    """Other threads may mutate; the tasks are on the loop."""

    async def main() -> None:
        notes = Notes()
        names: list[str] = []
        machine = machine_of(loop=asyncio.get_running_loop())

        async def begin(e: Event) -> None:
            names.append(threading.current_thread().name)
            await notes.sleep("A")

        machine.bind({"AState": begin})
        assert (await asyncio.to_thread(machine.add, "A")).executed
        async with eventually(lambda: notes.all):
            assert (await asyncio.to_thread(machine.remove, "A")).executed
        async with eventually(lambda: len(notes.all) == 2):
            assert notes.all[1] == "A canceled"
        assert names == [threading.current_thread().name]

    run(main)


def test_without_a_loop_the_error_says_what_to_do() -> None:
    """As an error of the machine; everything else goes on."""

    async def begin(e: Event) -> None: ...

    machine = machine_of()
    machine.bind({"AState": begin})
    assert machine.add("A").canceled
    error = machine.err()
    assert isinstance(error, AmError)
    assert "needs an event loop" in str(error)
    assert f"create machine {machine.id} with loop= or runner='loop'" in str(error)
    assert "begin" in str(error)
    assert machine.add("B").executed


def test_a_loop_that_starts_later_runs_the_tasks_then() -> None:
    """When the machine knows it."""
    loop = asyncio.new_event_loop()
    machine = machine_of(loop=loop)
    done: list[str] = []

    async def begin(e: Event) -> None:
        done.append(e.name)

    machine.bind({"AState": begin})
    in_thread(lambda: machine.add("A")).join(10)
    assert machine.is_("A")
    loop.run_until_complete(asyncio.sleep(0.001))
    loop.close()
    assert done == ["AState"]


def test_errors_of_machines_that_do_not_trap_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would get lost otherwise."""
    shown: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(str(args.exc_value)))

    async def main() -> None:
        machine = machine_of(panic_to_exception=False)

        async def later(e: Event) -> None:
            fail(e)

        machine.bind({"AState": later})
        machine.add("A")
        async with eventually(lambda: shown):
            assert not machine.is_err()

    run(main)
    assert shown == ["AState is broken"]


@pytest.mark.parametrize("name", ["AEnter", "AExit", "AA", "AB", "AnyEnter"])
def test_negotiation_cannot_wait(name: str) -> None:
    """The error names the handler and says what to do instead; nothing is bound."""

    async def later(e: Event) -> bool:
        return True

    machine = machine_of()
    with pytest.raises(HandlerBindError, match=f"handler {name} is a coroutine function.*State or End handler"):
        machine.bind({"BState": fail, name: later})
    assert machine.handlers() == []


def test_names_that_may_be_negotiation_cannot_wait_either() -> None:
    """As long as one reading of the name is negotiation."""

    async def later(e: Event) -> None: ...

    with pytest.warns(AmbiguousHandlers):
        machine = Machine({"A": {}, "AS": {}, "tate": {}})
    with pytest.raises(HandlerBindError, match="AState is a coroutine function"):
        machine.bind({"AState": later})


def test_detached_and_disposed_handlers_start_nothing() -> None:
    """What is running goes on after being detached, as its state does."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of()

        async def begin(e: Event) -> None:
            await notes.sleep("A", 0.005)

        binding = machine.bind({"AState": begin})
        machine.add("A")
        machine.detach(binding)
        async with eventually(lambda: "A ends" in notes.all):
            machine.set("B")
        machine.add("A")
        await asyncio.sleep(0)
        assert notes.all == ["A begins", "A ends"]

    run(main)


def test_plain_handlers_stay_what_they_are() -> None:
    """Nothing is put around them."""

    class Handlers:
        def AState(self, e: Event) -> None: ...

        async def BState(self, e: Event) -> None: ...

    machine = machine_of()
    handlers = Handlers()
    machine.bind(handlers)
    bound = machine._table.bindings[0].handlers
    assert bound["AState"] == handlers.AState
    assert bound["BState"].__wrapped__ == handlers.BState  # type: ignore[attr-defined]  # as of functools.wraps
    assert "BState" in bound["BState"].__qualname__


def test_threads_and_tasks_end_together() -> None:
    """A task started for a machine that another thread disposes is canceled."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of(runner="loop")

        async def begin(e: Event) -> None:
            await notes.sleep("A")

        machine.bind({"AState": begin})
        machine.add("A")
        async with eventually(lambda: notes.all):
            in_thread(machine.dispose).join(10)
        async with eventually(lambda: len(notes.all) == 2):
            assert notes.all[1] == "A canceled"
        until(lambda: machine.disposed)

    run(main)
