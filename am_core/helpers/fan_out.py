"""Fan-out and fan-in: one state starts many tasks, a few at a time, and another one follows when all are done."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from random import Random
from typing import Any

from am_core.errors import SchemaError
from am_core.handling.handlers import Event
from am_core.machine import Machine
from am_core.resolution.mutation import ADD, REMOVE, Result
from am_core.schemas.schema import State

Task = Callable[[int, str, str], object]
"""Starts a task: gets its number, the state it is active in, and the state to add when it is done. Must be quick, or a
coroutine function, which runs as long as the state is active."""


class FanOut:
    """What :func:`fan_out_in` has added to a machine."""

    __slots__ = (
        "_ends", "_fn", "_number", "_random", "binding", "concurrency", "done", "done_states", "machine", "name",
        "tasks",
    )  # fmt: skip

    def __init__(self, machine: Machine, name: str, total: int, concurrency: int, fn: Task, random: Random) -> None:
        self.machine = machine
        self.name = name
        """The state that starts tasks whenever it is added."""
        self.concurrency = concurrency
        """How many tasks are active at a time. May be changed; counts from the next time ``name`` is added."""
        self.tasks = tuple([f"{name}{i}" for i in range(total)])
        """The states of the tasks."""
        self.done_states = tuple([f"{task}Done" for task in self.tasks])
        """To be added when a task is done, in the order of the tasks."""
        self.done = f"{name}Done"
        """Active when all tasks are done."""
        self.binding = ""
        """Id of the handlers' binding."""
        self._fn = fn
        self._random = random
        self._number = {task: i for i, task in enumerate(self.tasks)}
        self._ends = frozenset(self.done_states)

    def run(self, args: dict[str, Any] | None = None) -> Result:
        """Start, or start all over: tasks are no longer done nor active, then ``name`` is added.

        What earlier tasks have set going is not stopped by this.
        """
        old = self.machine.active_states([self.done, *self.done_states, *self.tasks])
        if old:
            self.machine.remove(old)
        return self.machine.add(self.name, args)

    def remaining(self) -> list[str]:
        """Tasks that are neither active nor done."""
        active = set(self.machine.active_states())
        pairs = zip(self.tasks, self.done_states, strict=True)
        return [task for task, done in pairs if task not in active and done not in active]

    def AnyState(self, e: Event) -> None:
        """Start tasks when ``name`` was called, and the functions of tasks that were called."""
        if e.mutation.type is REMOVE:
            return
        failure: Exception | None = None
        for state in e.transition.called_states():
            if state not in e.machine:
                continue
            if state == self.name:
                self._start(e)
            elif state in self._number:
                try:
                    work = self._fn(self._number[state], state, f"{state}Done")
                    if iscoroutine(work):
                        e.machine.fork(work, ctx=e.machine.state_ctx(state))
                except Exception as error:  # noqa: BLE001 - raised below, when the other tasks have been started
                    failure = failure or error
            elif state in self._ends:
                e.machine.add(self.name)
        if failure is not None:
            raise failure

    def _start(self, e: Event) -> None:
        """Add as many tasks as there is room for, chosen at random."""
        machine = e.machine
        # Those that are queued already will be active before anything that is queued now.
        names = machine.states
        coming = {names[i] for m in machine.queue() if m.type is ADD and not m.is_check for i in m.called}
        busy = self._number.keys() & coming.union(machine.active_states())
        free = self.concurrency - len(busy)
        waiting = [task for task in self.remaining() if task not in busy] if free > 0 else []
        free = min(free, len(waiting))
        for task in self._random.sample(waiting, max(0, free)):
            machine.add(task)


def fan_out_in(
    machine: Machine, name: str, total: int, concurrency: int, fn: Task, *, random: Random | None = None
) -> FanOut:
    """Run ``total`` tasks, ``concurrency`` at a time, each time the state ``name`` is added.

    The machine needs the states ``name`` and ``nameDone``. It gets a state per task, ``name0``, ``name1`` … with the
    definition of ``name``, and ``name0Done`` …, each of which removes its task. ``nameDone`` becomes automatic: it
    requires that all tasks are done, and removes ``name``. A task whose state is called has its function called, in an
    ``AnyState`` handler; somebody, later, adds its ``…Done`` state, which starts the next one. The order is random.

    What the function raises becomes an ``Exception`` of the machine as with any handler. The state of that task stays
    active and occupies its place, until it is removed; once it is, the task is started again the next time ``name``
    is added.

    Args:
        fn: see :data:`Task`.
        random: chooses the tasks, for orders that can be repeated.

    Raises:
        SchemaError: a state is missing, or one of the new ones exists; or a transition is running.
        ValueError: ``total`` or ``concurrency`` is not positive.
    """
    if total < 1 or concurrency < 1:
        raise ValueError(f"a fan-out needs at least one task at a time, got {total} tasks and {concurrency} at a time")
    schema = machine.schema()
    # Which task comes first is no secret.
    fan = FanOut(machine, name, total, concurrency, fn, random or Random())  # noqa: S311 - see above
    problems = [f"missing state {state}, which fan_out_in needs" for state in (name, fan.done) if state not in schema]
    problems += [f"state {state} exists already" for state in (*fan.tasks, *fan.done_states) if state in schema]
    if problems:
        raise SchemaError(problems)
    new = dict.fromkeys(fan.tasks, schema[name])
    new |= {done: State(remove=[task]) for task, done in zip(fan.tasks, fan.done_states, strict=True)}
    old = schema[fan.done]
    schema[fan.done] = old.extend(State(auto=True, require=fan.done_states, remove=[name]))
    machine.set_schema({**schema, **new}, [*machine.states, *new])
    fan.binding = machine.bind({"AnyState": fan.AnyState}, id=f"fan-out-{name}")
    return fan
