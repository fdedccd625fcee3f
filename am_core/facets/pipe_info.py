"""Which pipes lead out of a machine and into it: records for whoever looks at the machine from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from am_core.facets.observed import ObservedMachine
from am_core.waiting.wait_info import next_id

PipeKind = Literal["add", "remove"]
Direction = Literal["out", "in"]


@dataclass(frozen=True, slots=True)
class PipeInfo:
    """One pipe as one of its two machines sees it. Both see the same ``id``, which is unique in the process."""

    id: int
    source_machine_id: str
    target_machine_id: str
    source_state: str
    """State, or final handler, of the source machine that sets the pipe going."""
    target_state: str
    kind: PipeKind
    """What happens to ``target_state``."""
    direction: Direction
    """``out`` on the source machine, ``in`` on the target."""


class PipedMachine(ObservedMachine):
    """The part of a machine that knows about its pipes. Thread-safe."""

    __slots__ = ("_pipes",)

    _pipes: dict[tuple[int, Direction], PipeInfo] | None
    """None until there is one."""

    def pipes(self) -> list[PipeInfo]:
        """Every pipe from or to this machine, oldest first."""
        with self._lock:
            return list(self._pipes.values()) if self._pipes else []

    def _enter_pipe(self, info: PipeInfo) -> None:
        with self._lock:
            if self._pipes is None:
                self._pipes = {}
            self._pipes[info.id, info.direction] = info
        if self._hooks.pipe_added:
            self._fire(self._hooks.pipe_added, self, info)

    def _leave_pipe(self, pipe_id: int, direction: Direction) -> bool:
        with self._lock:
            info = self._pipes.pop((pipe_id, direction), None) if self._pipes else None
        if info is not None and self._hooks.pipe_removed:
            self._fire(self._hooks.pipe_removed, self, info)
        return info is not None


def register_pipe(
    source: PipedMachine, target: PipedMachine, source_state: str, target_state: str, kind: PipeKind
) -> int:
    """Note a pipe on both of its machines and tell their tracers; returns its id. Thread-safe."""
    out = PipeInfo(next_id(), source.id, target.id, source_state, target_state, kind, "out")
    source._enter_pipe(out)
    target._enter_pipe(replace(out, direction="in"))
    return out.id


def forget_pipe(machine: PipedMachine, pipe_id: int) -> bool:
    """Remove a pipe from the notes of one of its machines and tell its tracers; False when it was not there."""
    gone = [machine._leave_pipe(pipe_id, direction) for direction in ("out", "in")]
    return any(gone)
