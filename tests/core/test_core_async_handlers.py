"""Final handlers that are coroutine functions."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from engine_setups import fail, in_thread, machine_of, noted, until

from am_core import AmbiguousHandlers, AmError, Event, HandlerBindError, Machine, StateExpired, current_event, on


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a loop; tasks that complain of something fail it."""
    complaints: list[object] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await asyncio.wait_for(main(), 30)

    asyncio.run(watched())
    assert complaints == []


@asynccontextmanager
async def eventually(condition: Callable[[], object]) -> AsyncIterator[None]:
    """Wait for a condition before the block."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
    yield


class Notes:
    """What coroutines have gone through."""

    def __init__(self) -> None:
        self.all: list[str] = []

    async def sleep(self, name: str, seconds: float = 60) -> None:
        """Wait, and note the beginning and the end of that."""
        self.all.append(f"{name} begins")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.all.append(f"{name} canceled")
            raise
        self.all.append(f"{name} ends")


@pytest.mark.parametrize("runner", ["inline", "loop", "thread"])
def test_a_state_handler_goes_on_as_a_task_until_its_state_ends(runner: str) -> None:
    """The transition does not wait for it; being canceled is no error."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of(runner=runner, loop=asyncio.get_running_loop())

        class Handlers:
            async def AState(self, e: Event) -> None:
                notes.all.append(e.name)
                await notes.sleep("A")

        machine.bind(Handlers())
        assert machine.add("A").executed
        assert notes.all == []
        async with eventually(lambda: "A begins" in notes.all):
            machine.remove("A")
        async with eventually(lambda: "A canceled" in notes.all):
            assert notes.all == ["AState", "A begins", "A canceled"]
        assert not machine.is_err()
        machine.dispose_force()

    run(main)


def test_handlers_of_an_end_and_of_everything_last_as_long_as_the_machine() -> None:
    """No state ends them."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of(active="A")

        class Handlers:
            async def AEnd(self, e: Event) -> None:
                await notes.sleep("end")

            async def AnyState(self, e: Event) -> None:
                await notes.sleep("any")

        machine.bind(Handlers())
        machine.remove("A")
        async with eventually(lambda: len(notes.all) == 2):
            machine.add("A")
        async with eventually(lambda: len(notes.all) == 3):
            machine.dispose_force()
        async with eventually(lambda: len(notes.all) == 6):
            assert notes.all[3:] == ["end canceled", "any canceled", "any canceled"]

    run(main)


def test_decorated_and_wrapped_coroutine_functions_are_handlers_too() -> None:
    """By decorator, as a partial, as an object, from a mapping, with a prefix."""

    async def main() -> None:
        seen: list[str] = []

        async def noted_by(name: str, e: Event) -> None:
            seen.append(f"{name} {e.name}")

        class Callable_:
            async def __call__(self, e: Event) -> None:
                seen.append(f"object {e.name}")

        class Handlers:
            @on.state("A")
            async def begin(self, e: Event) -> None:
                seen.append(f"decorated {e.name}")

            @staticmethod
            @on.end("A")
            async def finish(e: Event) -> None:
                seen.append(f"static {e.name}")

        class Prefixed:
            async def AState(self, e: Event) -> None:
                seen.append(f"prefixed {e.name}")

        machine = machine_of({"A": {}, "B": {}, "XA": {}})
        machine.bind(Handlers())
        machine.bind({"AState": functools.partial(noted_by, "partial"), "AEnd": Callable_()})
        machine.bind(Prefixed(), prefix="X")
        machine.add("A")
        machine.remove("A")
        machine.add("XA")
        expected = {"static AEnd", "object AEnd", "prefixed XAState"}
        async with eventually(lambda: expected <= set(seen)):
            # Tasks of the state were canceled before they had begun.
            assert set(seen) == expected
        seen.clear()
        machine.add("A")
        async with eventually(lambda: len(seen) == 2):
            assert seen == ["decorated AState", "partial AState"]

    run(main)


def test_an_exception_of_the_task_is_one_of_the_machine() -> None:
    """With the handler's transition as its source; the state stays."""

    async def main() -> None:
        machine = machine_of()
        notes = noted(machine)

        async def later(e: Event) -> None:
            await asyncio.sleep(0)
            fail(e)

        machine.bind({"AState": later})
        machine.add("A")
        await machine.when_err()
        assert machine.is_("A")
        assert str(machine.err()) == "AState is broken"
        source = notes.all[1].mutation.source
        assert source is not None
        assert source.transition_id == notes.all[0].id

    run(main)


