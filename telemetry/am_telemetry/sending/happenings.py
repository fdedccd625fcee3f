"""What a program's threads leave in the ring besides transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from am_telemetry.sending.wait_notes import WaitHappening


@dataclass(frozen=True, slots=True)
class Appeared:
    """A machine is to be announced. Everything is of the moment it was met, because it may be gone soon after."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]
    parent: str
    tags: tuple[str, ...]
    clock: tuple[int, ...]
    sequence: int
    id_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A machine got another schema."""

    names: tuple[str, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    """A machine's ticks were replaced, which took the number of a transition."""

    sequence: int
    clock: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vanished:
    """A machine was disposed, or is garbage."""

    reason: str = "disposed"
    still_logs: bool = False
    """Lines may follow, logged while it ends."""


@dataclass(frozen=True, slots=True)
class LateLog:
    """Lines logged after a machine's last transition, when no other one has followed."""

    sequence: int
    """Of that transition."""
    entries: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class StillRunning:
    """A transition that takes long and is not over."""

    sequence: int
    started_ns: int
    mutation: int
    called: tuple[int, ...]
    auto: bool
    handler: str
    """The one that was called last, empty for none."""
    timed_out: bool


@dataclass(frozen=True, slots=True)
class HandlersRan:
    """How long the handlers of the transition took that is noted next."""

    sequence: int
    runs: tuple[tuple[str, int, int], ...]
    """(name, nanoseconds from the start of the transition, nanoseconds)."""


@dataclass(frozen=True, slots=True)
class DetailChanged:
    """As much as this is to be told of a machine from now on."""

    level: int


Happening = (
    Appeared | Reshaped | Restored | Vanished | LateLog | StillRunning | HandlersRan | DetailChanged | WaitHappening
)
