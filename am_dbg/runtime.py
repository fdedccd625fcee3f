"""Hubs that run on this computer: each leaves a note about itself in the user's runtime folder while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from am_telemetry.store.lock import has_writer

_SUFFIX = ".json"
_MAX_SOCKET_PATH = 100
"""Systems allow 104 to 108 bytes."""


@dataclass(frozen=True, slots=True)
class RunningHub:
    """What a hub says about itself."""

    pid: int
    port: int
    addresses: list[str]
    """Where programs may report to, the Unix socket included."""
    session: str
    """Path of the file it records into."""

    @property
    def path(self) -> Path:
        return Path(self.session)


def runtime_dir() -> Path:
    """The folder of notes and sockets: ``$AM_DBG_RUNTIME_DIR``, or ``am-dbg`` in the user's runtime folder."""
    override = os.environ.get("AM_DBG_RUNTIME_DIR", "")
    if override:
        return Path(override).expanduser()
    import warnings

    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that there is a fallback, which is checked below
        return user_runtime_path("am-dbg", appauthor=False)


def private_runtime_dir() -> Path | None:
    """The folder, made if need be; None when it cannot be made, or others could change what is in it."""
    folder = runtime_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    if sys.platform != "win32" and (
        not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022
    ):
        return None
    return folder


def socket_path(port: int) -> Path | None:
    """Where the hub on a port makes its Unix socket; None where that is not possible."""
    folder = private_runtime_dir()
    if sys.platform == "win32" or folder is None:
        return None
    path = folder / f"{port}.sock"
    return path if len(os.fsencode(path)) <= _MAX_SOCKET_PATH else None


class Note:
    """A hub's note, from construction to :meth:`remove`. Without a private folder nothing is written."""

    def __init__(self, hub: RunningHub) -> None:
        self._path: Path | None = None
        folder = private_runtime_dir()
        if folder is None:
            return
        _sweep(folder)
        path = folder / f"{hub.port or hub.pid}{_SUFFIX}"
        draft = path.with_name(f".{path.name}.{hub.pid}")
        with contextlib.suppress(OSError):  # a convenience for others; the hub works without
            draft.write_text(json.dumps(asdict(hub)), "utf-8")
            draft.chmod(0o600)
            draft.replace(path)
            self._path = path

    def remove(self) -> None:
        """Harmless when repeated."""
        path, self._path = self._path, None
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()


def _sweep(folder: Path) -> None:
    """Remove what killed hubs have left behind."""
    for path in folder.glob(f"*{_SUFFIX}"):
        hub = _read(path)
        if hub is None or not has_writer(hub.path):
            for left in (path, path.with_suffix(".sock")):
                with contextlib.suppress(OSError):
                    left.unlink()


def running_hubs() -> list[RunningHub]:
    """The hubs of this user that are recording right now, by port. Notes of dead ones are ignored."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(runtime_dir().glob(f"*{_SUFFIX}")):
            hub = _read(path)
            if hub is not None and has_writer(hub.path):
                found.append(hub)
    return sorted(found, key=lambda hub: hub.port)


def hub_on(port: int) -> RunningHub | None:
    """The running hub that listens on a port."""
    return next((hub for hub in running_hubs() if hub.port == port), None)


def _read(path: Path) -> RunningHub | None:
    try:
        values = json.loads(path.read_text("utf-8"))
        hub = RunningHub(**{field.name: values[field.name] for field in fields(RunningHub)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    texts = isinstance(hub.session, str) and isinstance(hub.addresses, list)
    return hub if texts and isinstance(hub.port, int) and isinstance(hub.pid, int) else None
