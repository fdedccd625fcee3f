"""Pipes: single handlers, flat ones, whole machines, connections, what both sides know of them, and their order."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial

import pytest
from engine_setups import PLAIN, in_thread, machine_of, noted, until
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Event, Machine, Tracer, UnknownStateError, pipes
from am_core.facets.pipe_info import PipeInfo
from am_core.states import BasicStates, ConnectedStates


def test_single_handlers_are_bound_by_hand() -> None:
    """For the beginning or the end of a state."""
    source, target = machine_of(), machine_of()
    source.bind({"AState": pipes.add(source, target, "A", "B"), "AEnd": pipes.remove(source, target, "A", "B")})
    source.bind({"BEnd": pipes.add(source, target, "B", "C")})
    source.add("A", x=1)
    assert target.active == ("B",)
    source.remove("A")
    assert not target.active
    source.add("B")
    source.remove("B")
    assert target.active == ("C",)
    for make in (pipes.add, pipes.remove, pipes.add_flat, pipes.remove_flat):
        with pytest.raises(ValueError, match="source state"):
            make(source, target, "")
        with pytest.raises(UnknownStateError):
            make(source, target, "A", "Nope")
        with pytest.raises(UnknownStateError):
            make(source, target, "Nope", "A")


def test_error_states_are_added_with_exception() -> None:
    """By both kinds of handlers."""
    schema = {"Err1": {"require": ["Exception"]}, "Err2": {"require": ["Exception"]}}
    source, target = machine_of({"A": {}, "B": {}}), machine_of(schema)
    source.bind(
        {"AState": pipes.add(source, target, "A", "Err1"), "BState": pipes.add_flat(source, target, "B", "Err2")}
    )
    source.add("A")
    assert target.is_(["Err1", "Exception"])
    source.add("B")
    assert target.is_(["Err1", "Err2", "Exception"])


def test_flat_pipes_mutate_at_once_without_arguments_and_only_when_needed() -> None:
    """Plain ones do it later, with arguments, always."""
    source, target = machine_of(), machine_of(active=["B"])
    pipes.bind(source, target, "A", "B", flat=True)
    inside: list[object] = []
    source.bind({"AState": lambda _: inside.append(target.active), "AEnd": lambda _: inside.append(target.active)})
    notes = noted(target)
    source.add("A", x=1)
    assert notes.all == []
    source.remove("A", x=1)
    assert inside == [("B",), ()]
    assert [(str(tx.type), tx.args) for tx in notes.all] == [("remove", {})]
    source.add("A")
    target.remove("B")
    source.remove("A")
    assert [str(tx.type) for tx in notes.all] == ["remove", "add", "remove"]
    assert all(tx.mutation.source for tx in notes.all[:2])


def test_flat_pipes_do_not_believe_a_busy_target() -> None:
    """What it has may be on the way out."""
    source, target = machine_of(), machine_of(active=["A"])
    pipes.bind(source, target, "A", flat=True)

    def meanwhile(e: Event) -> None:
        e.machine.remove("A")
        source.add("A")

    target.bind({"BState": meanwhile})
    target.add("B")
    assert target.is_("A")
    assert target.tick("A") == 3


def test_a_whole_machine_is_followed() -> None:
    """Everything else goes, what is the same is not repeated, multi states are."""
    schema = {**PLAIN, "M": {"multi": True}}
    source, target = machine_of(schema), machine_of({**schema, "More": {}}, ["D", "More"])
    pipes.bind_any(source, target)
    notes = noted(target)
    source.add(["A", "B"], x=1)
    assert set(target.active) == {"A", "B"}
    assert notes.all[-1].args == {"x": 1}
    source.add("A")
    assert len(notes.all) == 1
    source.add("M")
    source.add("M")
    assert target.tick("M") == 3
    source.set(["C"])
    assert target.active == ("C",)
    source.set_schema({**source.schema(), "New": {}}, [*source.states, "New"])
    source.add("New")
    assert target.active == ("C",)
    with pytest.raises(UnknownStateError, match="missing states: More"):
        pipes.bind_any(target, machine_of(schema))


def test_connections_are_piped_as_far_as_they_are_named() -> None:
    """The rest is left alone."""

    class Net(BasicStates, ConnectedStates):
        """A connection."""

    source = Machine(Net)
    target = machine_of({"DbUp": {}, "DbDown": {}, "DbBusy": {}})
    pipes.bind_connected(source, target, "DbDown", connected="DbUp")
    source.add("Start")
    assert list(target.active) == ["DbDown"]
    source.add("Connecting")
    assert not target.active
    source.add("Connected")
    assert target.active == ("DbUp",)
    source.add("Disconnecting")
    source.remove("Disconnecting")
    assert target.active == ("DbDown",)
    with pytest.raises(ValueError, match="at least one"):
        pipes.bind_connected(source, target)
    with pytest.raises(ValueError, match="at least one"):
        pipes.bind_many(source, target, [])


def test_states_are_aligned_once() -> None:
    """By one add and one remove."""
    source, target = machine_of(active=["A", "B"]), machine_of(active=["C", "D"])
    notes = noted(target)
    assert pipes.sync(source, target, ["A", "B", "C"]) == 3
    assert set(target.active) == {"A", "B", "D"}
    assert [tx.mutation.text(target.states) for tx in notes.all] == ["[add] A B", "[remove] C"]
    assert pipes.sync(source, target, ["A", "B", "C"]) == 0
    assert len(notes.all) == 2
    assert pipes.sync(source, target, ["A", "C"], ["D", "D"]) == 0
    assert pipes.sync(source, target, "C", "A") == 1
    assert set(target.active) == {"B", "D"}
    with pytest.raises(ValueError, match="as many"):
        pipes.sync(source, target, ["A"], ["A", "B"])
    with pytest.raises(UnknownStateError):
        pipes.sync(source, target, "Nope", "A")


def test_errors_are_piped_with_their_arguments() -> None:
    """Besides the error itself."""
    source, target = machine_of(), machine_of()
    pipes.bind_err(source, target)
    notes = noted(target)
    error = ValueError("x")
    source.add_err(error, {"path": "/tmp"})
    assert notes.all[0].args["path"] == "/tmp"
    assert notes.all[0].error is error


# What both sides know


class _Diary(Tracer):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def pipe_added(self, machine: Machine, pipe: PipeInfo) -> None:
        self.lines.append(f"+{pipe.direction} {pipe.source_state} {pipe.kind} {pipe.target_state}")

    def pipe_removed(self, machine: Machine, pipe: PipeInfo) -> None:
        self.lines.append(f"-{pipe.direction} {pipe.source_state} {pipe.kind} {pipe.target_state}")


def test_both_machines_list_their_pipes() -> None:
    """For debuggers that come late, in the log, and to tracers; until the binding is detached."""
    diary = _Diary()
    source, target = machine_of(id="from"), machine_of(id="to", tracers=[diary])
    binding = pipes.bind(source, target, "A", "B")
    outs, ins = source.pipes(), target.pipes()
    assert [(p.source_state, p.kind, p.target_state, p.direction) for p in outs] == [
        ("A", "add", "B", "out"),
        ("A", "remove", "B", "out"),
    ]
    assert [(p.id, p.source_machine_id, p.target_machine_id) for p in ins] == [(p.id, "from", "to") for p in outs]
    assert diary.lines == ["+in A add B", "+in A remove B"]
    own, others = noted(source), noted(target)
    source.add("A")
    assert "[pipe-out:add] A to to" in own.log
    assert "[pipe-out:remove] A to to" in own.log
    assert "[pipe-in:add] B from from" in others.log
    source.detach(binding)
    assert source.pipes() == target.pipes() == []
    assert diary.lines[2:] == ["-in A add B", "-in A remove B"]
    pipes.bind_any(source, target)
    pipes.bind_err(source, target)
    assert [(p.source_state, p.target_state) for p in target.pipes()] == [("Any", "Any"), ("Exception", "Exception")]


def test_a_refused_binding_leaves_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong."""
    source, target = machine_of(), machine_of()
    monkeypatch.setattr(Machine, "bind", _refuse)
    with pytest.raises(RuntimeError):
        pipes.bind(source, target, "A")
    assert source.pipes() == target.pipes() == []


