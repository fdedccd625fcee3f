"""Work in the background: forks, timers, pools, and waiting for functions."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from engine_setups import fail, in_thread, machine_of, noted, until
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import (
    AmError,
    DeadlockError,
    Event,
    Job,
    LoopClosedError,
    Machine,
    Pool,
    StateExpired,
    any_of,
    current_event,
)
from am_core.background.crew import Crew
from am_core.background.timers import Timers


class Gate:
    """Work that is held up until it is let through, and counts itself."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._lock = threading.Lock()
        self.inside = 0
        self.most = 0

    def work(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.open.wait(20)
        with self._lock:
            self.inside -= 1


def broken() -> None:
    raise RuntimeError("broken")


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


# Timers


def test_work_can_start_later() -> None:
    """In order of time, unless it is canceled or its context expires before."""
    machine = machine_of(active="A")
    ran: list[str] = []
    ctx = machine.state_ctx("A")
    late = machine.go_after(None, 0.05, ran.append, "late")
    early = machine.go_after(ctx, 0.01, ran.append, "early")
    now = machine.go_after(ctx, 0, ran.append, "now")
    never = machine.go_after(ctx, 60, ran.append, "never")
    canceled = machine.go_after(None, 0.02, ran.append, "canceled")
    assert canceled.cancel()
    assert not canceled.cancel()
    assert early.wait(10)
    assert now.wait(10)
    machine.remove("A")
    assert never.status == "canceled"
    assert late.wait(10)
    assert sorted(ran) == ["early", "late", "now"]


def test_coroutines_can_start_later() -> None:
    """On the loop."""
    machine = machine_of()

    async def later() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def main() -> None:
        job = machine.go_after(None, 0.005, later)
        assert (await job).result() == threading.current_thread().name

    asyncio.run(main())


def test_timers_need_one_thread_and_no_memory_for_what_was_canceled() -> None:
    """However many there are."""
    timers = Timers()
    before = threading.active_count()
    assert len(timers) == 0
    done = threading.Event()
    stops = [timers.after(3600 + n, broken) for n in range(1000)]
    assert threading.active_count() == before + 1
    assert len(timers) == 1000
    for stop in stops:
        stop()
        stop()
    assert len(timers) == 0
    assert len(timers._heap) <= 2 * Timers.SLACK
    timers.after(0.001, done.set)
    assert done.wait(10)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30))
def test_timers_fire_once_in_order_and_not_when_canceled(plan: list[tuple[int, bool]]) -> None:
    """For any times; those that are canceled are far away, so they cannot come first."""
    timers = Timers()
    fired: list[int] = []
    due: list[tuple[float, float]] = []
    for n, (pause, canceled) in enumerate(plan):
        seconds = 3600.0 if canceled else pause / 1000
        before = time.monotonic()
        stop = timers.after(seconds, lambda n=n: fired.append(n))
        due.append((before + seconds, time.monotonic() + seconds))
        if canceled:
            stop()
    expected = [n for n, (_, canceled) in enumerate(plan) if not canceled]
    until(lambda: len(timers) == 0)
    until(lambda: len(fired) >= len(expected))
    assert sorted(fired) == expected
    for one, next_ in pairwise(fired):
        assert due[one][0] <= due[next_][1]


# Pools


@pytest.mark.parametrize("limit", [1, 3])
def test_a_pool_runs_exactly_as_much_as_its_limit(limit: int) -> None:
    """The rest waits in line, in order."""
    machine = machine_of()
    pool = machine.pool(limit)
    gate = Gate()
    order: list[int] = []
    jobs = [pool.submit(gate.work) for _ in range(limit)]
    last = [pool.submit(order.append, n) for n in range(5)] if limit == 1 else [pool.submit(gate.work)]
    until(lambda: gate.inside == limit)
    assert (pool.running, pool.waiting, pool.closed) == (limit, len(last), False)
    assert pool.try_submit(broken) is None
    assert last[0].status == "waiting"
    assert last[0].cancel()
    assert (last[0].status, pool.waiting) == ("canceled", len(last) - 1)
    assert not pool.join(0.01)
    idle = pool.when_idle()
    assert idle is pool.when_idle()
    gate.open.set()
    assert pool.join(10)
    assert idle.done
    assert pool.when_idle().done
    assert (pool.running, pool.waiting, gate.most) == (0, 0, limit)
    assert all(job.done for job in jobs)
    assert order == ([1, 2, 3, 4] if limit == 1 else [])
    again = pool.try_submit(order.append, 9)
    assert again is not None
    assert again.wait(10)
    assert not machine.is_err()


