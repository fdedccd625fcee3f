"""The runner on an event loop, and warnings about what blocks one."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
import weakref
from functools import partial

import pytest
from engine_setups import in_thread, machine_of, noted, until
from stages import Stage

from am_core import (
    AmError,
    Check,
    Event,
    LoopClosedError,
    Machine,
)

# The runner on a loop


def test_on_the_loop_mutations_are_executed_at_once(loop_stage: Stage) -> None:
    """By handlers on the loop's thread, within a callback of the loop."""
    machine = loop_stage.machine()
    seen: list[object] = []

    def handle(_: Event) -> None:
        seen.append(threading.current_thread().name)
        seen.append(asyncio.get_running_loop() is loop_stage.loop)

    machine.bind({"AState": handle})
    assert loop_stage.call(lambda: (machine.add("A").executed, machine.is_("A"), list(seen))) == (
        True,
        True,
        ["stage-loop", True],
    )


def test_other_threads_leave_their_mutations_to_the_loop(loop_stage: Stage) -> None:
    """In the order of their calls, dry runs and pieces put first included."""
    machine = loop_stage.machine()
    order: list[str] = []
    threads: set[str] = set()

    def handle(e: Event) -> None:
        threads.add(threading.current_thread().name)
        order.append(e.name)

    machine.bind(dict.fromkeys(("AState", "BState", "AEnd", "CEnter"), handle))
    blocked, release = threading.Event(), threading.Event()
    loop_stage.begin(lambda: (blocked.set(), release.wait(20)))
    assert blocked.wait(10)
    answer = Check()
    results = [machine.add("A"), machine.set("B"), machine.can_add("C", answer=answer)]
    assert all(result.queued for result in results)
    idle, last = machine.when_queue_ends(), machine.when_queue(results[1])
    assert order == []
    assert not idle.done
    release.set()
    assert last.wait(10)
    assert idle.wait(10)
    assert answer.accepted
    assert order == ["CEnter", "AState", "AEnd", "BState"]
    assert threads == {"stage-loop"}


def test_the_loop_does_what_others_have_queued_before_its_own(loop_stage: Stage) -> None:
    """So a mutation on the loop is never left for later."""
    machine = loop_stage.machine()

    def own() -> tuple[bool, bool]:
        in_thread(lambda: machine.add("A")).join(10)
        result = machine.add("B", x=1)
        return result.executed, machine.is_(["A", "B"])

    assert loop_stage.call(own) == (True, True)


def test_handlers_of_other_machines_hand_over_to_the_loop(loop_stage: Stage) -> None:
    """Nothing waits for anything."""
    target = loop_stage.machine()
    source = machine_of()
    names: list[str] = []
    target.bind({"BState": lambda e: names.append(threading.current_thread().name)})
    source.bind({"AState": lambda e: target.add("B") and None})
    notes = noted(target)
    assert source.add("A").executed
    assert target.when("B").wait(10)
    assert names == ["stage-loop"]
    until(lambda: notes.all)
    mutation_source = notes.all[0].mutation.source
    assert mutation_source is not None
    assert mutation_source.machine_id == source.id


def test_an_evaluation_from_another_thread_gives_up_on_a_busy_loop(loop_stage: Stage) -> None:
    """It does not run afterwards."""
    machine = loop_stage.machine(eval_timeout=0.05)
    release, blocked = threading.Event(), threading.Event()
    ran: list[int] = []
    call = loop_stage.begin(lambda: (blocked.set(), release.wait(20)))
    assert blocked.wait(10)
    assert not machine.eval(lambda: ran.append(1), "test")
    release.set()
    call.result(10)
    loop_stage.call(lambda: machine.add("A"))
    assert ran == []


def test_the_running_loop_is_the_default() -> None:
    """No argument is needed in a coroutine."""

    async def main() -> None:
        machine = Machine({"A": {}}, runner="loop")
        assert machine.loop is asyncio.get_running_loop()
        assert machine.add("A").executed
        thread = asyncio.to_thread(machine.remove, "A")
        assert (await thread).queued
        await machine.when_not("A")
        machine.dispose()
        await machine.when_disposed()

    asyncio.run(main())


def test_a_loop_that_does_not_run_yet_gets_its_work_later() -> None:
    """Mutations are queued until then."""
    loop = asyncio.new_event_loop()
    machine = Machine({"A": {}}, runner="loop", loop=loop)
    assert machine.add("A").queued
    assert not machine.is_("A")

    async def wait() -> None:
        await machine.when("A")

    loop.run_until_complete(wait())
    assert machine.is_("A")
    loop.close()


def test_without_a_loop_there_is_no_such_machine() -> None:
    """The error says what to do; so does that of an unknown runner."""
    with pytest.raises(AmError, match="create the machine in a coroutine, or pass loop="):
        Machine({"A": {}}, runner="loop")
    with pytest.raises(AmError, match=r"'fibre'.*'inline', 'thread', 'loop'"):
        Machine({"A": {}}, runner="fibre")  # type: ignore[arg-type]  # what the test is about


