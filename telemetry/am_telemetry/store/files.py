"""Opening and closing the SQLite files behind recordings, with checks that give a clear answer."""

from __future__ import annotations

import contextlib
import difflib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from am_telemetry.store import layouts, schema
from am_telemetry.store.errors import (
    NewerSessionError,
    SessionExistsError,
    SessionMissingError,
    StorageError,
    damaged,
    from_sqlite,
    not_a_session,
)
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.paths import SUFFIX, sessions_dir

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_SIZE: Final = 100
_BUSY_S: Final = 5.0


def create(path: Path) -> tuple[WriterLock, sqlite3.Connection]:
    """A new, laid out database and the right to write to it.

    Raises:
        SessionExistsError: there is something already.
        StorageError: the folder is missing or not writable.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError as error:
        raise SessionExistsError(f"{path} exists already.", "Choose another name, or remove it first.") from error
    except OSError as error:
        raise StorageError(
            f"{path} cannot be made: {error.strerror}.", "Check that its folder exists and can be written to."
        ) from error
    lock: WriterLock | None = None
    connection: sqlite3.Connection | None = None
    try:
        lock = WriterLock(path)
        connection = _connect_writer(path)
        schema.create(connection)
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        connection.execute("INSERT INTO meta VALUES ('created', ?)", (moment,))
        connection.execute("INSERT INTO meta VALUES ('made_by', ?)", (f"am-dbg {_tool_version()}",))
        layouts.declare(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if lock is not None:
            lock.release()
        _remove(path)
        if isinstance(error, sqlite3.Error):
            raise from_sqlite(path, error) from error
        raise
    return lock, connection


def open_writable(path: Path) -> tuple[WriterLock, sqlite3.Connection]:
    """An existing session file, to record further into it.

    A file of an older layout is brought up to date, after a copy of it was made: see :func:`backup`.

    Raises:
        StoreError: see :mod:`am_telemetry.store.errors`.
    """
    version = check(path)
    if version > schema.USER_VERSION:
        raise _too_new(path, version, "It can be looked at, but only a later am-dbg can record into it.")
    lock = WriterLock(path)
    connection: sqlite3.Connection | None = None
    try:
        connection = _connect_writer(path)
        if version < schema.USER_VERSION:
            backup(path, f"layout{version}")
            schema.migrate(connection, version)
            layouts.declare(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        lock.release()
        if isinstance(error, sqlite3.Error):
            raise from_sqlite(path, error) from error
        raise
    return lock, connection


def open_readonly(path: Path) -> sqlite3.Connection:
    """An existing session file of any layout that can be read, only to read it.

    Raises:
        StoreError: see :mod:`am_telemetry.store.errors`.
    """
    _check_header(path)
    connection = _connect_plain_reader(path)
    try:
        _check_layout(connection, path)
        _prepare_reader(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection that may be closed by another thread. Other layouts look like the present one to it.

    Raises:
        StoreError: the file cannot be opened, or lacks something without which it cannot be read.
    """
    connection = _connect_plain_reader(path)
    try:
        _prepare_reader(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_reader(connection: sqlite3.Connection, path: Path) -> None:
    try:
        if layouts.layout_of(connection) != schema.USER_VERSION:
            layouts.bridge(connection)
        connection.execute("PRAGMA query_only = ON")
    except layouts.LayoutError as error:
        raise damaged(path, str(error)) from error
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error


def _connect_plain_reader(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            _uri(path, "ro"), uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error


def backup(path: Path, why: str) -> Path:
    """A copy of a session file beside it, ``NAME.db.WHY.bak``, made before something is changed in it.

    Raises:
        StoreError: it cannot be made.
    """
    target, count = path.with_name(f"{path.name}.{why}.bak"), 2
    while target.exists():
        target, count = path.with_name(f"{path.name}.{why}-{count}.bak"), count + 1
    try:
        copy(path, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def copy(path: Path, target: Path) -> None:
    """A copy of a database as it stands at one moment, also while somebody writes to it.

    Raises:
        StoreError: the source cannot be read, or the target cannot be written.
    """
    source = _connect_plain_reader(path)
    try:
        with contextlib.closing(sqlite3.connect(target)) as connection:
            source.backup(connection)
            # Of a file that is being written to, the copy would expect companions.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error
    finally:
        source.close()


def close_writable(connection: sqlite3.Connection) -> None:
    """Leave a single file behind when nobody else has it open."""
    try:
        # Somebody reading the file in another process keeps it in WAL mode; their close does the rest.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA busy_timeout = 200")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


def _where_to_look(path: Path) -> str:
    """The nearest names beside a file that does not exist, or where recordings are kept."""
    beside = [file.name for file in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"Recordings are kept in {sessions_dir()}."


def check(path: Path) -> int:
    """Look whether a path is a usable session file, without reading all of it.

    Returns:
        The version of its layout.

    Raises:
        SessionMissingError, NotASessionError, NewerSessionError, DamagedSessionError, StorageError: it is not.
    """
    _check_header(path)
    with contextlib.closing(_connect_plain_reader(path)) as connection:
        return _check_layout(connection, path)


def _check_header(path: Path) -> None:
    if not path.exists():
        raise SessionMissingError(f"{path} does not exist.", _where_to_look(path))
    if path.is_dir():
        raise not_a_session(path)
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not size:
        raise damaged(path, "it is empty")
    if not header.startswith(_MAGIC):
        raise not_a_session(path)
    if len(header) < _HEADER_SIZE:
        raise damaged(path, "it ends within its header")
    application_id = int.from_bytes(header[68:72], "big")
    wal = path.with_name(path.name + "-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    if application_id != schema.APPLICATION_ID and not has_wal:
        raise not_a_session(path)
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if not has_wal and pages * (65_536 if page_size == 1 else page_size) > size:
        raise damaged(path, "it ends too early")


def _check_layout(connection: sqlite3.Connection, path: Path) -> int:
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
            raise not_a_session(path)
        version = layouts.layout_of(connection)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        missing = sorted({"machines", "transitions", "patterns", "schemas", "meta"} - tables)
        if missing:
            raise damaged(path, f"the table {missing[0]} is missing")
        if not layouts.may_read(connection):
            raise _too_new(path, version, "Update am-dbg to open it.")
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error
    except UnicodeDecodeError as error:
        raise damaged(path, "a name in it is not text") from error
    return version


def _too_new(path: Path, version: int, hint: str) -> NewerSessionError:
    return NewerSessionError(
        f"{path} was recorded by a later am-dbg (layout {version}, this one knows {schema.USER_VERSION}).", hint
    )


def notice(path: Path) -> str:
    """What somebody who looks at a readable file should know about its layout; empty for the present one.

    Raises:
        StoreError: see :func:`check`.
    """
    version = check(path)
    if version > schema.USER_VERSION:
        return (
            f"{path} was recorded by a later am-dbg (layout {version}, this one knows {schema.USER_VERSION});"
            " what is new in it is not shown."
        )
    return ""


def _connect_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        _uri(path, "rw"), uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -16384")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_beside(path: Path) -> sqlite3.Connection:
    """A connection for a short change to a session that another program records.

    Raises:
        StoreError: the file cannot be opened, or that program is of another version.
    """
    version = check(path)
    if version != schema.USER_VERSION:
        raise StorageError(
            f"{path} is being recorded by another version of am-dbg (layout {version}, not {schema.USER_VERSION}).",
            "Use that one, or wait until it has ended.",
        )
    try:
        return sqlite3.connect(_uri(path, "rw"), uri=True, timeout=_BUSY_S, isolation_level=None)
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error


def read_only_uri(path: Path) -> str:
    """For ``ATTACH``."""
    return _uri(path, "ro")


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def _tool_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("am-dbg")
    except PackageNotFoundError:
        return "unknown"
