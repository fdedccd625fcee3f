"""What tracers are told about waiters, contexts and pipes, and what a debugger that comes late can list."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from engine_setups import fail, machine_of, noted, until

from am_core import Event, LogEntry, LogLevel, Machine, PipeInfo, StateCtx, Tracer, Waiter
from am_core.facets.pipe_info import forget_pipe, register_pipe


class Diary(Tracer):
    """Writes down the hooks of subscriptions and pipes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ids: set[int] = set()

    def wait_start(self, machine: Machine, waiter: Waiter) -> None:
        self.ids.add(waiter.id)
        self.lines.append(f"+{waiter.kind} {waiter.text}".rstrip())

    def wait_end(self, machine: Machine, waiter: Waiter) -> None:
        assert waiter.id in self.ids
        self.lines.append(f"-{waiter.kind} {waiter.reason}")

    def context_start(self, machine: Machine, ctx: StateCtx) -> None:
        self.ids.add(ctx.id)
        self.lines.append(f"+ctx {ctx.state}:{ctx.tick}")

    def context_end(self, machine: Machine, ctx: StateCtx) -> None:
        assert ctx.id in self.ids
        self.lines.append(f"-ctx {ctx.state}:{ctx.tick}")

    def pipe_added(self, machine: Machine, pipe: PipeInfo) -> None:
        self.lines.append(f"+pipe {pipe.direction} {pipe.source_state} {pipe.kind} {pipe.target_state}")

    def pipe_removed(self, machine: Machine, pipe: PipeInfo) -> None:
        self.lines.append(f"-pipe {pipe.direction} {pipe.source_state} {pipe.kind} {pipe.target_state}")


def test_tracers_hear_of_the_start_and_the_end_of_every_waiter() -> None:
    """Once each, however many have asked for the same."""
    diary = Diary()
    machine = machine_of(tracers=[diary])
    machine.when("A")
    machine.when("A")
    machine.when_time(["A", "B"], [3, 1])
    machine.when_args("B", x=1).cancel()
    machine.add("A")
    machine.when("A")
    machine.dispose_force()
    assert diary.lines == [
        "+when A",
        "+whenTime A,B 3 1",
        "+whenArgs B (x)",
        "-whenArgs canceled",
        "-when match",
        "-whenTime disposed",
    ]


def test_tracers_hear_of_the_start_and_the_end_of_every_context() -> None:
    """The context of a state is created once per tick."""
    diary = Diary()
    machine = machine_of(tracers=[diary])
    assert machine.state_ctx("A") is machine.state_ctx("A")
    machine.add("A")
    machine.state_ctx("A")
    machine.dispose_force()
    assert diary.lines == ["+ctx A:0", "-ctx A:0", "+ctx A:1", "-ctx A:1"]


def test_the_end_of_a_waiter_is_never_told_before_its_start() -> None:
    """Not even when what is waited for happens while the tracers are being told."""

    class Hasty(Diary):
        def wait_start(self, machine: Machine, waiter: Waiter) -> None:
            machine.add("A")
            super().wait_start(machine, waiter)

    diary = Hasty()
    machine = machine_of(tracers=[diary])
    assert machine.when("A").reason == "match"
    assert diary.lines == ["+when A", "-when match"]


def test_a_record_tells_who_waits_for_what_since_when() -> None:
    """It can be kept, and does not change."""
    machine = machine_of()
    found: list[Waiter] = []

    def ready(e: Event) -> None:
        found.append(machine.when_time(["C", "D"], [1, 3]))
        machine.state_ctx("B")

    machine.bind({"BState": ready})
    machine.add("A")
    machine.add("B")
    info = found[0].info
    assert (info.kind, info.states, info.ticks, info.machine_id) == ("whenTime", ("C", "D"), (1, 3), machine.id)
    assert info.origin is not None
    assert (info.origin.handler, info.origin.machine_id, info.origin.transition_number) == ("BState", machine.id, 2)
    (ctx,) = machine.contexts()
    assert (ctx.info.state, ctx.info.tick, ctx.info.origin, ctx.info.expired) == ("B", 1, info.origin, False)
    assert info.id != ctx.info.id
    assert info.started_ns <= ctx.info.started_ns
    with pytest.raises(FrozenInstanceError):
        info.kind = "when"  # type: ignore[misc]  # this is what is being tried
    machine.dispose_force()
    assert (found[0].info.reason, ctx.info.expired, info.reason) == ("disposed", True, "")


