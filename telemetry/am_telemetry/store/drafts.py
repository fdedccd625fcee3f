"""New session files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from am_telemetry.store.errors import SessionExistsError, StorageError
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.summary import COMPANIONS

_DRAFT: Final = re.compile(r"\..+-[0-9a-f]{8}")


@contextlib.contextmanager
def draft_of(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A path for an unfinished file beside its target; it gets its name when the block ends well.

    Whatever goes wrong, the folder looks afterwards as it did before.

    Args:
        target: the path of the finished file.
        replace: an existing file gives way, unless a program is recording into it.

    Raises:
        SessionExistsError: there is something at the target already.
        SessionLockedError: a program is recording into the target.
        StorageError: the folder cannot be written to.
    """
    if not replace and target.exists():
        raise _exists(target)
    folder = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}"
    try:
        # Inside, so that an interrupt that strikes right after it leaves nothing behind.
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise StorageError(
                f"{target} cannot be made: {error.strerror}.", "Check that its folder exists and can be written to."
            ) from error
        yield folder / target.name
        _publish(folder / target.name, target, replace)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale_drafts(folder: Path, older_than_s: float = 86_400.0) -> int:
    """Remove unfinished files that programs left in a folder because they were killed; returns how many.

    Args:
        folder: where finished files are.
        older_than_s: nobody works on one that was not touched for so long.
    """
    removed = 0
    limit = time.time() - older_than_s
    for draft in folder.glob(".*"):
        try:
            is_stale = _DRAFT.fullmatch(draft.name) and draft.is_dir() and draft.stat().st_mtime < limit
        except OSError:  # somebody else was quicker
            continue
        if is_stale:
            shutil.rmtree(draft, ignore_errors=True)
            removed += 1
    return removed


def _publish(draft: Path, target: Path, replace: bool) -> None:
    lock = WriterLock(target)
    try:
        if target.exists():
            if not replace:
                raise _exists(target)
            for suffix in COMPANIONS:
                target.with_name(target.name + suffix).unlink(missing_ok=True)
        draft.replace(target)
    except OSError as error:
        raise StorageError(f"{target} cannot be made: {error.strerror}.", "Check its permissions.") from error
    finally:
        lock.release()


def _exists(target: Path) -> SessionExistsError:
    return SessionExistsError(f"{target} exists already.", "Choose another name, or remove it first.")
