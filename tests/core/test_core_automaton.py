"""Looking up what was done before changes nothing but the time it takes."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from typing import Any

import pytest
from automaton_setups import TOGGLE, Recorder

from am_core import Event, LogLevel, Machine, Tracer, Transition, UnknownStateError
from am_core.engine.express import express
from am_core.resolution import automaton
from am_core.resolution.automaton import HOPELESS, PATIENCE, PAUSE


class Counting:
    """Counts what takes the express path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0

        def counted(*args: Any) -> Any:
            result = express(*args)
            self.count += result is not None
            return result

        monkeypatch.setattr("am_core.engine.submit.express", counted)

    def of(self, machine: Machine, *acts: tuple[str, Any]) -> int:
        """How many of some mutations did, when each was made often before."""
        for _ in range(3):
            for kind, states in acts:
                getattr(machine, kind)(states)
        self.count = 0
        for kind, states in acts:
            getattr(machine, kind)(states)
        return self.count


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


BACK_AND_FORTH = (("add", "A"), ("add", "B"))


def test_a_repeated_mutation_takes_the_express_path(taken: Counting) -> None:
    """Of every type, with automatic states and refusals as well."""
    assert taken.of(Machine(TOGGLE), *BACK_AND_FORTH) == 2
    assert taken.of(Machine(TOGGLE), ("set", "A"), ("remove", "A")) == 2
    automatic = Machine({"A": {}, "B": {"auto": True, "require": ["A"]}})
    assert taken.of(automatic, ("add", "A"), ("remove", "A")) == 2
    assert automatic.transition_count > automatic.queue_tick()
    assert taken.of(Machine({"A": {"require": ["B"]}, "B": {}}), ("add", "A"), ("add", "A")) == 2


@pytest.mark.parametrize("who", ["tracer", "log", "breakpoint", "on_change", "handler", "waiter", "option", "disposal"])
def test_whoever_looks_on_keeps_mutations_off_the_express_path(taken: Counting, who: str) -> None:
    """From the moment they appear, also for what was on the express path before."""
    machine = Machine(TOGGLE, plan_cache="never" if who == "option" else "auto")
    if who != "option":
        assert taken.of(machine, *BACK_AND_FORTH) == 2
    seen: list[object] = []
    tracer = Recorder()
    if who == "tracer":
        machine.bind_tracer(tracer)
    elif who == "log":
        machine.set_logger(lambda level, text: seen.append(text))
        machine.log_level = LogLevel.CHANGES
    elif who == "breakpoint":
        machine.add_breakpoint("A")
        machine.breakpoint_hook = lambda *_: seen.append("stopped")
    elif who == "on_change":
        machine.on_change = lambda machine, tx: seen.append(tx.number)
    elif who == "handler":
        machine.bind({"AState": seen.append, "BState": seen.append})
    elif who == "waiter":
        machine.when("A").add_done_callback(seen.append)
        machine.when_ticks("A", 99)
    elif who == "disposal":
        machine.dispose_force()
        assert not machine.add("A")
        return
    taken.count = 0
    machine.add("A")
    machine.add("B")
    assert taken.count == 0
    assert seen or tracer.rows or who == "option"


def test_waiters_for_something_else_leave_mutations_on_the_express_path(taken: Counting) -> None:
    """However many there are; and those that have ended are none."""
    machine = Machine({**TOGGLE, "C": {}})
    for tick in range(2, 500):
        machine.when_ticks("C", tick)
    machine.when_args("C", x=1)
    machine.state_ctx("C")
    machine.when("A").cancel()
    assert taken.of(machine, *BACK_AND_FORTH) == 2
    with machine.when_query(lambda clock: False):
        assert taken.of(machine, *BACK_AND_FORTH) == 0
    assert taken.of(machine, *BACK_AND_FORTH) == 2