def test_what_is_waited_for_can_be_listed_at_any_time() -> None:
    """For a debugger that comes late."""
    machine = machine_of(active=["A"])
    assert (machine.waiters(), machine.contexts(), machine.pipes()) == ([], [], [])
    one, two = machine.when("B"), machine.when_query(lambda clock: clock["C"] > 1)
    machine.when("A")
    ctx = machine.state_ctx("A")
    assert (machine.waiters(), machine.contexts()) == ([one, two], [ctx])
    machine.set(["B"])
    assert (machine.waiters(), machine.contexts()) == ([two], [])


def test_pipes_are_told_to_and_listed_by_both_machines() -> None:
    """Under the same id."""
    diary, other = Diary(), Diary()
    source, target = machine_of(tracers=[diary]), machine_of(tracers=[other])
    pipe = register_pipe(source, target, "A", "B", "add")
    assert diary.lines == ["+pipe out A add B"]
    assert other.lines == ["+pipe in A add B"]
    (out,), (in_,) = source.pipes(), target.pipes()
    assert (out.id, in_.id, out.source_machine_id, in_.target_machine_id) == (pipe, pipe, source.id, target.id)
    assert forget_pipe(source, pipe)
    assert not forget_pipe(source, pipe)
    assert (source.pipes(), target.pipes(), diary.lines[1:]) == ([], [in_], ["-pipe out A add B"])


def test_a_machine_piped_to_itself_has_both_ends() -> None:
    """They differ in direction only."""
    machine = machine_of()
    pipe = register_pipe(machine, machine, "A", "B", "remove")
    assert [info.direction for info in machine.pipes()] == ["out", "in"]
    assert forget_pipe(machine, pipe)
    assert machine.pipes() == []


def test_failing_hooks_do_not_disturb_who_waits() -> None:
    """Their errors are kept by the machine."""

    class Broken(Tracer):
        def wait_start(self, machine: Machine, waiter: Waiter) -> None:
            raise RuntimeError("start")

        def wait_end(self, machine: Machine, waiter: Waiter) -> None:
            raise RuntimeError("end")

    machine = machine_of(tracers=[Broken()])
    waiter = machine.when("A")
    machine.add("A")
    assert waiter.reason == "match"
    assert [str(error.__cause__) for error in machine.internal_errors] == ["start", "end"]


def test_contexts_of_states_switched_off_by_a_failure_end() -> None:
    """The repair is a switch as well."""
    diary = Diary()
    machine = machine_of(tracers=[diary])

    def broken(e: Event) -> None:
        e.machine.state_ctx("A")
        fail(e)

    machine.bind({"AState": broken})
    machine.add("A")
    until(lambda: machine.transition is None)
    assert diary.lines == ["+ctx A:1", "-ctx A:1"]


class Reader(Diary):
    """Reads what nobody else would."""

    def log_left(self, machine: Machine, entries: list[LogEntry]) -> None:
        self.lines += [entry.text for entry in entries]


def test_lines_logged_after_the_last_transition_reach_tracers_at_the_end() -> None:
    """Each once: what a transition has taken is not repeated."""
    reader = Reader()
    machine = machine_of(tracers=[reader])
    notes = noted(machine)
    machine.log("before")
    machine.add("A")
    machine.log("after")
    machine.dispose_force()
    assert "[exter] before" in notes.log
    assert [line for line in reader.lines if "exter" in line] == ["[exter] after"]
    assert reader.lines[-1] == f"[dispose] {machine.id}"
    assert machine.take_log() == []


def test_lines_can_be_taken_from_an_idle_machine() -> None:
    """The next transition does not have them then."""
    machine = machine_of()
    notes = noted(machine)
    machine.take_log()
    machine.log("idle")
    assert machine.take_log() == [LogEntry(LogLevel.EXTERNAL, "[exter] idle")]
    machine.add("A")
    assert not [line for line in notes.log if "idle" in line]


def test_lines_without_room_are_counted() -> None:
    """Who reads the rest is told."""
    machine = machine_of(log_level=LogLevel.EXTERNAL)
    for i in range(1003):
        machine.log(f"line {i}")
    taken = machine.take_log()
    assert (len(taken), taken[-1].text) == (1001, "[log] 3 more lines dropped")
    assert machine.take_log() == []