@settings(max_examples=25, deadline=None)
@given(
    limit=st.integers(1, 4),
    plan=st.lists(st.sampled_from(["function", "coroutine", "error", "cancel"]), max_size=25),
)
def test_pools_count_correctly_whatever_happens(limit: int, plan: list[str]) -> None:
    """Functions and coroutines, failures and cancellations in any order."""
    lock = threading.Lock()
    inside = most = 0

    def enter(step: int) -> None:
        nonlocal inside, most
        with lock:
            inside += step
            most = max(most, inside)

    def function(kind: str) -> None:
        enter(1)
        enter(-1)
        if kind == "error":
            raise RuntimeError(kind)

    async def coroutine() -> None:
        enter(1)
        try:
            await asyncio.sleep(0.0005)
        finally:
            enter(-1)

    async def main() -> None:
        machine = machine_of(loop=asyncio.get_running_loop(), log_level=0)
        pool = machine.pool(limit)
        jobs: list[Job] = []
        for kind in plan:
            jobs.append(pool.submit(coroutine) if kind in ("coroutine", "cancel") else pool.submit(function, kind))
            assert pool.running <= limit
            if kind == "cancel":
                jobs[-1].cancel()
        await pool.when_idle()
        assert (pool.running, pool.waiting, inside) == (0, 0, 0)
        assert most <= limit
        for job, kind in zip(jobs, plan, strict=True):
            expected = {"function": "done", "coroutine": "done", "error": "failed", "cancel": "canceled"}[kind]
            assert (job.done, job.status) == (True, expected)
        assert machine.is_err() == ("error" in plan)

    asyncio.run(main())


def test_many_threads_share_a_pool() -> None:
    """Nothing gets lost and the limit holds."""
    machine = machine_of(log_level=0)
    pool = machine.pool(3)
    lock = threading.Lock()
    inside = most = done = 0

    def work() -> None:
        nonlocal inside, most, done
        with lock:
            inside += 1
            most = max(most, inside)
        with lock:
            inside -= 1
            done += 1

    def submit() -> None:
        for _ in range(200):
            pool.submit(work)

    threads = [in_thread(submit) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert pool.join(30)
    assert (done, inside) == (800, 0)
    assert most <= 3


def test_a_closed_pool_takes_nothing_and_finishes_the_rest() -> None:
    """Or drops it when asked to."""
    machine = machine_of()
    for cancel in (False, True):
        gate = Gate()
        pool = machine.pool(1)
        first, second = pool.submit(gate.work), pool.submit(gate.work)
        pool.close(cancel=cancel)
        assert pool.closed
        with pytest.raises(AmError, match="closed"):
            pool.submit(broken)
        with pytest.raises(AmError, match="closed"):
            pool.try_submit(broken)
        gate.open.set()
        assert pool.join(10)
        assert (first.status, second.status) == ("done", "canceled" if cancel else "done")
    assert not machine.is_err()


def test_a_pool_as_a_context_manager_waits_for_its_work() -> None:
    """On threads and in tasks; an exception of the block cancels what has not started."""
    machine = machine_of()
    gate = Gate()
    done: list[int] = []
    with machine.pool(2) as pool:
        for n in range(5):
            pool.submit(done.append, n)
    assert sorted(done) == list(range(5))
    jobs: list[Job] = []

    def fails() -> None:
        with machine.pool(1) as pool:
            jobs[:] = pool.submit(gate.work), pool.submit(broken)
            machine.go_after(None, 0.05, gate.open.set)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert [job.status for job in jobs] == ["done", "canceled"]

    async def main() -> None:
        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds)
            done.append(9)

        async with machine.pool(2) as pool:
            for _ in range(3):
                pool.submit(sleep, 0.001)
        assert done.count(9) == 3
        with pytest.raises(DeadlockError, match="async with"), machine.pool(2):
            pass
        with pytest.raises(KeyError):
            await fails_too(sleep)
        assert jobs[0].status == "canceled"

    async def fails_too(sleep: Callable[..., object]) -> None:
        async with machine.pool(2) as pool:
            jobs[:] = [pool.submit(sleep, 60)]
            raise KeyError

    asyncio.run(main())


def test_a_pool_ends_with_its_context() -> None:
    """What waits is dropped, tasks are canceled, functions finish."""
    machine = machine_of(active="A")

    async def main() -> None:
        gate = Gate()
        pool = machine.pool(2, machine.state_ctx("A"))
        jobs = [pool.submit(asyncio.sleep, 60), pool.submit(gate.work), pool.submit(gate.work)]
        await asyncio.sleep(0)
        machine.remove("A")
        gate.open.set()
        await pool.when_idle()
        assert [job.status for job in jobs] == ["canceled", "done", "canceled"]
        assert pool.submit(broken).status == "canceled"

    asyncio.run(main())


def test_a_pool_without_a_machine_raises_what_its_work_raised() -> None:
    """The first error, once, when it is joined."""
    pool = Pool(1)
    for work in (broken, fail):
        pool.submit(work)
    with pytest.raises(RuntimeError, match="broken"):
        pool.join(10)
    assert pool.join(10)

    async def later() -> None: ...

    with pytest.raises(AmError, match="start it in a coroutine"):
        pool.submit(later)
    with pytest.raises(AmError, match="at least one"):
        Pool(0)


