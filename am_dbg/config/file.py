"""The settings file: read with the line of every entry, so that what is wrong can be shown where it is.

Nothing here raises for what a person may have written: a problem costs the entry it is in, and is reported.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from am_dbg.config.declarations import BY_KEY
from am_dbg.config.kinds import Value, shown

CONFIG_VARIABLE: Final = "AM_DBG_CONFIG"
KEYS_TABLE: Final = "keys"
_TABLE: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_ENTRY: Final = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=""")
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a settings file, or in a variable, that has no effect."""

    where: str
    """``config.toml:12``, or the name of a variable."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the line it begins in, 0 when that is not known."""

    value: Value
    line: int


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a settings file says."""

    path: Path
    entries: Mapping[str, Entry] = field(default_factory=dict)
    """By the key of the setting."""
    keys: Mapping[str, Entry] = field(default_factory=dict)
    """The table of keys: id of an action to the keys, as written."""
    problems: tuple[Problem, ...] = ()

    def place(self, line: int) -> str:
        """``config.toml:12``."""
        return f"{self.path.name}:{line}" if line else self.path.name


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """The settings file: ``$AM_DBG_CONFIG``, or ``config.toml`` in the user's folder of settings. Need not exist."""
    env = os.environ if environ is None else environ
    override = env.get(CONFIG_VARIABLE, "")
    if override:
        return Path(override).expanduser()
    from platformdirs import user_config_path

    return user_config_path("am-dbg", appauthor=False) / "config.toml"


def read_file(path: Path, *, wanted: bool = False) -> ConfigFile:
    """Read a settings file. One that is not there is empty.

    Args:
        path: the file.
        wanted: whether somebody asked for just this file, so that its absence is a problem.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        missing = Problem(CONFIG_VARIABLE, f"there is no file {path}", "make it: am-dbg config set KEY VALUE")
        return ConfigFile(path, problems=(missing,) if wanted else ())
    except OSError as error:
        return ConfigFile(path, problems=(Problem(str(path), f"cannot be read: {error.strerror or error}"),))
    if len(raw) > _MOST_BYTES:
        return ConfigFile(path, problems=(Problem(str(path), "is too large for a settings file"),))
    try:
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return ConfigFile(path, problems=(_broken(path, error),))
    return _Reading(path, text).read(data)


def _broken(path: Path, error: Exception) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    where = f"{path.name}:{found[1]}" if found else path.name
    words = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).partition(" (at ")[0]
    return Problem(where, f"this is no TOML, so nothing of the file counts: {words}", "texts stand in quotes")


class _Reading:
    def __init__(self, path: Path, text: str) -> None:
        self._file = path.name
        self._path = path
        self._lines = dict(_lines(text))
        self._problems: list[Problem] = []

    def read(self, data: Mapping[str, Any]) -> ConfigFile:
        entries: dict[str, Entry] = {}
        keys: dict[str, Entry] = {}
        for key, value in _flat(data):
            line = self._lines.get(key, 0)
            setting = BY_KEY.get(key)
            if setting is not None:
                try:
                    entries[key] = Entry(setting.kind.read(value), line)
                except ValueError as error:
                    hint = ""
                    if setting.fallback is not None:
                        entries[key] = Entry(setting.fallback, line)
                        hint = f"{shown(setting.fallback)} counts instead"
                    self._report(line, f"{key}: {error}", hint)
            elif key.startswith(f"{KEYS_TABLE}."):
                self._read_keys(key.removeprefix(f"{KEYS_TABLE}."), value, line, keys)
            else:
                self._report(line, f"there is no setting {key!r}", nearest_setting(key))
        return ConfigFile(self._path, entries, keys, tuple(self._problems))

    def _read_keys(self, action: str, value: object, line: int, keys: dict[str, Entry]) -> None:
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(key, str) for key in value):
            keys[action] = Entry(tuple(value), line)
        else:
            self._report(line, f'{action}: keys are a list of texts, such as ["x", "ctrl+k"], not {shown(value)}')

    def _report(self, line: int, message: str, hint: str = "") -> None:
        self._problems.append(Problem(f"{self._file}:{line}" if line else self._file, message, hint))


def _flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and key not in BY_KEY:
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Dotted keys and the lines they begin in. Good enough for people's files; a key it misses is shown without."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _TABLE.fullmatch(line)
        if header:
            table = _unquoted(header[1]) + "."
            continue
        entry = _ENTRY.match(line)
        if entry:
            yield table + _unquoted(entry[1]), number


def _unquoted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split(".")) if key[:1] not in "\"'" else key[1:-1]


def nearest_setting(key: str) -> str:
    """A hint about what may have been meant by a key that does not exist."""
    near = difflib.get_close_matches(key, BY_KEY, 1)
    if not near:
        name = key.rpartition(".")[2]
        near = [known for known in BY_KEY if known.rpartition(".")[2] == name]
    return f"did you mean {near[0]!r}?" if near else "am-dbg config show lists them all"
