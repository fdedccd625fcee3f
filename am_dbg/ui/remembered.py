"""How somebody left the debugger, so that it begins like that the next time."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from am_dbg.session import Session
from am_dbg.session.layout import Layout
from am_dbg.session.log_options import LogTimes
from am_dbg.ui.themes import DARK, LIGHT

_MOST_BYTES = 100_000


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

    @classmethod
    def of(cls, session: Session, theme: str) -> Self:
        """What a session looks like now."""
        return cls(
            view=session.layout.value,
            theme=theme if theme in (DARK, LIGHT) else DARK,
            reader=session.reader,
            log_level=session.log_level,
            log_times=session.log.times.value,
            log_wrap=session.log.wrap,
            log_traces=session.log.traces,
            untouched=session.untouched,
            touched_first=session.touched_first,
        )

    def apply(self, session: Session) -> None:
        """Make a session look like that."""
        session.layout = Layout(self.view)
        session.reader = self.reader
        session.filters = session.filters.with_level(self.log_level)
        session.log = replace(session.log, times=LogTimes(self.log_times), wrap=self.log_wrap, traces=self.log_traces)
        session.untouched = self.untouched
        session.touched_first = self.touched_first


def remembered_path() -> Path:
    """The file of one user. Need not exist."""
    from platformdirs import user_state_path

    return user_state_path("am-dbg", appauthor=False) / "layout.json"


def recall(path: Path) -> tuple[Remembered | None, str]:
    """What was kept, or None; and what is wrong with the file, empty when it is fine or was never there."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MOST_BYTES))
        return _read(values), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path} cannot be read: {error.strerror or error}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, f"{path} is damaged, so nothing was remembered; it will be written anew"


def keep(path: Path, remembered: Remembered) -> str:
    """Write for the next run, at once or not at all. Returns what went wrong, empty when nothing did."""
    draft: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        draft = Path(name)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(asdict(remembered), file, indent=2)
        draft.replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink()
        return f"{path} cannot be written: {error.strerror or error}"
    return ""


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
    LogTimes(known["log_times"])
    if known["theme"] not in (DARK, LIGHT):
        raise ValueError(known["theme"])
    return Remembered(**known)