def test_mutations_without_handlers_are_express_on_machines_that_have_some(taken: Counting) -> None:
    """Only the states that have handlers are slower."""
    machine = Machine({"A": {}, "B": {}})
    calls: list[Event] = []
    machine.bind({"BState": calls.append})
    assert taken.of(machine, ("add", "A"), ("remove", "A")) == 2
    assert taken.of(machine, ("add", "B"), ("remove", "B")) == 1
    assert len(calls) == 4


def test_machines_of_one_schema_share_what_they_have_learned(taken: Counting) -> None:
    """Until one of them has handlers."""
    assert taken.of(Machine(TOGGLE), *BACK_AND_FORTH) == 2
    first, second, third = Machine(TOGGLE), Machine(TOGGLE), Machine(TOGGLE)
    third.bind({"AState": lambda e: None})
    assert first._table is second._table is not third._table
    assert first._table.automaton is not third._table.automaton


def test_a_table_without_handlers_goes_with_its_last_machine() -> None:
    """And everything that was learned with it."""
    machine = Machine({"Short": {}, "Lived": {}})
    model = machine._now[0]
    assert model.bare_table is not None
    assert model.bare_table() is machine._table
    del machine
    assert model.bare_table() is None


def test_handlers_live_no_longer_than_their_machine_or_their_binding() -> None:
    """Although what was learned about them refers to them; no garbage collector is needed for that."""

    class Handlers:
        def AState(self, e: Event) -> None:
            """Nothing."""

    machine = Machine(TOGGLE, plan_cache="always")
    gc.disable()
    try:
        for end in ("detach", "machine"):
            handlers = Handlers()
            reference = weakref.ref(handlers)
            name = machine.bind(handlers)
            for _ in range(4):
                machine.add("A")
                machine.add("B")
            del handlers
            if end == "detach":
                machine.detach(name)
            else:
                del machine
            assert reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("wrong", [5, "x", [1]])
def test_wrong_arguments_are_told_on_every_path(wrong: Any) -> None:
    """Also where nobody looks at arguments."""
    machine = Machine(TOGGLE, plan_cache="always")
    for _ in range(4):
        machine.add("A")
        machine.add("B", {"right": 1})
    with pytest.raises(Exception, match=r"argument|mapping") as caught:
        machine.add("A", wrong)
    with pytest.raises(type(caught.value)):
        Machine(TOGGLE, plan_cache="never").add("A", wrong)
    assert machine.active == ("B",)


def test_the_automaton_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts anew when there is too much of it, and goes on working."""
    monkeypatch.setattr(automaton, "LIMIT", 50)
    machine = Machine({f"S{i}": {} for i in range(12)}, plan_cache="always")
    twin = Machine({f"S{i}": {} for i in range(12)}, plan_cache="never")
    largest = 0
    for i in range(1500):
        state = f"S{i * i % 11 * (i % 7) % 12}"
        assert machine.toggle(state) == twin.toggle(state)
        largest = max(largest, machine._table.automaton.size)
    assert machine.time() == twin.time()
    assert machine.active == twin.active
    assert 20 < largest <= 60


def test_a_machine_that_never_repeats_itself_gives_the_automaton_up() -> None:
    """And tries again after a long while."""
    machine = Machine({f"S{i:02}": {} for i in range(40)})
    twin = Machine({f"S{i:02}": {} for i in range(40)}, plan_cache="never")
    # A Gray code visits every configuration once.
    number = 0

    def count_up() -> None:
        nonlocal number
        number += 1
        changed = (number ^ (number - 1)).bit_length() - 1
        for each in (machine, twin):
            each.toggle(f"S{changed:02}")

    while machine.transition_count < PATIENCE:
        count_up()
    assert machine._learn_from == machine.transition_count + PAUSE
    for _ in range(100):
        count_up()
    assert machine._rest is None
    assert machine.time() == twin.time()
    machine._learn_from = machine.transition_count
    count_up()
    assert machine._rest is not None


def test_a_machine_that_repeats_itself_keeps_the_automaton(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many misses there are, as long as there are hits enough."""
    monkeypatch.setattr(automaton, "PATIENCE", 10)
    assert 0 < HOPELESS < 1
    machine = Machine({f"S{i}": {} for i in range(10)})
    for i in range(40):
        for _ in range(4):
            machine.add(f"S{i % 10}")
            machine.remove(f"S{i % 10}")
    assert machine._learn_from <= machine.transition_count
    assert machine._rest is not None


