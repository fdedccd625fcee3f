"""Changes of the settings file that leave everything else in it as people wrote it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from am_dbg.config.kinds import Value
from am_dbg.errors import AmDbgError, ExitCode


def set_value(path: Path, table: str, name: str, value: Value) -> None:
    """Write one entry, making file, folder and table if need be.

    Raises:
        AmDbgError: the file is no TOML, or cannot be written.
    """
    import tomlkit

    document = _read(path)
    if table not in document:
        document[table] = tomlkit.table()
    entries = document[table]
    if not isinstance(entries, MutableMapping):
        raise AmDbgError(f"{path}: {table} is no table", "correct it with an editor", ExitCode.BAD_DATA)
    entries[name] = list(value) if isinstance(value, tuple) else value
    write_atomically(path, tomlkit.dumps(document))


def remove_value(path: Path, table: str, name: str) -> bool:
    """Take one entry out, and its table when nothing is left in it. Returns whether it was there.

    Raises:
        AmDbgError: the file is no TOML, or cannot be written.
    """
    import tomlkit

    document = _read(path)
    entries: Any = document.get(table)
    if not isinstance(entries, MutableMapping) or name not in entries:
        return False
    del entries[name]
    if not entries and not _comments(entries):
        del document[table]
    write_atomically(path, tomlkit.dumps(document))
    return True


def write_atomically(path: Path, text: str) -> None:
    """Replace a file at once: whoever reads it sees the old or the new text. Follows links.

    Raises:
        AmDbgError: it cannot be written.
    """
    target = path.resolve()
    draft: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        draft = Path(name)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            draft.chmod(target.stat().st_mode & 0o777)
        draft.replace(target)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink()
        raise AmDbgError(
            f"{path} cannot be written: {error.strerror or error}", "name another file with AM_DBG_CONFIG"
        ) from error


def _read(path: Path) -> Any:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise AmDbgError(f"{path} cannot be read: {error.strerror or error}", "") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise AmDbgError(
            f"{path} is no TOML: {error}", "correct it with an editor, or move it away", ExitCode.BAD_DATA
        ) from error


def _comments(table: Any) -> bool:
    body = cast("Sequence[tuple[object, Any]]", getattr(getattr(table, "value", None), "body", ()))
    return any("#" in item.as_string() for _, item in body if hasattr(item, "as_string"))
