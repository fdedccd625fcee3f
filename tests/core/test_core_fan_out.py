"""Fan-out and fan-in."""

from __future__ import annotations

import threading
from random import Random

import pytest
from engine_setups import in_thread, machine_of, until, veto
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Event, Machine, SchemaError
from am_core.helpers import FanOut, fan_out_in

SCHEMA = {"Start": {}, "Fetch": {"multi": True, "require": ["Start"], "tags": ["io"]}, "FetchDone": {"add": ["Start"]}}


class Tasks:
    """Writes down which tasks were started; they end when told to."""

    def __init__(self, total: int = 5, concurrency: int = 2, seed: int = 1) -> None:
        self.machine = machine_of(SCHEMA, ["Start"])
        self.started: list[int] = []
        self.running: list[int] = []
        self.most = 0
        self.fan: FanOut = fan_out_in(self.machine, "Fetch", total, concurrency, self.start, random=Random(seed))

    def start(self, number: int, state: str, done: str) -> None:
        assert (state, done) == (f"Fetch{number}", f"Fetch{number}Done")
        self.started.append(number)
        self.running.append(number)
        self.most = max(self.most, len(self.running))

    def end(self, position: int = 0) -> None:
        number = self.running.pop(position)
        assert self.machine.add(f"Fetch{number}Done").executed

    def finish(self) -> None:
        while self.running:
            self.end()


def test_every_task_gets_states() -> None:
    """Copies of the first one, states that end them, and a state that needs all."""
    tasks = Tasks(total=2)
    schema = tasks.machine.schema()
    assert schema["Fetch0"] == schema["Fetch1"] == schema["Fetch"]
    assert schema["Fetch1Done"].remove == ("Fetch1",)
    done = schema["FetchDone"]
    assert (done.auto, done.require, done.remove) == (True, ("Fetch0Done", "Fetch1Done"), ("Fetch",))
    assert done.add == ("Start",)
    assert tasks.fan.tasks == ("Fetch0", "Fetch1")
    assert tasks.fan.done_states == ("Fetch0Done", "Fetch1Done")
    assert tasks.fan.binding in tasks.machine.handlers()
    assert tasks.machine.states[-4:] == ("Fetch0", "Fetch1", "Fetch0Done", "Fetch1Done")


def test_tasks_run_a_few_at_a_time_until_all_are_done() -> None:
    """The last one brings the end of all."""
    tasks = Tasks(total=5, concurrency=2)
    machine = tasks.machine
    assert machine.add("Fetch").executed
    assert len(tasks.started) == 2
    for ended in range(1, 6):
        assert not machine.is_("FetchDone")
        assert machine.is_("Fetch")
        tasks.end()
        assert len(tasks.started) == min(5, 2 + ended)
    assert sorted(tasks.started) == list(range(5))
    assert machine.is_("FetchDone")
    assert machine.not_(["Fetch", *tasks.fan.tasks])
    assert tasks.most == 2
    assert not machine.is_err()


def test_the_order_is_random_and_can_be_repeated() -> None:
    """By whoever brings the source of randomness."""
    orders: list[list[int]] = []
    for seed in (1, 1, 2, 3):
        tasks = Tasks(total=8, concurrency=1, seed=seed)
        tasks.fan.run()
        tasks.finish()
        orders.append(tasks.started)
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3


def test_it_can_run_again() -> None:
    """From the beginning, also before it has ended."""
    tasks = Tasks(total=3, concurrency=3)
    assert tasks.fan.run().executed
    tasks.finish()
    assert tasks.machine.is_("FetchDone")
    assert tasks.fan.run({"again": True}).executed
    assert not tasks.machine.is_("FetchDone")
    assert len(tasks.started) == 6
    tasks.end()
    tasks.running.clear()
    assert tasks.fan.run().executed
    assert len(tasks.started) == 9
    tasks.finish()
    assert tasks.machine.is_("FetchDone")


def test_a_failing_task_is_an_error_and_can_be_tried_again() -> None:
    """It occupies its place until then; others go on."""
    machine = machine_of(SCHEMA, ["Start"])
    calls: list[int] = []
    broken = {1}

    def work(number: int, _: str, done: str) -> None:
        calls.append(number)
        if number in broken:
            raise ValueError(f"task {number}")
        machine.add(done)

    fan = fan_out_in(machine, "Fetch", 4, 1, work, random=Random(4))
    machine.add("Fetch")
    assert str(machine.err()) == "task 1"
    assert machine.is_("Fetch1")
    assert not machine.is_("FetchDone")
    before = len(calls)
    machine.add("Fetch")
    assert len(calls) == before
    broken.clear()
    machine.remove(["Exception", "Fetch1"])
    machine.add("Fetch")
    assert machine.is_("FetchDone")
    assert sorted(calls) == [0, 1, 1, 2, 3]
    assert fan.remaining() == []


