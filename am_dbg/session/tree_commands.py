"""The commands that are about the schema: which states it shows, and what is open."""

from __future__ import annotations

from dataclasses import replace

from am_dbg.session.filters import FILTER_TITLES, Filter
from am_dbg.session.selecting import SelectingSession
from am_dbg.session.state_groups import members_of, out_of_group
from am_dbg.timefmt import thousands


class SchemaSession(SelectingSession):
    """A session with a schema to look at."""

    def toggle_node(self, key: str) -> None:
        """Expand or collapse a node of the schema tree."""
        self.expanded ^= {key}
        self._changed()

    def toggle_all_nodes(self) -> None:
        """Collapse the schema tree when anything is open, else expand every state."""
        timeline = self.timeline
        self.expanded = set() if self.expanded or timeline is None else set(timeline.schema.names)
        self._changed()

    def toggle_touched_first(self) -> None:
        """While stepping: the states that the transition is about on top, or all states in the order of the schema."""
        self.touched_first = not self.touched_first
        self.say(f"while stepping, touched states {'come first' if self.touched_first else 'keep their place'}")

    def set_group(self, name: str) -> None:
        """Show the states of a group only; an empty name: all states. It is kept by name, for other machines too.

        The filter for what is out of the group is about this one from now on.
        """
        if name == self.filters.group:
            return
        self.filters = replace(self.filters, group=name)
        self._derive()
        self.say(self._about_group())

    def toggle_inactive_states(self) -> None:
        """Show or hide the states of the schema that are inactive, and that the current transition is not about."""
        self.hide_inactive = not self.hide_inactive
        self.say(f"schema: inactive states are {'hidden' if self.hide_inactive else 'shown'}")

    def toggle_idle_states(self) -> None:
        """Show or hide the states of the schema that were never active and never called."""
        self.hide_idle = not self.hide_idle
        self.say(f"schema: states that never took part are {'hidden' if self.hide_idle else 'shown'}")

    def _about_group(self) -> str:
        group, timeline = self.filters.group, self.timeline
        if not group:
            return "all states are shown"
        states = None if timeline is None else members_of(timeline.schema, group)
        if timeline is None or states is None:
            return f"this machine has no group {group}: all its states are shown"
        text = f"group {group}: {thousands(len(states))} of {thousands(len(timeline.schema.names))} states"
        out = len(out_of_group(timeline, group))
        if not out or not (Filter.OUT_OF_GROUP in self.filters.hidden or Filter.OUT_OF_GROUP in self.filters.only):
            return text
        verb = "hidden" if Filter.OUT_OF_GROUP in self.filters.hidden else "all that is shown"
        return f"{text}; {thousands(out)} {FILTER_TITLES[Filter.OUT_OF_GROUP]} are {verb} (F)"
