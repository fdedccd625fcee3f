"""How somebody left the debugger, so that it begins like that the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from am_dbg.session import Session
from am_dbg.session.layout import Layout, Shares
from am_dbg.session.log_options import LogTimes
from am_dbg.ui.state_files import damaged, read_json, state_dir, write_json
from am_dbg.ui.themes import CHOICES, DARK

_MOST_SHARE = 90
"""Percent of the window that a pane on the left can be remembered to take."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept between runs. Filters are not: nobody should look for transitions that were hidden last week."""

    view: str = Layout.TREE_LOG.value
    theme: str = DARK
    reader: bool | None = None
    log_level: int = 2
    log_times: str = LogTimes.SECOND.value
    log_wrap: bool = False
    log_traces: bool = False
    untouched: bool = False
    touched_first: bool = True
    machines_share: int = 0
    schema_share: int = 0
    lists_share: int = 0

    @classmethod
    def of(cls, session: Session, theme: str) -> Self:
        """What a session looks like now."""
        return cls(
            view=session.layout.value,
            theme=theme if theme in CHOICES else DARK,
            reader=session.reader,
            log_level=session.log_level,
            log_times=session.log.times.value,
            log_wrap=session.log.wrap,
            log_traces=session.log.traces,
            untouched=session.untouched,
            touched_first=session.touched_first,
            machines_share=session.shares.machines,
            schema_share=session.shares.schema,
            lists_share=session.shares.lists,
        )

    def apply(self, session: Session) -> None:
        """Make a session look like that."""
        session.layout = Layout(self.view)
        session.reader = self.reader
        session.filters = session.filters.with_level(self.log_level)
        session.log = replace(session.log, times=LogTimes(self.log_times), wrap=self.log_wrap, traces=self.log_traces)
        session.untouched = self.untouched
        session.touched_first = self.touched_first
        session.shares = Shares(self.machines_share, self.schema_share, self.lists_share)


def remembered_path() -> Path:
    """The file of one user. Need not exist."""
    return state_dir() / "layout.json"


def recall(path: Path) -> tuple[Remembered | None, str]:
    """What was kept, or None; and what is wrong with the file, empty when it is fine or was never there."""
    values, problem = read_json(path)
    if problem or (values is None and not path.exists()):
        return None, problem
    try:
        return _read(values), ""
    except (ValueError, TypeError, KeyError):
        return None, damaged(path)


def keep(path: Path, remembered: Remembered) -> str:
    """Write for the next run, at once or not at all. Returns what went wrong, empty when nothing did."""
    return write_json(path, asdict(remembered))


def _read(values: Any) -> Remembered:
    """Raises ValueError, TypeError or KeyError for what was not written by ``keep``; newer fields are left out."""
    if not isinstance(values, Mapping):
        raise TypeError("not an object")
    default = Remembered()
    known: dict[str, Any] = {}
    for name, standard in asdict(default).items():
        value = values.get(name, standard)
        kinds = (bool, type(None)) if name == "reader" else (type(standard),)
        if type(value) not in kinds:
            raise TypeError(name)
        known[name] = value
    Layout(known["view"])
    if not all(0 <= known[name] <= _MOST_SHARE for name in ("machines_share", "schema_share", "lists_share")):
        raise ValueError("shares of the window")
    LogTimes(known["log_times"])
    if known["theme"] not in CHOICES:
        raise ValueError(known["theme"])
    return Remembered(**known)
