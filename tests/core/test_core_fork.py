"""Work in the background: functions and coroutines."""

from __future__ import annotations

import asyncio
import threading

import pytest
from background_setups import Gate, broken
from engine_setups import in_thread, machine_of, noted, until

from am_core import (
    AmError,
    Event,
    Job,
    LoopClosedError,
    StateExpired,
    any_of,
    current_event,
)

# Functions


def test_a_fork_runs_beside_and_knows_its_handler() -> None:
    """The handler returns at once; mutations of the fork come from the handler's transition."""
    machine = machine_of()
    notes = noted(machine)
    gate = threading.Event()
    jobs: list[Job] = []
    seen: list[object] = []

    def load(word: str) -> int:
        assert gate.wait(20)
        event = current_event.get()
        seen.append((word, event is not None and event.name, threading.current_thread().daemon))
        machine.add("B")
        return 7

    machine.bind({"AState": lambda e: jobs.append(machine.fork(load, "x"))})
    assert machine.add("A").executed
    (job,) = jobs
    assert job.status == "running"
    with pytest.raises(AmError, match="running"):
        job.result()
    gate.set()
    assert job.wait(10)
    assert (job.result(), job.value, job.status) == (7, 7, "done")
    assert seen == [("x", "AState", True)]
    source = notes.all[1].mutation.source
    assert source is not None
    assert source.transition_id == notes.all[0].id


def test_a_fork_may_do_without_the_event() -> None:
    """Then nobody is the source."""
    machine = machine_of()
    notes = noted(machine)
    jobs: list[Job] = []
    machine.bind({"AState": lambda e: jobs.append(machine.fork(machine.add, "B", event=None))})
    machine.add("A")
    assert jobs[0].wait(10)
    assert notes.all[1].mutation.source is None


def test_an_exception_of_a_fork_is_one_of_the_machine() -> None:
    """With the handler as its source, and before anybody is told of the end."""
    machine = machine_of()
    notes = noted(machine)
    jobs: list[Job] = []
    machine.bind({"AState": lambda e: jobs.append(machine.fork(broken))})
    machine.add("A")
    assert jobs[0].wait(10)
    assert jobs[0].status == "failed"
    assert machine.is_(["A", "Exception"])
    assert machine.err() is jobs[0].error
    source = notes.all[1].mutation.source
    assert source is not None
    assert source.transition_id == notes.all[0].id
    with pytest.raises(RuntimeError, match="broken"):
        jobs[0].result()


def test_work_that_ends_with_its_context_is_no_error() -> None:
    """StateExpired and cancellations of other work say nothing else."""
    machine = machine_of(active="A")
    ctx = machine.state_ctx("A")
    machine.remove("A")
    job = machine.fork(ctx.check)
    assert job.wait(10)
    assert (job.status, machine.is_err()) == ("canceled", False)

    def canceled() -> None:
        raise asyncio.CancelledError

    assert machine.fork(canceled).wait(10)
    assert machine.add_err(ctx.err).canceled
    assert (machine.is_err(), machine.err()) == (False, None)


def test_nothing_starts_when_the_context_has_expired() -> None:
    """Coroutines are closed, so nobody complains of them."""
    machine = machine_of(active="A")
    ctx = machine.state_ctx("A")
    machine.remove("A")
    ran: list[int] = []

    async def later() -> None:
        ran.append(1)

    async def main() -> None:
        jobs = [machine.fork(ran.append, 1, ctx=ctx), machine.go(ctx, later()), machine.go(ctx, later)]
        jobs.append(machine.go_after(ctx, 0.001, ran.append, 1))
        for job in jobs:
            assert job.done
            assert job.status == "canceled"
            with pytest.raises(StateExpired):
                job.result()
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert ran == []


def test_events_that_are_over_start_nothing() -> None:
    """When they are given; the event of the surroundings only tells where the work comes from."""
    machine = machine_of()
    events: list[Event] = []
    ran: list[str] = []
    machine.bind({"AState": events.append})
    machine.add("A")
    job = machine.fork(ran.append, "given", event=events[0])
    assert (job.done, job.status) == (True, "canceled")
    with pytest.raises(AmError, match="canceled"):
        job.result()

    def outer() -> None:
        machine.fork(ran.append, "inherited").wait(10)

    machine.bind({"BState": lambda e: machine.fork(outer) and None})
    machine.add("B")
    until(lambda: ran == ["inherited"])


def test_handlers_over_their_limit_start_nothing() -> None:
    """Nobody expects anything of them any more."""
    machine = machine_of(handler_timeout=0.02, handler_deadline=30)
    jobs: list[Job] = []

    def slow(e: Event) -> None:
        until(lambda: e.transition.is_timed_out)
        jobs.append(machine.fork(broken))

    machine.bind({"AState": slow})
    machine.add("A")
    assert jobs[0].status == "canceled"


def test_work_of_a_disposed_machine_is_canceled() -> None:
    """It lasts no longer than the machine unless there is another context."""
    machine = machine_of()
    later = machine.go_after(None, 60, broken)
    gate = Gate()
    with machine.pool(1) as pool:
        first, second = pool.submit(gate.work), pool.submit(gate.work)
        machine.dispose_force()
        assert (later.status, second.status, first.status) == ("canceled", "canceled", "running")
        gate.open.set()
    assert first.status == "done"
    assert machine.fork(broken).status == "canceled"


