"""A machine's moment as data: which states it has, and how often each of them has ticked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from am_core.clock import Time
from am_core.errors import AmError

LARGEST: Final = 2**64 - 1
"""Ticks are written as unsigned integers of 64 bits."""
_KEYS: Final = ("id", "time", "state_names", "queue_tick", "machine_tick")
_REQUIRED: Final = _KEYS[:3]


class SnapshotError(AmError):
    """A snapshot cannot be read, or does not belong to the machine. ``problems`` lists every reason found."""

    def __init__(self, problems: Iterable[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("snapshot error: " + "; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a machine was at one moment; see ``Machine.export``. Immutable."""

    id: str
    """Id of the machine."""
    time: Time
    """Ticks by index; odd ticks are those of active states."""
    state_names: tuple[str, ...]
    """The states in index order."""
    queue_tick: int = 0
    """Queue tick at that moment, 0 where it is not known. For information: a restored machine starts again at 1."""
    machine_tick: int = 0
    """How often the machine had been restored."""

    def active_states(self) -> list[str]:
        """Names of the active states in index order."""
        return [self.state_names[i] for i in self.time.active_states()]

    def to_dict(self) -> dict[str, Any]:
        """Text, integers and lists, ready for JSON and YAML; for :meth:`from_dict`."""
        return {
            "id": self.id,
            "time": [int(tick) for tick in self.time],
            "state_names": [str(name) for name in self.state_names],
            "queue_tick": self.queue_tick,
            "machine_tick": self.machine_tick,
        }

    @classmethod
    def from_dict(cls, data: object) -> Snapshot:
        """A snapshot from what a JSON or YAML file holds. The two last keys may be missing.

        Raises :class:`SnapshotError` listing everything that is not as it should be.
        """
        if not isinstance(data, Mapping):
            raise SnapshotError(f"{_shown(data)} was given, a mapping with the keys {', '.join(_KEYS)} was expected")
        problems = list(_problems(data))
        if problems:
            raise SnapshotError(problems)
        return cls(
            data["id"],
            Time(data["time"]),
            tuple(data["state_names"]),
            data.get("queue_tick", 0),
            data.get("machine_tick", 0),
        )


def _problems(data: Mapping[Any, Any]) -> Iterator[str]:
    for key in data:
        if key not in _KEYS:
            near = get_close_matches(str(key).lower(), _KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_KEYS)}"
            yield f"unknown key {_shown(key)}; {hint}"
    yield from (f"{key} is missing" for key in _REQUIRED if key not in data)
    if "id" in data and not (isinstance(data["id"], str) and data["id"]):
        yield f"id is {_shown(data['id'])}, text was expected"
    names, time = data.get("state_names"), data.get("time")
    if "state_names" in data:
        yield from _name_problems(names)
    if "time" in data:
        if not isinstance(time, (list, tuple)):
            yield f"time is {_shown(time)}, a list of ticks was expected"
        else:
            yield from (_tick_problem(f"tick {i} of time", tick) for i, tick in enumerate(time) if not _is_tick(tick))
            if isinstance(names, (list, tuple)) and len(names) != len(time):
                yield f"there are {len(names)} state_names and {len(time)} ticks in time, as many were expected"
    for key in ("queue_tick", "machine_tick"):
        if key in data and not _is_tick(data[key]):
            yield _tick_problem(key, data[key])


def _name_problems(names: object) -> Iterator[str]:
    if not isinstance(names, (list, tuple)):
        yield f"state_names is {_shown(names)}, a list of names was expected"
        return
    seen: set[str] = set()
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name:
            yield f"name {i} of state_names is {_shown(name)}, text was expected"
        elif name in seen:
            yield f"state_names has {_shown(name)} more than once"
        else:
            seen.add(name)


def _is_tick(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _tick_problem(what: str, value: object) -> str:
    return f"{what} is {_shown(value)}, a whole number from 0 to 2^64-1 was expected"


def _shown(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