def test_tasks_that_are_called_together_are_all_started() -> None:
    """Although one fails."""
    machine = machine_of(SCHEMA, ["Start"])
    calls: list[int] = []

    def work(number: int, _: str, __: str) -> None:
        calls.append(number)
        if number == 0:
            raise ValueError("first")

    fan = fan_out_in(machine, "Fetch", 3, 1, work)
    machine.add(["Fetch0", "Fetch1"])
    assert calls == [0, 1]
    assert str(machine.err()) == "first"
    machine.remove(["Fetch0", "Fetch"])
    assert calls == [0, 1]
    assert fan.remaining() == ["Fetch0", "Fetch2"]


def test_refused_tasks_leave_their_place_to_others_the_next_time() -> None:
    """Nothing is started that the machine does not want."""
    tasks = Tasks(total=2, concurrency=1)
    with tasks.machine.bound({"Fetch0Enter": veto, "Fetch1Enter": veto}):
        tasks.fan.run()
        assert tasks.started == []
    tasks.machine.add("Fetch")
    tasks.finish()
    assert tasks.machine.is_("FetchDone")


def test_the_limit_can_be_changed_and_holds_for_a_crowded_queue() -> None:
    """Tasks that are queued count as running."""
    tasks = Tasks(total=9, concurrency=2)

    def crowd(e: Event) -> None:
        for n in range(3):
            e.machine.add("Fetch", n=n)

    with tasks.machine.bound({"StartEnd": crowd, "StartState": crowd}):
        tasks.machine.remove("Start")
        assert tasks.started == []
        tasks.machine.add("Start")
    assert len(tasks.started) == 2
    tasks.fan.concurrency = 4
    tasks.machine.add("Fetch")
    assert len(tasks.running) == 4
    tasks.fan.concurrency = 1
    tasks.finish()
    assert tasks.most == 4
    assert tasks.machine.is_("FetchDone")


def test_detached_tasks_are_not_started() -> None:
    """The states stay."""
    tasks = Tasks()
    tasks.machine.detach(tasks.fan.binding)
    tasks.machine.add("Fetch")
    assert tasks.started == []


def test_wrong_use_is_refused_with_reasons() -> None:
    """And changes nothing."""
    machine = machine_of(SCHEMA, ["Start"])
    fan_out_in(machine, "Fetch", 1, 1, lambda *_: None)
    states = machine.states
    with pytest.raises(SchemaError, match="Fetch0 exists already"):
        fan_out_in(machine, "Fetch", 2, 1, lambda *_: None)
    with pytest.raises(SchemaError, match=r"missing state Nope.*NopeDone"):
        fan_out_in(machine, "Nope", 2, 1, lambda *_: None)
    for total, concurrency in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            fan_out_in(machine_of(SCHEMA), "Fetch", total, concurrency, lambda *_: None)
    assert machine.states == states
    other = machine_of(SCHEMA)
    other.bind({"StartState": lambda _: fan_out_in(other, "Fetch", 1, 1, lambda *_: None)})
    other.add("Start")
    assert isinstance(other.err(), SchemaError)
    assert len(other.handlers()) == 1


@pytest.mark.parametrize("runner", ["inline", "thread"])
def test_tasks_on_threads_end_on_their_own(runner: str) -> None:
    """Never more at once than allowed, each exactly once."""
    machine = Machine(SCHEMA, runner=runner, handler_timeout=30)  # type: ignore[arg-type]  # one of the two
    lock = threading.Lock()
    now: list[int] = []
    counts: list[int] = []
    seen: list[int] = []

    def work(number: int, _: str, done: str) -> None:
        with lock:
            now.append(number)
            seen.append(number)
            counts.append(len(now))

        def background() -> None:
            with lock:
                now.remove(number)
            machine.add(done)

        in_thread(background)

    fan_out_in(machine, "Fetch", 30, 4, work)
    machine.add(["Start", "Fetch"])
    until(lambda: machine.is_("FetchDone"))
    assert sorted(seen) == list(range(30))
    assert max(counts) <= 4
    assert not machine.is_err()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.randoms(use_true_random=False))
def test_whatever_the_order_of_ends_all_tasks_run_once_within_the_limit(
    total: int, concurrency: int, random: Random
) -> None:
    """For any number of tasks and any limit."""
    tasks = Tasks(total, concurrency, random.randrange(1000))
    tasks.fan.run()
    while tasks.running:
        assert len(tasks.running) == min(concurrency, total - len(tasks.started) + len(tasks.running))
        tasks.end(random.randrange(len(tasks.running)))
    assert sorted(tasks.started) == list(range(total))
    assert tasks.most <= concurrency
    assert tasks.machine.is_("FetchDone")
