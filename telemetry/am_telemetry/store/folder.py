"""The folder of session files: listing it, finding a session by name, removing sessions."""

from __future__ import annotations

import contextlib
import difflib
import os
import time
from pathlib import Path

from am_telemetry.store import retention
from am_telemetry.store.errors import (
    SessionExistsError,
    SessionLockedError,
    SessionMissingError,
    StorageError,
    StoreError,
)
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.paths import SUFFIX, sessions_dir
from am_telemetry.store.summary import COMPANIONS, SessionSummary, summarize


def session_paths(folder: Path | None = None) -> list[Path]:
    """Session files of a folder, by name; none when there is no such folder.

    Raises:
        StorageError: the folder cannot be read.
    """
    place = sessions_dir() if folder is None else folder
    try:
        with os.scandir(place) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"{place} cannot be read: {error.strerror}.", "Check its permissions.") from error
    return [place / name for name in sorted(names)]


def summaries(folder: Path | None = None) -> list[SessionSummary]:
    """All sessions of a folder, the last written ones last.

    Raises:
        StorageError: the folder cannot be read.
    """
    found = [summarize(path) for path in session_paths(folder)]
    return sorted(found, key=lambda session: (session.modified_ns, session.path))


def find(text: str, folder: Path | None = None) -> Path:
    """The session file that somebody means: a path, a name in the folder, the unique beginning of one, or ``last``.

    Raises:
        SessionMissingError: there is none, or several begin like that.
    """
    path = Path(text).expanduser()
    if path.is_file():
        return path
    known = session_paths(folder)
    by_name = {candidate.name.removesuffix(SUFFIX): candidate for candidate in known}
    name = text.removesuffix(SUFFIX)
    if name in by_name:
        return by_name[name]
    if text == "last" and known:
        return max(known, key=_modified)
    fitting = [candidate for stem, candidate in by_name.items() if stem.startswith(name)] if name else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        newest_first = sorted(fitting, key=_modified, reverse=True)
        names = [candidate.name.removesuffix(SUFFIX) for candidate in newest_first]
        raise SessionMissingError(f"{len(fitting)} sessions begin with {text!r}.", f"Name one of them: {_some(names)}.")
    near = difflib.get_close_matches(name, by_name, n=3)
    place = sessions_dir() if folder is None else folder
    hint = f"Did you mean {' or '.join(near)}?" if near else f"`am-dbg sessions` lists those in {place}."
    raise SessionMissingError(f"There is no session {text!r}.", hint)


def remove(path: Path) -> None:
    """Delete a session file and what belongs to it.

    Raises:
        SessionMissingError: there is no such file.
        SessionLockedError: a program is recording into it.
        StorageError: it cannot be removed.
    """
    if not path.is_file():
        raise SessionMissingError(f"{path} does not exist.", "`am-dbg sessions` lists those that do.")
    try:
        lock = WriterLock(path)
    except SessionLockedError as error:
        raise SessionLockedError(f"{path} is being recorded.", "End the program that records it first.") from error
    try:
        path.unlink()
        for suffix in COMPANIONS:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()
    except OSError as error:
        raise StorageError(f"{path} cannot be removed: {error.strerror}.", "Check the permissions.") from error
    finally:
        lock.release()


def rename(path: Path, name: str) -> Path:
    """Give a session file another name in its folder; what belongs to it comes along.

    Args:
        path: the session file.
        name: the new name, with or without its suffix.

    Returns:
        The new path.

    Raises:
        SessionMissingError: there is no such file.
        SessionExistsError: the name is taken.
        SessionLockedError: a program is recording into it.
        StorageError: the name cannot be used, or the file cannot be renamed.
    """
    if not path.is_file():
        raise SessionMissingError(f"{path} does not exist.", "`am-dbg sessions` lists those that do.")
    stem = name.strip().removesuffix(SUFFIX)
    if not stem or stem.startswith(".") or any(char in "/\\\0" for char in stem):
        raise StorageError(f"{name!r} is no name for a session.", "Use letters, digits, blanks and -_. in it.")
    target = path.with_name(stem + SUFFIX)
    if target.exists():
        raise SessionExistsError(f"{target.name} exists already.", "Choose another name.")
    try:
        lock = WriterLock(path)
    except SessionLockedError as error:
        raise SessionLockedError(f"{path} is being recorded.", "End the program that records it first.") from error
    try:
        for suffix in COMPANIONS:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
        path.rename(target)
    except OSError as error:
        raise StorageError(f"{path} cannot be renamed: {error.strerror}.", "Check the permissions.") from error
    finally:
        lock.release()
    return target


def collect_garbage(
    policy: retention.Policy, folder: Path | None = None, now_ns: int | None = None
) -> tuple[list[retention.Verdict], list[StoreError]]:
    """Remove what a policy says.

    Returns:
        What was removed, and what could not be.

    Raises:
        StorageError: the folder cannot be read.
    """
    if not policy.limited:
        return [], []
    removed: list[retention.Verdict] = []
    failures: list[StoreError] = []
    for verdict in retention.choose(summaries(folder), policy, time.time_ns() if now_ns is None else now_ns):
        try:
            remove(verdict.session.path)
        except StoreError as error:
            failures.append(error)
        else:
            removed.append(verdict)
    return removed, failures


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _some(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
