"""Where one user stopped in each session, as small files in the state folder. Session files are never written to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from am_dbg.session.continuing import Position, Stop
from am_dbg.session.filters import Filter
from am_dbg.session.log_options import LogScope
from am_dbg.ui.state_files import damaged, read_json, state_dir, write_json

MOST_SESSIONS: Final = 300
"""Of as many sessions it is remembered where one stopped; the oldest are forgotten."""


def stop_path(created: str) -> Path:
    """The file for a session; copies of the session share it.

    Args:
        created: what the session tells about its making.
    """
    digest = hashlib.blake2b(created.encode("utf-8", "replace"), digest_size=12).hexdigest()
    return state_dir() / "stops" / f"{digest}.json"


def recall_stop(path: Path) -> tuple[Stop | None, str]:
    """Where one stopped, or None; and what is wrong with the file, empty when it is fine or was never there."""
    values, problem = read_json(path)
    if values is None:
        return None, problem
    try:
        return _read(values), ""
    except (ValueError, TypeError, KeyError):
        return None, damaged(path)


def keep_stop(path: Path, stop: Stop) -> str:
    """Remember. Returns what went wrong, empty when nothing did."""
    problem = write_json(path, _written(stop))
    if not problem:
        _forget_oldest(path.parent)
    return problem


def _forget_oldest(folder: Path) -> None:
    with suppress(OSError):  # tidying up is not worth a message
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MOST_SESSIONS]:
            file.unlink()


def _written(stop: Stop) -> dict[str, Any]:
    return {
        "selected": _position_written(stop.selected),
        "anchor": None if stop.anchor is None else _position_written(stop.anchor),
        "moment_ns": stop.moment_ns,
        "step": stop.step,
        "state": stop.state,
        "kept_states": list(stop.kept_states),
        "hidden": sorted(kind.value for kind in stop.hidden),
        "only": sorted(kind.value for kind in stop.only),
        "group": stop.group,
        "pinned": sorted(stop.pinned),
        "log_levels": dict(stop.log_levels),
        "log_scope": stop.log_scope.value,
        "expanded": sorted(stop.expanded),
        "visited": [_position_written(position) for position in stop.visited],
        "visited_at": stop.visited_at,
    }


def _position_written(position: Position) -> dict[str, Any]:
    return {"machine": position.machine, "run": position.run, "number": position.number}


def _read(values: Any) -> Stop:
    """Raises ValueError, TypeError or KeyError for what was not written by ``keep_stop``."""
    values = _typed(values, Mapping)
    anchor = values["anchor"]
    return Stop(
        selected=_position(values["selected"]),
        anchor=None if anchor is None else _position(anchor),
        moment_ns=_typed(values["moment_ns"], int),
        step=_typed(values["step"], int),
        state=_typed(values["state"], str),
        kept_states=tuple(_texts(values.get("kept_states", []))),
        hidden=frozenset(map(Filter, _texts(values["hidden"]))),
        only=frozenset(map(Filter, _texts(values["only"]))),
        group=_typed(values.get("group", ""), str),
        pinned=frozenset(_texts(values["pinned"])),
        log_levels=tuple((name, _typed(level, int)) for name, level in _typed(values["log_levels"], Mapping).items()),
        log_scope=LogScope(values["log_scope"]),
        expanded=frozenset(_texts(values["expanded"])),
        visited=tuple(_position(value) for value in _typed(values.get("visited", []), list)),
        visited_at=_typed(values.get("visited_at", -1), int),
    )


def _position(value: Any) -> Position:
    value = _typed(value, Mapping)
    return Position(_typed(value["machine"], str), _typed(value["run"], int), _typed(value["number"], int))


def _texts(value: Any) -> Sequence[str]:
    return [_typed(text, str) for text in _typed(value, list)]


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(kind.__name__)
    return value
