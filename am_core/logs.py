"""Log levels, entries, and the text of arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from am_core.errors import AmError

Logger = Callable[[int, str], object]
"""Receives the level and the finished line."""
ArgsMapper = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""Chooses which arguments are logged, and how."""


class LogLevel(IntEnum):
    """How much a machine tells; a line is logged when its level is not above the machine's."""

    NOTHING = 0
    EXTERNAL = 1
    CHANGES = 2
    OPS = 3
    DECISIONS = 4
    EVERYTHING = 5

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, value: str | int) -> LogLevel:
        """A level from its number or name; unknown ones mean nothing."""
        text = str(value).strip()
        if text.isdecimal():
            return cls(min(int(text), cls.EVERYTHING))
        return cls.__members__.get(text.upper(), cls.NOTHING)


def log_level_of(value: str | int) -> int:
    """The level that a program has written down. Raises :class:`AmError` for one that does not exist, as nothing would
    be logged for a typing error otherwise."""
    level = LogLevel.parse(value)
    if not level and str(value).strip().lower() not in ("0", "nothing"):
        names = ", ".join(map(str, LogLevel))
        raise AmError(f"there is no log level {value!r}; levels are 0 to {int(max(LogLevel))}, or {names}")
    return int(level)


# Plain integers for comparisons in the hot path.
EXTERNAL: Final = 1
CHANGES: Final = 2
OPS: Final = 3
DECISIONS: Final = 4
EVERYTHING: Final = 5

ID_LENGTH: Final = 5
KEPT_TWINS: Final = ("[pipe-", "[ctx", "[when")
LOGGED_ARGS: Final = ("name", "id", "port", "addr", "err", "path", "url", "uri")


class LogEntry(NamedTuple):
    """One logged line, without the machine's id."""

    level: int
    text: str


def log_args_mapper(max_len: int = 20, names: Iterable[str] = LOGGED_ARGS) -> ArgsMapper:
    """A mapper that picks some arguments by name and shortens their text."""
    chosen = tuple(names)

    def mapper(args: Mapping[str, Any]) -> dict[str, str]:
        return {name: shorten(str(args[name]), max_len) for name in chosen if name in args}

    return mapper


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, ending in dots where that leaves room for some text."""
    if len(text) <= limit:
        return text
    return text[:limit] if limit < 5 else text[: limit - 3] + "..."


def describe(error: BaseException) -> str:
    """The message of an exception, or its type's name when it has none, or cannot tell it."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - an error about an error; the type is what is left to say
        return type(error).__name__


def args_text(args: Mapping[str, Any], mapper: ArgsMapper | None) -> str:
    """`` (a=1 b=2)`` sorted by name, or nothing; the mapper's error when it fails, so that only the log suffers."""
    if not args or mapper is None:
        return ""
    try:
        shown = mapper(args)
        return f" ({' '.join(f'{key}={shown[key]}' for key in sorted(shown))})" if shown else ""
    except Exception as error:  # noqa: BLE001 - the mapper, and the texts of arguments, are the program's code
        return f" (log_args failed: {describe(error)})"


class LogBuffer:
    """Lines logged between transitions, waiting for the next transition to take them. Bounded."""

    __slots__ = ("dropped", "entries")
    LIMIT: Final = 1000

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.dropped = 0
        """How many lines found no room since the last :meth:`take`."""

    def add(self, entry: LogEntry) -> None:
        """Keep a line unless it repeats the one before."""
        entries = self.entries
        if entries and entries[-1].text == entry.text and not entry.text.startswith(KEPT_TWINS):
            return
        if len(entries) < self.LIMIT:
            entries.append(entry)
        else:
            self.dropped += 1

    def take(self) -> list[LogEntry]:
        """Everything so far, and how much there was no room for; the buffer is empty afterwards."""
        taken, self.entries = self.entries, []
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            taken.append(LogEntry(EXTERNAL, f"[log] {dropped} more lines dropped"))
        return taken