def _refuse(*_: object, **__: object) -> str:
    raise RuntimeError


@pytest.mark.parametrize("gone", ["source", "target"])
def test_a_disposed_machine_is_forgotten_by_the_other(gone: str) -> None:
    """The handlers of pipes to it are detached, other handlers stay."""
    source, target, third = machine_of(), machine_of(id="to"), machine_of()
    kept = pipes.bind(source, third, "A")
    pipes.bind(source, target, "A")
    pipes.bind(source, target, "A", "C")
    (source if gone == "source" else target).dispose_force()
    assert target.pipes() == []
    if gone == "target":
        assert source.handlers() == [kept]
        assert len(source.pipes()) == 2
        notes = noted(source)
        source.add("A")
        assert notes.log.count("[pipe:gc] to") == 1
        assert third.is_("A")
    else:
        assert source.pipes() == third.pipes() == []


def test_short_lives_leave_no_pipes_behind() -> None:
    """Children that are piped to their parent, and back, and disposed, by several threads at once."""
    parent = machine_of({"Up": {"multi": True}, "Go": {}}, log_level=0)
    problems: list[BaseException] = []

    def live(_: int) -> None:
        try:
            for n in range(30):
                child = machine_of({"Up": {}, "Go": {}}, log_level=0)
                pipes.bind(child, parent, "Up")
                pipes.bind(parent, child, "Go", flat=n % 2 == 0)
                child.add("Up")
                parent.toggle("Go")
                child.dispose_force()
        except BaseException as error:
            problems.append(error)

    threads = [in_thread(partial(live, part)) for part in range(4)]
    for thread in threads:
        thread.join(60)
    assert not problems
    assert parent.pipes() == []
    assert parent.handlers() == []
    assert parent.internal_errors == type(parent.internal_errors)()
    assert not parent.is_err()