def test_a_closed_loop_is_told_and_nothing_gets_lost_silently() -> None:
    """Whoever waits for what was queued is released; the end of the machine works as ever."""
    loop = asyncio.new_event_loop()
    machine = Machine({"A": {}, "Start": {}}, runner="loop", loop=loop, eval_timeout=20)
    queued, answer = machine.add("A"), Check()
    machine.can_add("A", answer=answer)
    waiter, idle = machine.when_queue(queued), machine.when_queue_ends()
    loop.close()
    with pytest.warns(RuntimeWarning, match="2 queued mutations discarded") as caught:
        assert machine.add("A").canceled
    assert caught[0].filename == __file__
    assert answer.wait(1)
    assert not answer.accepted
    assert waiter.wait(1)
    assert idle.wait(1)
    assert isinstance(machine.err(), LoopClosedError)
    assert [type(error) for error in machine.internal_errors] == [LoopClosedError]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert machine.set("A").canceled
        assert machine.can_add("A").canceled
        assert not machine.eval(lambda: None, "test")
        assert machine.add_err(RuntimeError("late")).canceled
    assert str(machine.err()) == "late"
    machine.dispose()
    assert machine.wait_disposed(10)


def test_a_loop_that_closes_between_queueing_and_asking_is_noticed() -> None:
    """The call that was about to ask says so."""
    loop = asyncio.new_event_loop()
    machine = Machine({"A": {}}, runner="loop", loop=loop)
    machine.breakpoint_hook = lambda *_: loop.close()
    machine.add_breakpoint(added="A")
    with pytest.warns(RuntimeWarning, match="1 queued mutation discarded"):
        assert machine.add("A").queued
    assert machine.queue_len() == 0


def test_a_forgotten_machine_on_a_loop_is_garbage() -> None:
    """The loop only keeps it while there is something to execute."""

    async def main() -> None:
        machine = Machine({"A": {}}, runner="loop")
        machine.add("A")
        gone = weakref.ref(machine)
        in_thread(partial(machine.remove, "A")).join(10)
        del machine
        assert gone() is not None
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()
        assert gone() is None

    asyncio.run(main())


def test_many_threads_and_a_loop_lose_nothing(loop_stage: Stage) -> None:
    """Every mutation is executed exactly once."""
    machine = loop_stage.machine({"M": {"multi": True}}, queue_limit=10_000)
    seen: list[int] = []
    machine.bind({"MState": lambda e: seen.append(e.args["n"])})

    def push(first: int) -> None:
        for n in range(first, first + 100):
            assert machine.add("M", n=n)

    threads = [in_thread(lambda first=first: push(first)) for first in (0, 100, 200)]
    loop_stage.call(lambda: push(300))
    for thread in threads:
        thread.join(30)
    assert machine.when_queue_ends().wait(10)
    assert sorted(seen) == list(range(400))
    assert machine.tick("M") == 799


# Blocking a loop


def test_handlers_that_block_the_loop_of_their_caller_are_warned_about() -> None:
    """In debug mode, once per transition, with what to do instead."""

    async def main(debug: bool) -> list[str]:
        asyncio.get_running_loop().set_debug(debug)
        machine = machine_of(runner="thread")
        pause = threading.Event()
        machine.bind({"AState": lambda e: pause.wait(0.08) and None, "AEnter": lambda e: pause.wait(0.08) and None})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            machine.add("A")
            machine.add("B")
        machine.dispose_force()
        return [str(warning.message) for warning in caught if "event loop" in str(warning.message)]

    assert asyncio.run(main(False)) == []
    (text,) = asyncio.run(main(True))
    assert "blocked its event loop for" in text
    assert "aadd" in text


def test_an_evaluation_that_blocks_a_loop_is_warned_about() -> None:
    """As it waits for a handler on another thread."""
    machine = machine_of(eval_timeout=0.08)
    entered, release = threading.Event(), threading.Event()

    def hang(_: Event) -> None:
        entered.set()
        release.wait(20)

    machine.bind({"AState": hang})
    thread = in_thread(lambda: machine.add("A"))
    assert entered.wait(10)

    async def main() -> None:
        assert not machine.eval(lambda: None, "look")

    with pytest.warns(RuntimeWarning, match=r"eval look of machine .* blocked its event loop.*to_thread") as caught:
        asyncio.run(main(), debug=True)
    assert caught[0].filename == __file__
    release.set()
    thread.join(10)


def test_a_machine_on_a_loop_ends_there(loop_stage: Stage) -> None:
    """What is called back may touch what belongs to the loop; when the loop is stuck it is called anyway."""
    names: list[str] = []
    machine = loop_stage.machine()
    machine.on_dispose(lambda *_: names.append(threading.current_thread().name))
    machine.dispose()
    assert machine.wait_disposed(10)
    stuck = loop_stage.machine(dispose_timeout=0.02)
    stuck.on_dispose(lambda *_: names.append(threading.current_thread().name))
    release, blocked = threading.Event(), threading.Event()
    call = loop_stage.begin(lambda: (blocked.set(), release.wait(20)))
    assert blocked.wait(10)
    stuck.dispose()
    assert stuck.wait_disposed(10)
    release.set()
    call.result(10)
    assert names == ["stage-loop", f"am-dispose-{stuck.id}"]
    loop_stage.call(lambda: None)
    assert len(names) == 2
