"""One writer per session file: an advisory lock on a file beside it.

The operating system drops the lock when the process dies, however it dies, so a lock never outlives its holder; what a
dead holder leaves behind is an unlocked file that the next one takes over.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from am_telemetry.store.errors import SessionLockedError, StorageError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    _probe = _lock
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # Not lockf: POSIX record locks vanish when any descriptor of the file is closed anywhere in the process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _probe(descriptor: int) -> None:
        # Shared, so that two who only ask do not take each other for a writer.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


class WriterLock:
    """Held from construction to :meth:`release`. Construction and release may happen on different threads.

    Args:
        path: the session file, which need not exist.

    Raises:
        SessionLockedError: somebody else holds it.
        StorageError: the lock file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + "-lock")
        while True:
            descriptor = self._open()
            try:
                _lock(descriptor)
            except OSError as error:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise SessionLockedError(
                    f"Another program{holder} is writing to {path}.",
                    "Attach to that one, or record into another file.",
                ) from error
            if self._is_current(descriptor):
                break
            os.close(descriptor)
        os.truncate(descriptor, 0)
        os.write(descriptor, b" %d" % os.getpid())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back and remove its file. Harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        if sys.platform == "win32":
            os.close(descriptor)
        # Removed before it is unlocked: who locks the orphaned file afterwards sees that it is not the one at the path.
        with contextlib.suppress(OSError):
            self._path.unlink()
        if sys.platform != "win32":
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be made: {error.strerror}.", "Check that its folder exists and can be written to."
            ) from error

    def _is_current(self, descriptor: int) -> bool:
        """Whether the locked file was not removed by its holder before."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except OSError:
            return False


def has_writer(path: Path) -> bool:
    """Whether a living process holds the lock of a session file. Touches nothing."""
    try:
        descriptor = os.open(path.with_name(path.name + "-lock"), os.O_RDONLY)
    except OSError:
        return False
    try:
        _probe(descriptor)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _read_holder(descriptor: int) -> str:
    """`` (process 123)``, or nothing when the holder has not written it yet."""
    try:
        # The first byte may be locked on Windows.
        os.lseek(descriptor, 1, os.SEEK_SET)
        number = os.read(descriptor, 20)
    except OSError:
        return ""
    return f" (process {int(number)})" if number.isdigit() else ""
