"""Pipes at work: the handlers of a source, and what is known about them on both machines."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from am_core.engine.forking import unlock
from am_core.errors import HandlerBindError
from am_core.facets.pipe_info import PipeKind, forget_pipe, register_pipe
from am_core.handling.handlers import Event
from am_core.logs import OPS
from am_core.machine import Machine
from am_core.resolution.mutation import ADD, REMOVE, MutationType
from am_core.schemas.names import EXCEPTION

ERROR_PREFIX: Final = "Err"


class Pipe:
    """A final handler of a source machine that mutates a target machine.

    Both machines list it until one of them is disposed or the handler is detached.
    """

    __slots__ = ("__weakref__", "_call", "_source", "id", "kind", "source_state", "target", "target_state")

    def __init__(
        self,
        source: Machine,
        target: Machine,
        source_state: str,
        target_state: str,
        kind: PipeKind,
        call: Callable[[Machine, Event], None],
    ) -> None:
        self._source = weakref.ref(source)
        self._call = call
        self.target = target
        self.source_state = source_state
        self.target_state = target_state
        self.kind: PipeKind = kind
        self.id = register_pipe(source, target, source_state, target_state, kind)
        if source.log_level >= OPS:
            source._log(OPS, f"[pipe-out:{kind}] {source_state} to {target.id}")
        if target.log_level >= OPS:
            target._log(OPS, f"[pipe-in:{kind}] {target_state} from {source.id}")
        _ends.enter(source, target, self.id)

    def __call__(self, e: Event) -> None:
        if not self.target.disposed:
            self._call(self.target, e)

    def on_detach(self) -> None:
        """The handler is not bound any more, so this is no pipe any more."""
        source = self._source()
        _ends.leave(self.id, (source, self.target) if source is not None else (self.target,))

    def __repr__(self) -> str:
        return f"<Pipe {self.source_state} {self.kind} {self.target_state} of {self.target.id}>"


class _End(NamedTuple):
    """A pipe as one of its machines remembers it."""

    other: weakref.ref[Machine]
    binding: str
    """Id of its binding on the source, where that is known."""
    is_target: bool


class _Ends:
    """Who is at the other end of each machine's pipes. Thread-safe; refers to no machine strongly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_machine: WeakKeyDictionary[Machine, dict[int, _End]] = WeakKeyDictionary()
        self.orphans: deque[tuple[weakref.ref[Machine], int]] = deque()
        """Pipes of machines that became garbage without being disposed. The garbage collector may run at any place,
        so nothing more than this is done from within it."""

    def enter(self, source: Machine, target: Machine, pipe: int) -> None:
        self.sweep()
        sides = ((source, target, False),) if source is target else ((source, target, False), (target, source, True))
        for machine, other, is_target in sides:
            ref, orphans = weakref.ref(machine), self.orphans

            def gone(
                _: object, ref: weakref.ref[Machine] = ref, orphans: deque[tuple[weakref.ref[Machine], int]] = orphans
            ) -> None:
                orphans.append((ref, pipe))

            with self.lock:
                is_first = machine not in self.by_machine
                self.by_machine.setdefault(machine, {})[pipe] = _End(weakref.ref(other, gone), "", is_target)
            if is_first:
                machine.on_dispose(self.close)

    def bound(self, target: Machine, pipes: list[int], binding: str) -> None:
        """Note which binding of the source the pipes belong to."""
        with self.lock:
            ends = self.by_machine.get(target, {})
            for pipe in pipes:
                if pipe in ends:
                    ends[pipe] = ends[pipe]._replace(binding=binding)

    def leave(self, pipe: int, machines: tuple[Machine, ...]) -> None:
        for machine in machines:
            with self.lock:
                self.by_machine.get(machine, {}).pop(pipe, None)
            forget_pipe(machine, pipe)

    def sweep(self) -> None:
        """Forget the pipes of garbage."""
        while self.orphans:
            try:
                ref, pipe = self.orphans.popleft()
            except IndexError:
                return  # another thread was quicker
            machine = ref()
            if machine is not None:
                self.leave(pipe, (machine,))

    def close(self, machine: Machine, _: object = None) -> None:
        """A machine is being disposed: the others forget the pipes to and from it."""
        with self.lock:
            ends = self.by_machine.pop(machine, {})
        told: set[int] = set()
        detached: set[tuple[int, str]] = set()
        for pipe, (ref, binding, is_target) in ends.items():
            forget_pipe(machine, pipe)
            other = ref()
            if other is None:
                continue
            self.leave(pipe, (other,))
            if id(other) not in told and other.log_level >= OPS:
                other._log(OPS, f"[pipe:gc] {machine.id}")
            told.add(id(other))
            # The handlers are of no use any more, and would keep the disposed machine alive.
            if is_target and binding and (id(other), binding) not in detached:
                detach(other, binding)
            detached.add((id(other), binding))


_ends: Final = _Ends()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: unlock(_ends.lock))


def bind_pipes(source: Machine, target: Machine, pipes: Mapping[str, Pipe], label: str) -> str:
    """Bind pipes by the names of their handlers; returns the binding's id. Nothing stays when that fails."""
    numbers = [pipe.id for pipe in pipes.values()]
    try:
        binding = source.bind(pipes, id=f"pipe-{target.id}-{label}-{numbers[0]}")
    except BaseException:
        for pipe in pipes.values():
            pipe.on_detach()
        raise
    _ends.bound(target, numbers, binding)
    if target.disposed:
        # By another thread, which could not know the binding yet.
        detach(source, binding)
    return binding


def detach(machine: Machine, binding: str) -> None:
    """Detach a binding unless somebody else has just done so."""
    with suppress(HandlerBindError):
        machine.detach(binding)


def forward(kind: MutationType, state: str) -> Callable[[Machine, Event], None]:
    """Queue a mutation of the target, with the arguments of the source's."""
    states = [state, EXCEPTION] if kind is ADD and state.startswith(ERROR_PREFIX) else [state]

    def call(target: Machine, e: Event) -> None:
        # A copy, since handlers of the source may still change theirs.
        target.post(kind, states, dict(e.args) if e.args else None, event=e)

    return call


def forward_flat(kind: MutationType, state: str) -> Callable[[Machine, Event], None]:
    """Mutate the target now, without arguments, unless it is so already."""
    states = [state, EXCEPTION] if kind is ADD and state.startswith(ERROR_PREFIX) else [state]

    def call(target: Machine, e: Event) -> None:
        # A busy machine may be about to lose what it has, so only an idle one is believed.
        idle = not target.queue_len() and target.transition is None
        if idle and (target.not1(state) if kind is REMOVE else target.is_(states)):
            return
        if kind is ADD:
            target.add(states, event=e)
        else:
            target.remove(states, event=e)

    return call
