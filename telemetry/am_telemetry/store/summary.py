"""What a session file holds at a glance, without reading its transitions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from am_telemetry.store import files
from am_telemetry.store.errors import StoreError, damaged, from_sqlite
from am_telemetry.store.lock import has_writer
from am_telemetry.store.paths import SUFFIX

_SIDECARS: Final = ("-wal", "-shm", "-journal")
COMPANIONS: Final = (*_SIDECARS, *("-search" + suffix for suffix in ("", *_SIDECARS)))
"""Suffixes of what belongs to a session file and goes with it: what SQLite puts beside it, and the search index with
the same. Copies made before a repair are not among it."""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session file. Everything but path, size and liveness is empty where ``trouble`` says why."""

    path: Path
    size: int
    """Bytes, together with what belongs to the file."""
    live: bool
    """A program is recording into it."""
    modified_ns: int
    """When it was last written to, by this computer's clock."""
    began_ns: int = 0
    last_ns: int = 0
    """Its last transition, by the clocks of the recorded programs."""
    services: tuple[str, ...] = ()
    """Names of the programs, in order of appearance."""
    machines: int = 0
    """Runs of machines."""
    transitions: int = 0
    errors: int = 0
    """Transitions into an error state."""
    gaps: int = 0
    lost: int = 0
    """Transitions that never arrived."""
    bookmarks: int = 0
    removed: int = 0
    """Transitions that retention has taken away; they count nowhere else."""
    trouble: str = ""
    """Why the file cannot be read; empty when all is well."""

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def problems(self) -> int:
        """Errors and holes."""
        return self.errors + self.gaps


def summarize(path: Path) -> SessionSummary:
    """Look into a session file. Never raises for a file that is none, or is damaged: see ``trouble``."""
    size, live, modified = size_on_disk(path), has_writer(path), _modified_ns(path)
    try:
        connection = files.open_readonly(path)
        try:
            return _read(connection, path, size, live, modified)
        except sqlite3.Error as error:
            raise from_sqlite(path, error) from error
        except (UnicodeDecodeError, TypeError) as error:
            raise damaged(path, "a row cannot be understood") from error
        finally:
            connection.close()
    except StoreError as error:
        return SessionSummary(path, size, live, modified, modified, modified, trouble=error.message)


def size_on_disk(path: Path) -> int:
    """Bytes of a session file and of what belongs to it; 0 for what is not there."""
    total = 0
    for suffix in ("", *COMPANIONS):
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except OSError:
            continue
    return total


def _read(connection: sqlite3.Connection, path: Path, size: int, live: bool, modified_ns: int) -> SessionSummary:
    services: dict[str, None] = {}
    began, last = 0, 0
    for name, first_ns, last_ns in connection.execute(
        "SELECT name, first_seen_ns, last_seen_ns FROM processes ORDER BY id"
    ):
        services[name] = None
        began = min(began or first_ns, first_ns)
        last = max(last, last_ns)
    transitions, lost, last_at = connection.execute(
        "SELECT coalesce(sum(transitions), 0), coalesce(sum(lost), 0), coalesce(max(last_at_ns), 0) FROM machine_clocks"
    ).fetchone()
    machines, started, errors, gaps, bookmarks, removed, gone = connection.execute(
        "SELECT (SELECT count(*) FROM machines), (SELECT coalesce(min(started_ns), 0) FROM machines),"
        " (SELECT count(*) FROM errors), (SELECT count(*) FROM gaps WHERE reason <> 'restored'),"
        " (SELECT count(*) FROM bookmarks),"
        " (SELECT coalesce(sum(last_number - first_number + 1), 0) FROM removals),"
        " (SELECT coalesce(sum(lost), 0) FROM removals)"
    ).fetchone()
    return SessionSummary(
        path=path,
        size=size,
        live=live,
        modified_ns=modified_ns,
        began_ns=min(filter(None, (began, started)), default=modified_ns),
        last_ns=last_at or last or modified_ns,
        services=tuple(services),
        machines=machines,
        transitions=transitions - removed,
        errors=errors,
        gaps=gaps,
        lost=lost - gone,
        bookmarks=bookmarks,
        removed=removed,
    )


def _modified_ns(path: Path) -> int:
    latest = 0
    for name in (path.name, path.name + "-wal"):
        try:
            latest = max(latest, path.with_name(name).stat().st_mtime_ns)
        except OSError:
            continue
    return latest
