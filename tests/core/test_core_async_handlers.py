"""Final handlers that are coroutine functions."""

from __future__ import annotations

import asyncio
import functools

import pytest
from async_setups import Notes, eventually, run
from engine_setups import fail, machine_of, noted

from am_core import Event, StateExpired, current_event, on


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
