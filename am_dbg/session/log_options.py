"""How the log is shown: of which machines, with which times, wrapped or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, TypeVar


class LogScope(StrEnum):
    """Whose transitions the log lists."""

    MACHINE = "machine"
    """Those of the selected machine."""
    PINNED = "pinned"
    """Those of all pinned machines, merged by time."""
    ALL = "all"
    """Those of every machine, merged by time."""


class LogTimes(StrEnum):
    """Where the log tells the time. The order is that of the key that goes through them."""

    SECOND = "second"
    """A row wherever the second changes."""
    MINUTE = "minute"
    """A row wherever the minute changes."""
    EACH = "each"
    """The time of day to the millisecond before each transition."""
    RELATIVE = "relative"
    """How long before or after the cursor, before each transition."""
    OFF = "off"


SCOPE_TITLES: Final[dict[LogScope, str]] = {
    LogScope.MACHINE: "the selected machine",
    LogScope.PINNED: "the pinned machines, merged by time",
    LogScope.ALL: "all machines, merged by time",
}
TIMES_TITLES: Final[dict[LogTimes, str]] = {
    LogTimes.SECOND: "wherever the second changes",
    LogTimes.MINUTE: "wherever the minute changes",
    LogTimes.EACH: "before each transition, to the millisecond",
    LogTimes.RELATIVE: "before each transition, relative to the cursor",
    LogTimes.OFF: "not shown",
}

LogOption = Literal["scope", "times", "wrap", "traces"]

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What belongs to the log alone. Which transitions it lists is up to the filters, which texts up to the level."""

    scope: LogScope = LogScope.MACHINE
    times: LogTimes = LogTimes.SECOND
    wrap: bool = False
    """Whether long lines go on in the next row instead of ending at the edge."""
    traces: bool = False
    """Whether the further lines of an entry, such as a stack trace, are shown instead of counted."""

    def changed(self, option: LogOption, *, pinned: bool) -> LogOptions:
        """The next choice of one option.

        Args:
            pinned: whether there are pinned machines; without any their log is passed over.
        """
        match option:
            case "wrap":
                return replace(self, wrap=not self.wrap)
            case "traces":
                return replace(self, traces=not self.traces)
            case "times":
                return replace(self, times=_following(list(LogTimes), self.times))
            case "scope":
                scopes = [scope for scope in LogScope if pinned or scope is not LogScope.PINNED]
                return replace(self, scope=_following(scopes, self.scope))

    def sentence(self, option: LogOption) -> str:
        """What an option is set to, for a message."""
        match option:
            case "wrap":
                return "long log lines go on in the next row" if self.wrap else "long log lines end at the edge"
            case "traces":
                return f"further lines of log entries are {'shown' if self.traces else 'counted'}"
            case "times":
                return f"times in the log: {TIMES_TITLES[self.times]}"
            case "scope":
                return f"log of {SCOPE_TITLES[self.scope]}"


DEFAULT_LOG_OPTIONS: Final = LogOptions()


def _following(choices: list[Choice], now: Choice) -> Choice:
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
