"""Checks of the folders and of what was recorded."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_dbg.commands.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from am_dbg.config.resolving import Config

_DEFAULT_FREE: Final = "256MB"


def look(config: Config) -> Iterator[Finding]:
    """Whether the folders can be used, and whether there is room."""
    from am_dbg.runtime import runtime_dir
    from am_dbg.ui.remembered import remembered_path
    from am_telemetry.store.paths import sessions_dir

    yield from _folder("sessions", sessions_dir, needed=True)
    yield from _folder("settings", lambda: config.file.path.parent, needed=False)
    yield from _folder("state", lambda: remembered_path().parent, needed=False)
    yield from _folder("sockets", runtime_dir, needed=False)
    yield from _room(sessions_dir(), str(config.value("hub.min_free") or _DEFAULT_FREE))


def sessions() -> Iterator[Finding]:
    """What is recorded, and whether all of it can be read."""
    from am_telemetry.store.folder import summaries
    from am_telemetry.store.paths import sessions_dir

    folder = sessions_dir()
    if not folder.is_dir():
        yield ok("recorded", "nothing yet; am-dbg demo shows what it would look like")
        return
    found = summaries(folder)
    size = sum(session.size for session in found)
    yield ok("recorded", f"{len(found)} sessions, {size / 1e6:,.0f} MB, {sum(s.live for s in found)} of them live")
    for session in found:
        if session.trouble:
            yield warn(session.name, _first_line(session.trouble), f"am-dbg sessions check {session.path}")


def _folder(name: str, find: Callable[[], Path], *, needed: bool) -> Iterator[Finding]:
    problem = fail if needed else warn
    try:
        folder = find()
    except (OSError, RuntimeError) as error:  # there may be no home at all
        yield problem(name, f"cannot be told: {error}", "set HOME, or the variable for the folder")
        return
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        yield problem(name, f"{there} is no folder, so {folder} cannot be made", "move it away, or set another folder")
    elif not os.access(there, os.W_OK | os.X_OK) or (there == folder and not _writable(folder)):
        verb = "cannot be written to" if there == folder else f"cannot be made in {there}"
        yield problem(name, f"{folder} {verb}", f"change its permissions, or set another folder ({_variable(name)})")
    else:
        yield ok(name, str(folder) if there == folder else f"{folder}, made when it is needed")


def _variable(name: str) -> str:
    return {
        "sessions": "AM_DBG_DIR",
        "settings": "AM_DBG_CONFIG",
        "state": "XDG_STATE_HOME",
        "sockets": "AM_DBG_RUNTIME_DIR",
    }[name]


def _writable(folder: Path) -> bool:
    """Permissions do not tell of file systems that are read-only or full."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".am-dbg-doctor-"):
            return True
    except OSError:
        return False


def _room(folder: Path, wanted: str) -> Iterator[Finding]:
    from am_telemetry.store.limits import parse_size

    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        yield warn("room", f"{there} cannot be looked at: {error.strerror}")
        return
    text = f"{free / 1e9:,.1f} GB free"
    if free < parse_size(wanted):
        yield fail("room", f"{text}, {wanted} should be", "am-dbg sessions rm removes what is not needed any more")
    else:
        yield ok("room", text)


def _first_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text.partition("\n")[0][:300])