def test_unknown_states_are_told_on_every_path() -> None:
    """Whatever has been learned before."""
    machine = Machine(TOGGLE, plan_cache="always")
    for _ in range(3):
        machine.add("A")
        for wrong in ("C", "", ["A", "C"]):
            with pytest.raises(UnknownStateError):
                machine.add(wrong)


def test_an_unknown_choice_of_the_option_is_an_error() -> None:
    """In the option and in the environment variable."""
    with pytest.raises(ValueError, match="sometimes"):
        Machine(TOGGLE, plan_cache="sometimes")  # type: ignore[arg-type]  # the mistake under test


def test_threads_on_the_express_path_lose_nothing() -> None:
    """Every mutation counts once, while others bind and detach handlers, tracers and waiters."""
    machine = Machine({"A": {"multi": True}}, plan_cache="always", handler_timeout=60)
    rounds, threads = 400, 4

    def hammer() -> None:
        for _ in range(rounds):
            machine.add("A")

    def disturb() -> None:
        for i in range(60):
            tracer = Tracer()
            machine.bind_tracer(tracer)
            name = machine.bind({"AState": lambda e: None})
            machine.when_ticks("A", 2)
            machine.log_level = i % 2
            machine.detach_tracer(tracer)
            machine.detach(name)
        machine.log_level = 0

    workers = [threading.Thread(target=hammer) for _ in range(threads)] + [threading.Thread(target=disturb)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    machine.drain_queue()
    assert machine.queue_len() == 0
    assert machine.queue_tick() == machine._queue.next_tick
    # Queued twins are merged into one, so there may be fewer transitions than calls, but never a lost tick.
    assert machine.tick("A") == 2 * machine.transition_count - 1
    assert machine.transition_count <= rounds * threads


def test_machines_with_thousands_of_states_are_made_in_no_time() -> None:
    """The work grows with the number of relations, not with the square of the number of states."""
    count = 3000
    schema = {f"State{i}": {"remove": [f"State{(i + 1) % count}"], "multi": True} for i in range(count)}
    started = time.process_time()
    machine = Machine(schema)
    assert time.process_time() - started < 1.5
    assert not machine.add(["State5", "State6"])
    assert machine.add(["State6", "State5"]).canceled
    assert machine.add(["State5", "State7"])
    assert machine.active == ("State5", "State7")


def test_a_machine_of_fifty_states_is_small() -> None:
    """Everything that comes with a schema included; machines of one schema share most of it."""
    names = [f"Small{i:02}" for i in range(50)]
    schema = {name: {"remove": [names[(i + 1) % 50]]} if i % 2 else {} for i, name in enumerate(names)}
    Machine({"Warm": {}})
    gc.collect()
    tracemalloc.start()
    try:
        first = Machine(schema)
        gc.collect()
        alone, _ = tracemalloc.get_traced_memory()
        second = Machine(schema)
        gc.collect()
        both, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert alone < 20 * 1024
    assert both - alone < 5 * 1024
    assert first.states == second.states


class Halt(BaseException):
    """Meant to end a thread, like a keyboard interrupt."""


def _raise(error: BaseException) -> Any:
    raise error


INTERFERENCES: dict[str, tuple[str, Any]] = {
    "fails before": ("BEnter", lambda e, seen: _raise(ValueError("broken"))),
    "fails after": ("BState", lambda e, seen: _raise(ValueError("broken"))),
    "halts before": ("BEnter", lambda e, seen: _raise(Halt())),
    "halts after": ("BState", lambda e, seen: _raise(Halt())),
    "fails with more in the queue": ("BState", lambda e, seen: e.machine.add("D") and _raise(ValueError("broken"))),
    "refuses": ("BEnter", lambda e, seen: False),
    "logs from now on": ("BEnter", lambda e, seen: setattr(e.machine, "log_level", LogLevel.EVERYTHING)),
    "watches from now on": ("BEnter", lambda e, seen: e.machine.bind_tracer(Recorder())),
    "is told from now on": ("BEnter", lambda e, seen: setattr(e.machine, "on_change", lambda m, tx: seen.append("ch"))),
    "waits for arguments": (
        "BEnter",
        lambda e, seen: e.machine.when_args("B", x=1).add_done_callback(lambda _: seen.append("args")) and None,
    ),
    "waits for a state": ("BState", lambda e, seen: e.machine.when("B").add_done_callback(seen.append) and None),
    "binds": ("BEnter", lambda e, seen: e.machine.bind({"BState": lambda e: seen.append("bound")}, id="more") and None),
    "disposes": ("BEnter", lambda e, seen: e.machine.dispose_force()),
    "asks first": ("BState", lambda e, seen: seen.append(int(e.machine.can_add("C")))),
    "turns back": ("BState", lambda e, seen: seen.append(int(e.machine.add("A")))),
}


@pytest.mark.parametrize("panics", [True, False])
@pytest.mark.parametrize("what", INTERFERENCES)
def test_whatever_happens_on_a_known_edge_is_handled_as_on_an_unknown_one(what: str, panics: bool) -> None:
    """Handlers do something else than usual, for once, in a transition that was made many times."""
    name, act = INTERFERENCES[what]
    stories: list[list[object]] = []
    for plan_cache in ("never", "always"):
        seen: list[object] = []
        schema = {**TOGGLE, "C": {"auto": True, "require": ["B"]}, "D": {}}
        machine = Machine(schema, plan_cache=plan_cache, panic_to_exception=panics, handler_timeout=60)  # type: ignore[arg-type]  # both are choices
        armed = [False]

        def handler(e: Event, armed: list[bool] = armed, seen: list[object] = seen) -> Any:
            seen.append((e.name, e.is_valid()))
            if armed[0]:
                armed[0] = False
                answer = act(e, seen)
                return answer if answer is False else None
            return None

        machine.bind({name: handler}, id="handlers")
        for _ in range(4):
            machine.add("A")
            machine.add("B")
        machine.add("A")
        armed[0] = True
        for _ in range(3):
            try:
                seen.append(int(machine.add("B", x=1)))
            except (ValueError, Halt) as error:
                seen.append(type(error))
            seen.append((machine.active, tuple(machine.time()), machine.transition_count, machine.queue_tick()))
            seen.append((machine.queue_len(), machine.transition, machine._drainer, type(machine.err())))
            machine.drain_queue()
            seen.append(int(machine.add("A")))
        tracer = next(iter(machine.tracers()), None)
        seen.append(tracer.rows if isinstance(tracer, Recorder) else None)
        stories.append([it if isinstance(it, (str, int, tuple, list, type)) else type(it) for it in seen])
    assert stories[0] == stories[1]


@pytest.mark.parametrize("error", [ValueError("broken"), Halt()])
def test_tracers_that_fail_at_the_end_of_a_known_transition_are_noted(error: BaseException) -> None:
    """The machine goes on; only what is meant to end a thread does so, and the machine is free for others then."""

    class Failing(Tracer):
        armed = False

        def transition_end(self, tx: Transition) -> None:
            if self.armed:
                raise error

    tracer = Failing()
    machine = Machine(TOGGLE, plan_cache="always", tracers=[tracer])
    for _ in range(4):
        machine.add("A")
        machine.add("B")
    tracer.armed = True
    if isinstance(error, Halt):
        with pytest.raises(Halt):
            machine.add("A")
    else:
        assert machine.add("A")
        assert "broken" in str(machine.internal_errors[0])
    tracer.armed = False
    assert machine.active == ("A",)
    assert machine.transition is None
    assert machine.add("B").executed