def test_cancellations_and_expiry_are_no_errors() -> None:
    """Wherever they come from."""

    async def main() -> None:
        machine = machine_of()
        reached: list[str] = []

        async def canceled(e: Event) -> None:
            reached.append(e.name)
            raise asyncio.CancelledError

        async def expired(e: Event) -> None:
            reached.append(e.name)
            raise StateExpired("B", "over")

        machine.bind({"AState": canceled, "BState": expired})
        machine.add(["A", "B"])
        async with eventually(lambda: len(reached) == 2):
            await asyncio.sleep(0)
        assert not machine.is_err()
        assert machine.is_(["A", "B"])

    run(main)


def test_every_activation_of_a_multi_state_has_a_task_of_its_own() -> None:
    """The one before is canceled, and each sees its own arguments."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of({"M": {"multi": True}})

        async def each(e: Event) -> None:
            await notes.sleep(str(e.args["n"]), 60 if e.args["n"] == 1 else 0)

        machine.bind({"MState": each})
        machine.add("M", n=1)
        async with eventually(lambda: notes.all):
            machine.add("M", n=2)
        async with eventually(lambda: "2 ends" in notes.all):
            assert sorted(notes.all) == ["1 begins", "1 canceled", "2 begins", "2 ends"]

    run(main)


def test_a_state_that_is_switched_off_again_cancels_its_task() -> None:
    """As when another handler of the same activation fails."""

    async def main() -> None:
        notes = Notes()
        machine = machine_of()

        async def begin(e: Event) -> None:
            await notes.sleep("A")

        machine.bind({"AState": begin})
        machine.bind({"AState": fail})
        assert machine.add("A").canceled
        await asyncio.sleep(0.01)
        assert notes.all == []
        assert machine.tick("A") == 2

    run(main)


def test_a_task_may_end_its_own_state() -> None:
    """It is canceled at what it waits for next."""

    async def main() -> None:
        machine = machine_of()
        steps: list[str] = []

        async def begin(e: Event) -> None:
            steps.append("begins")
            assert machine.remove("A").executed
            steps.append("goes on")
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                steps.append("canceled")
                raise
            steps.append("never")

        machine.bind({"AState": begin})
        machine.add("A")
        async with eventually(lambda: "canceled" in steps):
            assert steps == ["begins", "goes on", "canceled"]
        assert not machine.is_err()

    run(main)


def test_a_task_does_not_get_a_turn_after_its_state_has_ended() -> None:
    """Even when what it waited for has happened already."""

    async def main() -> None:
        machine = machine_of()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        steps: list[str] = []

        async def begin(e: Event) -> None:
            steps.append("begins")
            await future
            steps.append("too late")

        machine.bind({"AState": begin})
        machine.add("A")
        async with eventually(lambda: steps):
            future.set_result(None)
            machine.remove("A")
        await asyncio.sleep(0.005)
        assert steps == ["begins"]

    run(main)


def test_mutations_of_the_task_know_the_handler() -> None:
    """Like those of plain handlers, also much later."""

    async def main() -> None:
        machine = machine_of()
        notes = noted(machine)
        names: list[object] = []

        async def begin(e: Event) -> None:
            await asyncio.sleep(0.001)
            event = current_event.get()
            names.append((event is e, e.name, e.binding))
            machine.add("B")

        binding = machine.bind({"AState": begin})
        machine.bind({"AState": lambda e: None})
        machine.add("A")
        await machine.when("B")
        source = notes.all[1].mutation.source
        assert source is not None
        assert source.transition_id == notes.all[0].id
        assert names == [(True, "AState", binding)]

    run(main)


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