def test_forks_can_be_limited_by_handler_and_in_total() -> None:
    """Exactly so many run; the answer tells."""
    machine = machine_of({"A": {"multi": True}, "B": {"multi": True}})
    gate = Gate()
    answers: dict[str, list[bool]] = {"AState": [], "BState": []}

    def handle(e: Event) -> None:
        answers[e.name].append(machine.pool_fork(None, e, gate.work))

    machine.bind({"AState": handle, "BState": handle})
    machine.pool_set_limit("AState", 2)
    machine.pool_set_limit_global(3)
    for _ in range(3):
        machine.add("A")
    assert answers["AState"] == [True, True, False]
    for _ in range(2):
        machine.add("B")
    assert answers["BState"] == [True, False]
    until(lambda: gate.inside == 3)
    gate.open.set()
    until(lambda: gate.inside == 0)

    def forked() -> bool:
        machine.add("A")
        return answers["AState"][-1]

    until(forked)
    machine.pool_set_limit("AState", None)
    machine.pool_set_limit_global(None)
    for _ in range(10):
        assert forked()
    with pytest.raises(AmError, match="at least one"):
        machine.pool_set_limit("AState", 0)


def test_limited_forks_give_their_place_back_in_any_case() -> None:
    """When they were not started, or could not be."""
    machine = machine_of()
    events: list[Event] = []
    machine.bind({"AState": events.append})
    machine.add("A")
    machine.pool_set_limit("AState", 1)

    async def later() -> None: ...

    for _ in range(3):
        assert not machine.pool_fork(None, events[0], broken)
    outcome: list[object] = []

    def handle(e: Event) -> None:
        for work in (later, later()):
            with pytest.raises(AmError, match="loop"):
                machine.pool_fork(None, e, work)
        machine.pool_set_limit("BState", 1)
        gate = Gate()
        outcome.append(machine.pool_fork(None, e, gate.work))
        outcome.append(machine.pool_fork(None, e, later()))
        gate.open.set()

    machine.bind({"BState": handle})
    assert machine.add("B").executed
    assert outcome == [True, False]


# Threads


def test_threads_are_used_again_and_end_when_idle() -> None:
    """One after the other needs one thread only."""
    crew = Crew()
    crew.IDLE = 0.05  # type: ignore[misc]  # shorter than a person would wait
    names: list[str] = []
    threads: list[threading.Thread] = []

    def work(done: threading.Event) -> Callable[[], None]:
        def run() -> None:
            threads.append(threading.current_thread())
            names.append(threading.current_thread().name)
            done.set()

        return run

    for _ in range(5):
        done = threading.Event()
        crew.run(work(done))
        assert done.wait(10)
        until(lambda: crew._idle)
    assert len(set(threads)) == 1
    until(lambda: not threads[0].is_alive())
    assert crew._idle == []


def test_work_is_garbage_once_it_is_over() -> None:
    """Idle threads keep nothing of it."""

    class Big:
        def work(self) -> None: ...

    machine = machine_of()
    big = Big()
    job = machine.fork(big.work)
    assert job.wait(10)
    gone = weakref.ref(big)
    del big
    until(lambda: gc.collect() >= 0 and gone() is None)


HANGING = """
import threading
from am_core import Machine
machine = Machine({"A": {}})
started = threading.Event()
def hang():
    started.set()
    threading.Event().wait()
machine.fork(hang)
machine.go_after(None, 3600, hang)
machine.pool(2).submit(hang)
assert started.wait(10)
print("end")
"""


def test_a_program_ends_in_spite_of_what_runs_in_the_background(project: Path) -> None:
    """Nobody has to be waited for."""
    ran = subprocess.run(
        [sys.executable, "-c", HANGING], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "end\n", "")


FORKED = """
import os, threading, warnings
warnings.simplefilter("ignore")
from am_core import Machine
machine = Machine({"A": {}})
assert machine.fork(int).wait(10)
assert machine.go_after(None, 0.001, int).wait(10)
pid = os.fork()
if not pid:
    ok = machine.fork(int).wait(10) and machine.go_after(None, 0.001, int).wait(10)
    os._exit(0 if ok else 1)
print(os.waitpid(pid, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes")
def test_a_forked_process_has_threads_of_its_own(project: Path) -> None:
    """Those of its parent do not exist there."""
    ran = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("0\n", "")


def test_forks_work_on_every_runner() -> None:
    """The worker of a machine is not kept busy by them."""
    machine = machine_of(runner="thread")
    machine.bind({"AState": lambda e: machine.fork(machine.add, "B") and None, "BState": fail})
    machine.add("A")
    until(machine.is_err)
    assert machine.add("C").executed
    machine.dispose_force()


def test_a_machine_without_background_work_has_no_threads() -> None:
    """Creating pools and looking at them starts none either."""
    before = threading.active_count()
    machine = Machine({"A": {}})
    assert machine.pool(8).join(0)
    assert threading.active_count() == before