def test_machines_are_not_kept_by_their_pipes() -> None:
    """A source that is garbage is forgotten by its target; disposed targets are not held by sources."""
    target = machine_of()
    source = machine_of()
    pipes.bind(source, target, "A")
    gone = weakref.ref(source)
    del source
    gc.collect()
    assert gone() is None
    other = machine_of()
    pipes.bind(other, target, "B")
    assert [p.source_state for p in target.pipes()] == ["B", "B"]
    past = weakref.ref(target)
    target.dispose_force()
    del target
    gc.collect()
    assert past() is None


def test_a_machine_can_be_piped_to_itself() -> None:
    """As one more way to say that a state follows another."""
    machine = machine_of()
    binding = pipes.bind(machine, machine, "A", "B")
    machine.add("A")
    assert machine.is_(["A", "B"])
    machine.remove("A")
    assert machine.not_(["A", "B"])
    assert len(machine.pipes()) == 4
    machine.detach(binding)
    assert machine.pipes() == []
    pipes.bind(machine, machine, "A", "B")
    machine.dispose_force()
    assert machine.pipes() == []


# Order


def _is_idle(machine: Machine) -> bool:
    return machine.transition is None and not machine.queue_len()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "set"]), st.sampled_from("ABC")), max_size=12))
def test_targets_end_up_as_their_sources(steps: list[tuple[str, str]]) -> None:
    """Whatever the source goes through, also when both are driven by several threads."""
    schema = {"A": {}, "B": {"remove": ["C"]}, "C": {"remove": ["B"]}}
    source, plain, flat, whole = (machine_of(schema, log_level=0) for _ in range(4))
    pipes.bind_many(source, plain, ["A", "B", "C"])
    pipes.bind_many(source, flat, ["A", "B", "C"], flat=True)
    pipes.bind_any(source, whole)
    halves = steps[::2], steps[1::2]

    def drive(half: list[tuple[str, str]]) -> None:
        for op, state in half:
            getattr(source, op)(state)

    threads = [in_thread(partial(drive, half)) for half in halves]
    for thread in threads:
        thread.join(30)
    for target in (plain, flat, whole):
        until(partial(_is_idle, target))
        assert set(target.active) == set(source.active)


def test_order_is_kept_between_threads() -> None:
    """The target sees every activation of a multi state in the order of the source, whoever executes them."""
    source, first, second = (machine_of({"M": {"multi": True}}, log_level=0) for _ in range(3))
    pipes.bind(source, first, "M")
    pipes.bind(first, second, "M")
    seen: list[list[int]] = [[], [], []]
    for machine, numbers in zip((source, first, second), seen, strict=True):
        machine.bind({"MState": lambda e, numbers=numbers: numbers.append(e.args["n"])})
    start = threading.Barrier(4)

    def drive(part: int) -> None:
        start.wait(30)
        for n in range(100):
            source.add("M", n=part * 1000 + n)

    threads = [in_thread(partial(drive, part)) for part in range(4)]
    for thread in threads:
        thread.join(60)
    until(lambda: len(seen[2]) == 400)
    assert seen[0] == seen[1] == seen[2]


def test_targets_do_not_see_what_handlers_of_the_source_do_to_their_arguments() -> None:
    """They get their own."""
    source, target = machine_of(), machine_of()
    pipes.bind(source, target, "A")
    pipes.bind_any(source, third := machine_of())
    source.bind({"AState": lambda e: e.args.clear()})
    notes, others = noted(target), noted(third)
    source.add("A", x=1)
    assert notes.all[0].args == {"x": 1}
    assert others.all[0].args == {}


async def test_order_is_kept_for_a_target_on_a_loop() -> None:
    """Whose handlers run there, and nowhere else."""
    source, target = machine_of({"M": {"multi": True}}), machine_of({"M": {"multi": True}}, runner="loop")
    pipes.bind(source, target, "M")
    seen: list[tuple[int, int]] = []
    target.bind({"MState": lambda e: seen.append((e.args["n"], threading.get_ident()))})
    thread = in_thread(lambda: [source.add("M", n=n) for n in range(50)])
    await target.when_time("M", [99])
    thread.join(30)
    assert seen == [(n, threading.get_ident()) for n in range(50)]


def test_a_removal_is_not_lost_while_the_target_is_negotiating() -> None:
    """The state is not active yet, but will be."""
    source, target = machine_of(), machine_of()
    pipes.bind(source, target, "A")
    inside, go = threading.Event(), threading.Event()

    def hold(_: Event) -> None:
        inside.set()
        assert go.wait(30)

    target.bind({"AEnter": hold})
    thread = in_thread(lambda: source.add("A"))
    assert inside.wait(30)
    source.remove("A")
    go.set()
    thread.join(30)
    assert target.tick("A") == 2
