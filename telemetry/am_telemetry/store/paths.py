"""Where session files live, and how new ones are named."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

SUFFIX = ".db"


def sessions_dir() -> Path:
    """The folder of session files: ``$AM_DBG_DIR``, or ``sessions`` in the user's data folder. Need not exist."""
    override = os.environ.get("AM_DBG_DIR", "")
    if override:
        return Path(override).expanduser()
    # Finding the user's folders is the only need for this package; the override spares its import.
    from platformdirs import user_data_path

    return user_data_path("am-dbg", appauthor=False) / "sessions"


def made_sessions_dir() -> Path:
    """The folder of session files, which is made where it is missing.

    Raises:
        StorageError: it cannot be made.
    """
    folder = sessions_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from am_telemetry.store.errors import StorageError

        reason = "there is a file of that name" if folder.is_file() else error.strerror or str(error)
        raise StorageError(
            f"The folder of sessions, {folder}, cannot be made: {reason}.",
            "Name another one, AM_DBG_DIR=/path/to/folder, or a file of your own with the command.",
        ) from error
    return folder


def new_session_path(label: str = "", now: datetime | None = None) -> Path:
    """A path that does not exist yet, such as ``…/sessions/2025-01-31-14-05-09-demo.db``; its folder is created.

    Args:
        label: added to the name; characters that are unusual in file names are replaced.
        now: moment in the name, local time; the present by default.

    Raises:
        StorageError: the folder cannot be created.
    """
    folder = made_sessions_dir()
    moment = (now or datetime.now(UTC).astimezone()).strftime("%Y-%m-%d-%H-%M-%S")
    words = "".join(char if char.isalnum() or char in "._-" else "-" for char in label).strip("-.")[:64]
    stem = f"{moment}-{words}" if words else moment
    path = folder / f"{stem}{SUFFIX}"
    count = 2
    while path.exists():
        path = folder / f"{stem}-{count}{SUFFIX}"
        count += 1
    return path
