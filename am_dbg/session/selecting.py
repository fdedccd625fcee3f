"""Which states are selected: that of the row cursor, and those that stay selected wherever it goes."""

from __future__ import annotations

from collections.abc import Iterable

from am_dbg.session.log_commands import LoggingSession


class SelectingSession(LoggingSession):
    """A session with selected states. They are names, so they stay when another machine is looked at."""

    def select_state(self, name: str) -> None:
        """Make a state the selected one. Those that were kept stay selected beside it."""
        if name != self.state:
            self.state = name
            self.say("")

    def select_states(self, names: Iterable[str]) -> None:
        """Select several states, the first one of which is the main one; or one, or none."""
        wanted = tuple(dict.fromkeys(filter(None, names)))
        state, kept = wanted[0] if wanted else "", wanted if len(wanted) > 1 else ()
        if (state, kept) != (self.state, self.kept_states):
            self.state, self.kept_states = state, kept
            self.say("")

    def keep_state(self) -> None:
        """Let the selected state stay selected when the cursor goes on to others; again: no longer."""
        if not self.state:
            return self.say("no state is selected: move the row cursor of the schema onto one")
        return self._toggle_kept(self.state)

    def add_state(self, name: str) -> None:
        """Select one more state, which becomes the main one; or, when it is selected already, select it no longer."""
        selected = tuple(dict.fromkeys(filter(None, (*self.kept_states, self.state))))
        if name not in selected:
            self.state, self.kept_states = name, (*selected, name)
            return self.say(f"{len(self.kept_states)} states are selected" if selected else "")
        left = tuple(other for other in selected if other != name)
        if name == self.state:
            self.state = left[-1] if left else ""
        self.kept_states = left if len(left) > 1 else ()
        return self.say(f"{name} is not selected any more")

    def clear_state(self) -> None:
        """Select no state."""
        self.select_states(())

    def _toggle_kept(self, name: str) -> None:
        if name in self.kept_states:
            self.kept_states = tuple(kept for kept in self.kept_states if kept != name)
            rest = f"; {len(self.kept_states)} others do" if self.kept_states else ""
            return self.say(f"{name} does not stay selected any more{rest}")
        self.kept_states = (*self.kept_states, name)
        others = f", with {len(self.kept_states) - 1} more" if len(self.kept_states) > 1 else ""
        return self.say(f"{name} stays selected{others}; Esc clears the selection")
