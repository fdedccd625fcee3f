"""Many threads on one machine, and on machines that drive each other."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from engine_setups import PATIENT, until
from hammering import LONG, RUNNERS, SCHEMA, Crew, Inviting, hammered, settled, shake
from test_core_properties import Judge

from am_core import Machine, pipes
from am_core.resolution.mutation import Check
from am_core.waiting.waiters import Waiter


@pytest.fixture(autouse=True)
def hectic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads are interrupted after every few instructions, and where machines release their locks."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    monkeypatch.setattr("am_core.machine.threading", SimpleNamespace(Lock=Inviting))
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("runner", RUNNERS)
def test_every_queued_result_comes_to_an_end(runner: str) -> None:
    """Who was told that a mutation is queued can wait for it; handlers never overlap; no queue tick is left out."""
    machine, judge, alone = hammered(runner)
    crew = Crew()
    queued: list[int] = []
    ended: set[int] = set()
    machine.on_change = lambda _, tx: ended.add(tx.mutation.queue_tick)

    def work(dice: random.Random) -> None:
        for _ in range(400):
            result = shake(machine, dice)
            if result.queued:
                queued.append(result.tick)
                waiter = machine.when_queue(result)
                assert waiter.wait(LONG), f"{result!r} never ended"
                assert result.tick in ended, "released before its end"

    for _ in range(4):
        crew.hire(work)
    crew.finish()
    settled(machine, judge)
    assert alone.most == 1
    assert queued, "the threads did not meet"
    assert set(queued) <= set(judge.started)


def test_no_wake_up_is_lost_between_two_threads() -> None:
    """Two threads take turns, each waiting for the state that the other one sets."""
    machine = Machine({"Ping": {"remove": ["Pong"]}, "Pong": {"remove": ["Ping"]}})
    crew = Crew()
    rounds = 1500

    def play(mine: str, theirs: str) -> Callable[[random.Random], None]:
        def work(_dice: random.Random) -> None:
            for _ in range(rounds):
                assert machine.when(theirs).wait(LONG), f"no {theirs}"
                result = machine.add(mine)
                assert machine.when_queue(result).wait(LONG)

        return work

    crew.hire(play("Ping", "Pong"))
    crew.hire(play("Pong", "Ping"))
    machine.add("Ping")
    crew.finish()
    assert machine.tick("Pong") + machine.tick("Ping") >= 2 * rounds


@pytest.mark.parametrize("runner", RUNNERS)
def test_waiters_of_all_kinds_come_to_an_end(runner: str) -> None:
    """Waiters that were made while transitions were ending are released by later ones at the latest."""
    machine, judge, _ = hammered(runner)
    crew = Crew()
    waiting = [4]
    lock = threading.Lock()

    def shaker(dice: random.Random) -> None:
        while waiting[0]:
            # Waiting for what was queued keeps the queue short: it has to end now and then.
            for result in (shake(machine, dice), machine.toggle("A"), machine.add("C", {"n": 7})):
                assert machine.when_queue(result).wait(LONG)

    def waiter(dice: random.Random) -> None:
        try:
            for _ in range(150):
                state = dice.choice("AC")
                makers: tuple[Callable[[], Waiter], ...] = (
                    partial(machine.when, state),
                    partial(machine.when_not, state),
                    partial(machine.when_ticks, state, 3),
                    partial(machine.when_next_active, state),
                    partial(machine.when_args, "C", {"n": 7}),
                    partial(machine.when_query, lambda clock: clock["A"] % 2),
                    machine.when_queue_ends,
                )
                one = dice.choice(makers)()
                if dice.random() < 0.2:
                    one.cancel()
                assert one.wait(LONG), f"{one!r} was not released"
                ctx = machine.state_ctx(state)
                assert ctx.wait(LONG), f"{ctx!r} did not expire"
        finally:
            with lock:
                waiting[0] -= 1

    for _ in range(2):
        crew.hire(shaker)
    for _ in range(4):
        crew.hire(waiter)
    crew.finish()
    settled(machine, judge)


@pytest.mark.parametrize("runner", RUNNERS)
def test_evaluations_errors_and_checks_among_mutations(runner: str) -> None:
    """Evaluations run alone and every one of them; errors tick Exception; dry runs are answered."""
    machine, judge, alone = hammered(runner)
    crew = Crew()
    count = [0]
    answered: list[Check] = []

    def evaluated() -> None:
        assert not alone.inside
        now = count[0]
        machine.is_("A")
        count[0] = now + 1

    def work(dice: random.Random) -> None:
        for turn in range(150):
            shake(machine, dice)
            assert machine.eval(evaluated, "the test")
            machine.add_err(RuntimeError(f"error {turn}"))
            answer = Check()
            machine.can_add("A", answer=answer)
            answered.append(answer)
            assert answer.wait(LONG), "a dry run was not answered"

    for _ in range(4):
        crew.hire(work)
    crew.finish()
    settled(machine, judge)
    assert count[0] == 600
    assert alone.most == 1
    assert machine.tick("Exception") > 1
    assert len(answered) == 600


@pytest.mark.parametrize("log_level", ["nothing", "everything"])
def test_disposal_at_any_moment_of_short_lives(log_level: str) -> None:
    """However far a mutation of another thread has come, the disposal makes it a refusal and not an error."""
    machines = [Machine(SCHEMA, handler_timeout=PATIENT, log_level=log_level) for _ in range(60)]
    for machine in machines:
        machine.bind({"AnyState": lambda e: None})
    crew = Crew()
    turn = threading.Barrier(3)

    def work(dice: random.Random) -> None:
        for machine in machines:
            turn.wait(LONG)
            while not machine.disposed:
                assert machine.when_queue(shake(machine, dice)).wait(LONG)
                machine.can_add("A")
                machine.not_("A")
                machine.will_be("A")
                assert machine.when_queue(machine.add_err(RuntimeError("drawn"))).wait(LONG)

    def killer(dice: random.Random) -> None:
        for machine in machines:
            turn.wait(LONG)
            for _ in range(dice.randint(0, 9)):
                assert machine.when_queue(machine.toggle("A")).wait(LONG)
            machine.dispose_force()

    crew.hire(work)
    crew.hire(work)
    crew.hire(killer)
    crew.finish()
    for machine in machines:
        assert (machine.active, machine.queue_len(), machine.clock()) == ((), 0, {})
        assert not machine.internal_errors


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("force", [True, False])
def test_disposal_in_the_middle_of_everything(runner: str, force: bool) -> None:
    """Everybody who waits is released, callbacks run once, and all that comes later is refused."""
    machine, _, alone = hammered(runner)
    crew = Crew()
    ended: list[str] = []
    machine.on_dispose(lambda gone, *_: ended.append(gone.id))
    begun = threading.Barrier(4)

    def work(dice: random.Random) -> None:
        begun.wait(LONG)
        while not machine.disposed:
            result = shake(machine, dice)
            assert machine.when_queue(result).wait(LONG)
            machine.eval(lambda: None, "the test")
            machine.state_ctx("A")
        waiter = machine.when_args("C", {"never": True})
        assert waiter.wait(LONG)
        assert machine.add("A").canceled
        assert not machine.eval(lambda: None, "the test")

    def killer(dice: random.Random) -> None:
        begun.wait(LONG)
        for _ in range(dice.randint(1, 60)):
            assert machine.when_queue(shake(machine, dice)).wait(LONG)
        if force:
            machine.dispose_force()
        else:
            machine.dispose()
        assert machine.wait_disposed(LONG)

    pending = [machine.when_args("C", {"never": True}), machine.when_ticks("F", 10**6)]
    context = machine.state_ctx("D")
    for _ in range(3):
        crew.hire(work)
    crew.hire(killer)
    crew.finish()
    assert ended == [machine.id]
    assert [waiter.reason for waiter in pending] == ["disposed", "disposed"]
    assert context.expired
    assert (machine.active, machine.queue_len(), machine.clock()) == ((), 0, {})
    assert alone.most == 1


def test_bindings_tracers_and_readers_while_others_mutate() -> None:
    """Bindings and tracers come and go at any time, and readers see one moment at a time."""
    machine, judge, alone = hammered("inline")
    crew = Crew()
    working = [2]

    def work(dice: random.Random) -> None:
        for _ in range(500):
            shake(machine, dice)
        working[0] -= 1

    def bind(_: random.Random) -> None:
        calls: list[str] = []
        while working[0] > 0:
            with machine.bound({"AnyState": lambda e: calls.append(e.name)}):
                pass
            tracer = Judge()
            machine.bind_tracer(tracer)
            machine.detach_tracer(tracer)
        assert machine.handlers() == ["alone"]

    def read(_: random.Random) -> None:
        while working[0] > 0:
            # A and B remove each other, so no moment has both.
            assert not {"A", "B"} <= set(machine.active)
            text = machine.string()
            assert "A:" not in text or "B:" not in text
            time = machine.time(["A", "B", "D"])
            assert not (time[0] % 2 and time[1] % 2)
            assert time[0] % 2 or not time[2] % 2, "D without A"

    crew.hire(work)
    crew.hire(work)
    crew.hire(bind)
    crew.hire(read)
    crew.finish()
    settled(machine, judge)
    assert alone.most == 1


@pytest.mark.parametrize("plan_cache", ["auto", "always", "never"])
def test_requests_that_nobody_watches_are_all_counted(plan_cache: Any) -> None:
    """Whichever way a mutation takes, no tick is lost while handlers, tracers and waiters come and go."""
    machine = Machine(
        {"M": {"multi": True}, "N": {"multi": True, "add": ["A"]}, "A": {"remove": ["B"]}, "B": {"auto": True}},
        handler_timeout=PATIENT,
        queue_limit=10**6,
        plan_cache=plan_cache,
    )
    crew = Crew()
    each = 600
    working = [3]
    lock = threading.Lock()

    def work(_: random.Random) -> None:
        for turn in range(each):
            machine.add("M" if turn % 2 else "N")
        with lock:
            working[0] -= 1

    def disturb(dice: random.Random) -> None:
        calls: list[str] = []
        while working[0]:
            disturbance = dice.randrange(4)
            if disturbance == 0:
                with machine.bound({"MState": lambda e: calls.append(e.name)}):
                    machine.is_("M")
            elif disturbance == 1:
                tracer = Judge()
                machine.bind_tracer(tracer)
                machine.detach_tracer(tracer)
            elif disturbance == 2:
                # The last tick of all may be behind.
                waiter = machine.when_ticks("M", 1)
                until(lambda waiter=waiter: waiter.done or not working[0], LONG)  # type: ignore[misc]  # bound at once
            else:
                assert machine.eval(lambda: None, "the test", timeout=LONG)

    for _ in range(working[0]):
        crew.hire(work)
    crew.hire(disturb)
    crew.finish()
    until(lambda: not machine.queue_len() and machine.transition is None, LONG)
    assert (machine.tick("M"), machine.tick("N")) == (3 * each - 1, 3 * each - 1)
    assert machine.queue_tick() == 1 + 3 * each
    assert machine.transition_count >= 3 * each
    assert set(machine.active) == {"M", "N", "A"}
    assert not machine.internal_errors


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_ring_of_machines_comes_to_rest_in_agreement(runner: Any) -> None:
    """Pipes lose and reorder nothing: in the end all machines of the ring have what the first one has."""
    ring = [
        Machine({"A": {}, "B": {}, "C": {}}, id=f"m{i}", runner=runner, handler_timeout=PATIENT, queue_limit=10**6)
        for i in range(3)
    ]
    first, second, third = ring
    pipes.bind(first, second, "A")
    pipes.bind(second, third, "A")
    pipes.bind(third, first, "A", "B")
    crew = Crew()

    def work(machine: Machine, own: str) -> Callable[[random.Random], None]:
        def run(dice: random.Random) -> None:
            for _ in range(400):
                machine.toggle(own)
                dice.choice(ring).toggle("C")

        return run

    crew.hire(work(first, "A"))
    crew.hire(work(first, "A"))
    crew.hire(work(second, "C"))
    crew.hire(work(third, "C"))
    crew.finish()
    until(lambda: all(not machine.queue_len() and machine.transition is None for machine in ring), LONG)
    assert first.is_("A") == second.is_("A") == third.is_("A") == first.is_("B")
    assert first.tick("A") > 1
    assert second.tick("A") == third.tick("A") == first.tick("B")
    for machine in ring:
        assert not machine.internal_errors
