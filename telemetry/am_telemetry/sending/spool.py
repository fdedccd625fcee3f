"""Unsent batches on disk: what a program could not deliver survives its end, and the next one delivers it.

One folder per session inside the spool folder, with numbered, append-only segment files. A record is a header (first
and last record number, length, CRC-32; big-endian) and a serialised ``ClientFrame`` that defines everything it uses.
What was cut off by a crash fails its checksum and ends its segment. The folder is locked while its process lives, so
whoever can lock it may take over what is left.

What was written survives the end of the process in any case. To survive a power failure it has to be flushed to the
disk, which happens at most once per interval, and only for what no hub has acknowledged by then.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

logger = logging.getLogger("am_telemetry")

SEGMENT_BYTES: Final = 8 * 1024 * 1024
MAX_BYTES: Final = 512 * 1024 * 1024
"""Of one session; beyond that its oldest segments are given up."""
HELLO: Final = "hello"
LOCK: Final = "lock"
RETRY: Final = 5.0
"""Seconds after which a disk that refused is tried again."""
_HEADER: Final = struct.Struct(">QQII")
_SUFFIX: Final = ".segment"


class Place(NamedTuple):
    """Where a record is."""

    segment: int
    offset: int
    length: int


@dataclass(slots=True)
class _Segment:
    number: int
    size: int = 0
    last_seq: int = 0


class Spool:
    """The folder of one session, for the process that writes it. Not thread-safe. Nothing here raises.

    Args:
        folder: of all sessions.
        session: this one's id.
        hello: the frame with which it introduces itself, serialised.
        max_bytes: on disk, about.
        sync: seconds between flushes to the disk; 0 for none.
    """

    def __init__(
        self, folder: Path, session: bytes, hello: bytes, max_bytes: int = MAX_BYTES, sync: float = 0.0
    ) -> None:
        self._path = folder / session.hex()
        self._max_bytes = max_bytes
        self._segments: list[_Segment] = []
        self._file = -1
        self._lock: int | None = None
        self._sync = sync
        self._sync_at = time.monotonic() + sync
        self._synced_seq = self._acked_seq = 0
        self._retry_at = 0.0
        self.failed = False
        """The disk refused; it is tried again after a while."""
        try:
            self._path.mkdir(mode=0o700, parents=True)
            self._lock = lock_folder(self._path)
            (self._path / HELLO).write_bytes(hello)
            self._sync_names(self._path.parent)
        except OSError as error:
            self._fail(error)
            self._retry_at = float("inf")

    def append(self, first_seq: int, last_seq: int, frame: bytes) -> Place | None:
        """Write a record; None when it could not be written."""
        if self.failed and time.monotonic() < self._retry_at:
            return None
        try:
            # What follows a record that was cut off would never be found.
            if self.failed or not self._segments or self._segments[-1].size >= SEGMENT_BYTES:
                self._begin_segment()
            segment = self._segments[-1]
            data = _HEADER.pack(first_seq, last_seq, len(frame), zlib.crc32(frame)) + frame
            written = os.write(self._file, data)
            if written < len(data):
                raise OSError("the disk is full")
        except OSError as error:
            self._fail(error)
            return None
        self.failed = False
        place = Place(segment.number, segment.size + _HEADER.size, len(frame))
        segment.size += len(data)
        segment.last_seq = last_seq
        while len(self._segments) > 1 and sum(segment.size for segment in self._segments) > self._max_bytes:
            self._remove(self._segments.pop(0))
        return place

    def read(self, place: Place) -> bytes | None:
        """A record's frame; None when it is gone."""
        try:
            with self._name(place.segment).open("rb") as file:
                file.seek(place.offset)
                frame = file.read(place.length)
        except OSError:
            return None
        return frame if len(frame) == place.length else None

    def acknowledged(self, upto_seq: int) -> None:
        """Everything up to a record number is durable at the hub; drops the segments that hold nothing else."""
        self._acked_seq = upto_seq
        while self._segments and self._segments[0].last_seq <= upto_seq and len(self._segments) > 1:
            self._remove(self._segments.pop(0))

    def sync_if_due(self) -> None:
        """Flush to the disk what was written, when it is time and there is something that no hub has."""
        if self._sync and self._segments and time.monotonic() >= self._sync_at:
            self._flush()
            self._sync_at = time.monotonic() + self._sync

    def close(self, delivered: bool) -> None:
        """Let go of the folder, and remove it when there is nothing left to deliver."""
        if delivered:
            # Locked until it is gone, so that nobody takes it over.
            self._close_file()
            shutil.rmtree(self._path, ignore_errors=True)
        elif self._sync:
            self._flush()
        self.let_go()

    def let_go(self) -> None:
        """Close what is open, and leave the folder as it is. Also for the child of a fork, which must not lock it."""
        self._close_file()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _begin_segment(self) -> None:
        number = self._segments[-1].number + 1 if self._segments else 1
        if self._sync:
            self._flush()
        self._close_file()
        self._file = os.open(self._name(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self._segments.append(_Segment(number))
        self._sync_names(self._path)

    def _close_file(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _flush(self) -> None:
        last = self._segments[-1].last_seq if self._segments else 0
        if self._file < 0 or last <= max(self._synced_seq, self._acked_seq):
            return
        try:
            os.fsync(self._file)
            self._synced_seq = last
        except OSError as error:
            self._fail(error)

    def _sync_names(self, folder: Path) -> None:
        """Flush the names in a folder, without which its files are not found again."""
        if not self._sync or sys.platform == "win32":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _name(self, number: int) -> Path:
        return self._path / f"{number:08}{_SUFFIX}"

    def _remove(self, segment: _Segment) -> None:
        with contextlib.suppress(OSError):
            self._name(segment.number).unlink()

    def _fail(self, error: OSError) -> None:
        level = logging.DEBUG if self.failed else logging.WARNING
        self.failed = True
        self._retry_at = time.monotonic() + RETRY
        logger.log(
            level,
            "nothing is spooled in %s for now (%s); what happens is kept in memory only, and counted in stats.omitted",
            self._path,
            error.strerror or error,
        )


def lock_folder(path: Path) -> int | None:
    """Take a session's folder over; None while its process lives. Close the descriptor to give it back."""
    try:
        descriptor = os.open(path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """(first, last, frame) of every whole record in a session's folder, in order.

    Raises:
        OSError: a file cannot be read.
    """
    for name in sorted(entry for entry in path.iterdir() if entry.suffix == _SUFFIX):
        with name.open("rb") as file:
            while len(header := file.read(_HEADER.size)) == _HEADER.size:
                first, last, length, checksum = _HEADER.unpack(header)
                frame = file.read(length)
                if len(frame) < length or zlib.crc32(frame) != checksum:
                    break
                yield first, last, frame


def leftovers(folder: Path) -> list[Path]:
    """Folders of sessions, some of which may be left by processes that are gone; the oldest first."""
    try:
        found = [path for path in folder.iterdir() if (path / HELLO).is_file()]
        return sorted(found, key=lambda path: (path / HELLO).stat().st_mtime)
    except OSError:
        return []
