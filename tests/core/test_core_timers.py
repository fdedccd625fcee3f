"""Work in the background that starts later."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from background_setups import broken
from engine_setups import machine_of, until
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core.background.timers import Timers


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
    until(lambda: threading.active_count() == before + 1)
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


def test_the_first_timer_does_not_wait_for_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a new thread may get its turn late, and whoever sets a timer in a handler has little time."""
    monkeypatch.setattr("_thread.start_new_thread", lambda run, args: begun.append(run))
    begun: list[Callable[[], None]] = []
    timers = Timers()
    called = threading.Event()
    timers.after(0, called.set)
    timers.after(0, called.set)
    assert len(begun) == 1
    threading.Thread(target=begun[0], daemon=True).start()
    assert called.wait(10)


def test_a_timer_that_finds_no_thread_left_is_refused_and_the_next_one_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(run: object, args: object) -> None:
        raise RuntimeError("can't start new thread")

    timers = Timers()
    called = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr("_thread.start_new_thread", refuse)
        with pytest.raises(RuntimeError, match="start new thread"):
            timers.after(0, called.set)
    assert len(timers) == 0
    timers.after(0, called.set)
    assert called.wait(10)
