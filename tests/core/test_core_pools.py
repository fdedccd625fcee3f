"""Pools of work in the background, and limits of forks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from background_setups import Gate, broken
from engine_setups import fail, in_thread, machine_of, until
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import (
    AmError,
    DeadlockError,
    Event,
    Job,
    Pool,
)


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