def test_errors_that_nobody_takes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of other threads: of machines that do not trap, and of interrupts."""
    shown: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_type))
    machine = machine_of(panic_to_exception=False)

    def interrupted() -> None:
        raise KeyboardInterrupt

    for work in (broken, interrupted):
        job = machine.fork(work)
        assert job.wait(10)
        assert job.status == "failed"
    assert shown == [RuntimeError, KeyboardInterrupt]
    assert not machine.is_err()


def test_what_cannot_run_is_refused() -> None:
    """With what to do instead."""
    machine = machine_of()

    async def later() -> None: ...

    with pytest.raises(AmError, match="7 cannot run in the background, a function or a coroutine was expected"):
        machine.fork(7)  # type: ignore[arg-type]  # what the test is about
    for work in (later, later()):
        with pytest.raises(AmError, match=r"create machine .* with loop= or runner='loop'"):
            machine.fork(work)
    job = machine.fork(lambda word: later() if word else None, "yes")
    assert job.wait(10)
    with pytest.raises(AmError, match="returned a coroutine; hand over the coroutine"):
        job.result()


def test_callbacks_of_the_end_do_not_keep_others_from_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they raise is shown."""
    shown: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(str(args.exc_value)))
    machine = machine_of()
    gate, told = threading.Event(), threading.Event()
    job = machine.fork(gate.wait, 20)
    job.add_done_callback(lambda _: broken())
    job.add_done_callback(lambda _: told.set())
    gate.set()
    assert told.wait(10)
    assert shown == ["broken"]


def test_waiting_for_a_function_combines_with_waiting_for_states() -> None:
    """Whichever is first."""
    machine = machine_of()
    gate = threading.Event()
    slow = machine.when_func(gate.wait, 20)
    both = any_of(slow, machine.when("A"))
    machine.add("A")
    assert both.wait(10)
    assert both.fired[0] is not slow
    gate.set()
    assert slow.wait(10)
    assert machine.when_func(lambda: 5).wait(10)

    async def main() -> object:
        return (await machine.when_func(lambda: 5)).result()

    assert asyncio.run(main()) == 5


# Coroutines


def test_coroutines_are_tasks_of_the_running_loop() -> None:
    """Functions and objects alike, with the context variables of the caller."""
    machine = machine_of()
    order: list[object] = []

    async def later(word: str) -> str:
        order.append(asyncio.current_task() is not None)
        await asyncio.sleep(0)
        return word

    class Callable_:
        async def __call__(self) -> str:
            return "object"

    async def main() -> None:
        jobs = [machine.fork(later, "a"), machine.fork(later("b")), machine.fork(Callable_())]
        order.append("forked")
        assert [(await job).result() for job in jobs] == ["a", "b", "object"]

    asyncio.run(main())
    assert order == ["forked", True, True]


def test_the_loop_of_the_machine_takes_coroutines_from_every_thread() -> None:
    """Errors and expiry work the same from there."""

    async def main() -> None:
        machine = machine_of(loop=asyncio.get_running_loop(), active="A")
        ended: list[str] = []

        async def sleep() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("canceled")
                raise

        async def fails() -> None:
            raise RuntimeError("broken")

        ctx = machine.state_ctx("A")
        sleeping = await asyncio.to_thread(machine.go, ctx, sleep)
        failing = await asyncio.to_thread(machine.fork, fails())
        await failing
        assert machine.is_err()
        assert sleeping.status == "running"
        machine.remove("A")
        await sleeping
        assert (sleeping.status, ended) == ("canceled", ["canceled"])
        assert not sleeping.cancel()

    asyncio.run(main())


def test_a_task_can_be_canceled_before_it_begins() -> None:
    """From the loop or from elsewhere; a coroutine that never ran is no warning."""

    async def main() -> None:
        machine = machine_of(loop=asyncio.get_running_loop())
        ran: list[int] = []

        async def later() -> None:
            ran.append(1)

        jobs = [machine.fork(later), machine.fork(later())]

        def elsewhere() -> None:
            job = machine.fork(later())
            assert job.cancel()
            jobs.append(job)

        in_thread(elsewhere).join(10)
        assert [job.cancel() for job in jobs[:2]] == [True, True]
        for job in jobs:
            await job
            assert job.status == "canceled"
        assert ran == []

    asyncio.run(main())


def test_a_closed_loop_fails_the_work_in_words() -> None:
    """The machine gets the error, all that wait in line do."""
    loop = asyncio.new_event_loop()
    machine = machine_of(loop=loop)
    loop.close()

    async def later() -> None: ...

    job = machine.fork(later)
    assert job.done
    assert isinstance(machine.err(), LoopClosedError)
    with machine.pool(1) as pool:
        jobs = [pool.submit(later) for _ in range(2)]
    assert {job.status for job in jobs} == {"failed"}


def test_a_long_line_of_work_that_cannot_start_needs_no_deep_stack() -> None:
    """One after the other fails."""
    loop = asyncio.new_event_loop()
    machine = machine_of(loop=loop, queue_limit=10_000, log_level=0)
    gate = Gate()

    async def later() -> None: ...

    with machine.pool(1) as pool:
        pool.submit(gate.work)
        jobs = [pool.submit(later()) for _ in range(2000)]
        loop.close()
        gate.open.set()
    assert {type(job.error) for job in jobs} == {LoopClosedError}
