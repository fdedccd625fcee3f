"""The commands that are about the log: its level, its options, and whose log it is."""

from __future__ import annotations

from dataclasses import replace

from am_dbg.session.filters import LOG_LEVELS
from am_dbg.session.log_options import LogOption, LogOptions, LogScope
from am_dbg.session.stepping import SteppingSession


class LoggingSession(SteppingSession):
    """A session with a log to look at."""

    def set_log_level(self, level: int) -> None:
        """Show log entries up to a level, 0 (nothing) to 5 (everything).

        The level is that of the selected machine, in all its runs; the log of several machines has one of its own.
        """
        level = max(0, min(level, len(LOG_LEVELS) - 1))
        machine = self.machine
        if machine is None:
            self.filters = self.filters.with_level(level)
            whose = ""
        elif self.log.scope is LogScope.MACHINE:
            self.log_levels[machine.name] = level
            whose = f" of {machine.name}"
        else:
            self.log_levels[""] = level
            whose = " of several machines"
        self.say(f"log level {level}: {LOG_LEVELS[level]}{whose}")

    def change_log(self, option: LogOption) -> None:
        """Choose the next setting of an option of the log."""
        self.set_log(self.log.changed(option, pinned=bool(self.pinned)))
        self.say(self.log.sentence(option))

    def set_log(self, options: LogOptions) -> None:
        """Show the log in another way."""
        if options != self.log:
            self.log = options
            self._changed()

    def toggle_pin(self, machine_id: int | None = None) -> None:
        """Pin a machine, by default the selected one, or release it. Pinned machines are shown together, always.

        Raises:
            KeyError: the recording has no such run.
        """
        machine = self.machine if machine_id is None else self.record(machine_id)
        if machine is None:
            return self.say("no machine is selected")
        self.pinned ^= {machine.name}
        if not self.pinned and self.log.scope is LogScope.PINNED:
            self.set_log(replace(self.log, scope=LogScope.MACHINE))
        done = "is pinned" if machine.name in self.pinned else "is no longer pinned"
        return self.say(f"{machine.name} {done}; pinned machines: {len(self.pinned)}")

    def set_highlight(self, text: str) -> None:
        """Mark a text in the log wherever it occurs; nothing when it is empty."""
        if text != self.highlight:
            self.highlight = text
            self._changed()
