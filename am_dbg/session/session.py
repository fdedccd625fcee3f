"""One person's debugger: what is selected, where the cursor stands, what is hidden. Free of any user interface.

The state behind the cursor is a *global moment*: a wall clock time, together with the machine and transition at which
it was chosen. The cursor of whatever machine is selected is the last visible transition at or before that moment, so
switching machines or toggling filters forth and back always returns to the same transition.

A session belongs to one thread.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace

from am_dbg.session import lookup, navigation
from am_dbg.session.filters import DEFAULT_FILTERS, FILTER_TITLES, Filter, FilterSet, Matching
from am_dbg.session.history import History, Place
from am_dbg.session.kept import removed_message
from am_dbg.session.layout import LAYOUT_TITLES, Content, Layout
from am_dbg.session.marking import MarkingSession
from am_dbg.session.moving import FAST_JUMP
from am_dbg.session.pace import PLAY_INTERVAL_S
from am_dbg.session.targets import (
    ChangeLog,
    ClearFilters,
    ClearQuery,
    GoToMachine,
    GoToSource,
    GoToStep,
    GoToTransition,
    SelectMachine,
    SelectState,
    SetLogLevel,
    SetMode,
    ShowReader,
    StepMachine,
    Target,
    ToggleFilter,
    ToggleLock,
    ToggleNode,
    ToggleSection,
)
from am_dbg.session.view import Mode
from am_telemetry.store.reading import Recording

__all__ = ["FAST_JUMP", "PLAY_INTERVAL_S", "Mode", "Session"]


class Session(MarkingSession):
    """Commands of one person's debugger. Commands never raise for what a user may ask; they leave a ``message``.

    Args:
        recording: what to look at; it may be empty and grow.
        live: whether to begin in tail mode. By default that is so for a recording without machines, or with one that
            is still connected. Otherwise the session begins paused at the first transition of the first machine that
            has any.
        clock: monotonic seconds, for playing.
    """

    def __init__(
        self, recording: Recording, *, live: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(recording, clock)
        self._filtered = DEFAULT_FILTERS.selection
        self._put_away_order: list[int] = []
        recording.catch_up()
        machines = recording.machines
        self.live = (not machines or any(m.connected for m in machines)) if live is None else live
        self._begin()

    def trial(self) -> Session:
        """A copy on which moves can be tried; this session and its history stay as they are."""
        tried = copy.copy(self)
        tried.history = History()
        tried._visible = dict(self._visible)
        return tried

    # -- following the recording -------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take in what was recorded since the last call; True when something visible changed. Cheap when idle."""
        if not self.recording.catch_up():
            return False
        if self.machine_id is None:
            self._begin()
        elif self.mode is Mode.TAIL:
            self._derive()
        self._leave_what_was_removed()
        self._changed()
        return True

    # -- machines ----------------------------------------------------------------------------------------------------

    def select_machine(self, machine_id: int) -> None:
        """Look at another machine run at the same moment. The mode and the selected state stay.

        Raises:
            KeyError: the recording has no such run.
        """
        self.record(machine_id)
        self.machine_id = machine_id
        self._aside = None
        self._derive()
        self._visit()
        self.say("")

    def next_machine(self, delta: int = 1) -> None:
        """Select the machine ``delta`` places further down the list; stops at the ends."""
        order = self.order
        if not order:
            return self.say("there are no machines yet")
        ids = [listed.machine_id for listed in order]
        position = ids.index(self.machine_id) if self.machine_id in ids else 0
        target = max(0, min(position + delta, len(ids) - 1))
        if ids[target] == self.machine_id:
            return self.say("this is the last machine" if delta > 0 else "this is the first machine")
        return self.select_machine(ids[target])

    def previous_machine(self, delta: int = 1) -> None:
        """Select the machine ``delta`` places further up the list; stops at the ends."""
        self.next_machine(-delta)

    def put_machine_away(self, machine_id: int) -> None:
        """Take a machine run from the list. The recording keeps it; ``bring_machine_back`` undoes it.

        Raises:
            KeyError: the recording has no such run.
        """
        name = self.label(machine_id)
        ids = [listed.machine_id for listed in self.order]
        if machine_id not in ids:
            return self.say(f"{name} is not in the list")
        if len(ids) == 1:
            return self.say("the last machine stays in the list")
        place = ids.index(machine_id)
        self._put_away_order.append(machine_id)
        self.put_away |= {machine_id}
        if machine_id == self.machine_id:
            self.select_machine(ids[place + 1] if place + 1 < len(ids) else ids[place - 1])
        return self.say(f"{name} is out of the list, not out of the recording; Z brings it back")

    def bring_machine_back(self) -> None:
        """List the machine again that was put away last, and select it."""
        if not self._put_away_order:
            return self.say("no machine was put away")
        machine_id = self._put_away_order.pop()
        self.put_away -= {machine_id}
        self.select_machine(machine_id)
        left = len(self.put_away)
        return self.say(f"{self.label(machine_id)} is back" + (f"; {left} more are put away" if left else ""))

    def toggle_ended(self) -> None:
        """List machines that have ended, or only those that are connected and the selected one."""
        self.hide_ended = not self.hide_ended
        ended = sum(not machine.connected for machine in self.recording.machines)
        self.say(f"machines that have ended are {'left out' if self.hide_ended else 'listed'}: {ended:,}")

    # -- filters -----------------------------------------------------------------------------------------------------

    def set_filters(self, filters: FilterSet) -> None:
        """Hide other transitions. A hidden cursor falls back to the nearest visible transition before it."""
        if filters == self.filters:
            return
        self.filters = filters
        self._derive()
        self._changed()

    def toggle_filter(self, kind: Filter) -> None:
        self.set_filters(self.filters.toggled(kind))
        self.say(f"{FILTER_TITLES[kind]} are {'shown' if self.filters.shows(kind) else 'hidden'}")

    def cycle_filter(self, kind: Filter) -> None:
        """The next setting of a kind: shown, hidden, nothing but this kind shown."""
        self.set_filters(self.filters.cycled(kind))
        title = FILTER_TITLES[kind]
        if kind in self.filters.only:
            self.say(f"only {title} are shown")
        else:
            self.say(f"{title} are {'shown' if self.filters.shows(kind) else 'hidden'}")

    def filter_by(self, query: Matching | None) -> None:
        """Show nothing but the transitions that match a query, on every machine; None: do not ask for that."""
        self.set_filters(replace(self.filters, query=query))
        self.say(
            "no query filters any more" if query is None else f"only what matches {query.text}; = shows everything"
        )

    def toggle_all_filters(self) -> None:
        """Show every transition; when every one is shown, filter as before."""
        if self.filters.selection == self.filters.cleared().selection:
            hidden, only, query, _ = self._filtered
            self.set_filters(replace(self.filters, hidden=hidden, only=only, query=query))
            self.say("filters are as before")
        else:
            self.clear_filters()

    def clear_filters(self) -> None:
        """Show every transition."""
        if self.filters.selection != self.filters.cleared().selection:
            self._filtered = self.filters.selection
        self.set_filters(self.filters.cleared())
        self.say("all transitions are shown")

    def reset_filters(self) -> None:
        """Back to the default filters, keeping the log level."""
        self.set_filters(replace(DEFAULT_FILTERS, group=self.filters.group).with_level(self.filters.log_level))
        self.say("filters are back to their defaults")

    # -- layout ------------------------------------------------------------------------------------------------------

    def set_layout(self, layout: Layout) -> None:
        """Show other panes."""
        self.layout = layout
        self.say(LAYOUT_TITLES[layout])

    def next_layout(self) -> None:
        """Show the next combination of panes, after the last one the first."""
        self.set_layout(self.layout.following)

    def show_content(self, content: Content) -> None:
        """Show the log, the matrix or the rain; the schema stays where it is shown."""
        layout = self.layout.showing(content)
        if layout is not self.layout:
            self.set_layout(layout)

    def toggle_content(self, content: Content) -> None:
        """Show the matrix or the rain, or the log again when it is that which is shown."""
        if self.layout.content == content:
            self.set_layout(Layout.TREE_LOG)
        else:
            self.show_content(content)

    def toggle_untouched(self) -> None:
        """Show or hide, in matrix and rain, the states that had no part in anything."""
        self.untouched = not self.untouched
        shown = "all states are shown" if self.untouched else "only states that took part are shown"
        self.say(f"matrix and rain: {shown}")

    # -- links and history -------------------------------------------------------------------------------------------

    def follow(self, target: Target) -> None:
        """Do what a span's target says.

        Raises:
            KeyError: the target names a machine run that the recording does not have.
        """
        match target:
            case GoToTransition(machine_id, number):
                self.record(machine_id)
                self._leave_modes()  # while the machine is still the one they were about
                self.machine_id = machine_id
                self.go_to_number(number)
            case GoToStep(number, step):
                self.go_to_step(number, step)
            case GoToSource(machine, sequence, transition_id):
                self._go_to_source(machine, sequence, transition_id)
            case SelectMachine(machine_id):
                self.select_machine(machine_id)
            case StepMachine(delta):
                self.next_machine(delta)
            case SelectState(name):
                self.select_state(name)
            case ToggleNode(key):
                self.toggle_node(key)
            case ToggleSection(name):
                self.toggle_section(name)
            case ShowReader(shown):
                self.show_reader(shown)
            case ToggleFilter(kind):
                self.toggle_filter(kind)
            case ClearFilters():
                self.clear_filters()
            case ClearQuery():
                self.filter_by(None)
            case SetMode(mode):
                self.set_mode(Mode(mode))
            case ToggleLock():
                self.toggle_lock()
            case SetLogLevel(level):
                self.set_log_level(level)
            case ChangeLog(option):
                self.change_log(option)
            case GoToMachine(name):
                self._go_to_machine(name)

    def go_to_cause(self) -> None:
        """To the transition, mostly of another machine, in one of whose handlers the current one was asked for."""
        record = self.current
        if record is None:
            return self.say("there is no transition here")
        source = record.source
        if source is not None and source.machine:
            return self._go_to_source(source.machine, source.sequence, source.transition_id)
        if record.pattern.fact.auto:
            return self.say("this transition is automatic: the one before made it possible")
        return self.say("no other transition is known to have caused this one")

    def go_back(self) -> None:
        """To where the last jump started from."""
        self._leave_modes()
        self._revisit(self.history.back(), "this is the oldest place in the history")

    def go_forward(self) -> None:
        """Undo ``go_back``."""
        self._leave_modes()
        self._revisit(self.history.forward(), "this is the newest place in the history")

    def go_back_elsewhere(self) -> None:
        """To the last place on another machine."""
        self._leave_modes()
        self._revisit(self.history.back(elsewhere=True), "no other machine comes before this in the history")

    def go_forward_elsewhere(self) -> None:
        """To the next place on another machine."""
        self._leave_modes()
        self._revisit(self.history.forward(elsewhere=True), "no other machine comes after this in the history")

    def go_to_visited(self, position: int) -> None:
        """To a place of the history by its index; what came before and after stays."""
        self._leave_modes()
        self._revisit(self.history.go(position), "this place is not in the history any more")

    # -- inside ------------------------------------------------------------------------------------------------------

    def _leave_what_was_removed(self) -> None:
        """Where retention took the transition at the cursor away, stand at the first kept one behind it."""
        number, timeline = self.number, self.timeline
        if not number or timeline is None or timeline.holds(number):
            return
        self._settle(navigation.nearest_forward(self.visible, number))
        self.say(removed_message(self, number))

    def _begin(self) -> None:
        """Select the first machine ever seen, once there is one."""
        machines = self.recording.machines
        if not machines:
            self.mode = Mode.TAIL if self.live else Mode.PAUSED
            return
        if self.live:
            self.machine_id = machines[0].id
            self.mode = Mode.TAIL
            self._derive()
        else:
            ids = [listed.machine_id for listed in self.order]
            self.machine_id = next((i for i in ids if self.recording.timeline(i).size), ids[0])
            self._settle(int(self.visible[0]) if self.visible else 0)
        self._visit()
        self._changed()

    def _revisit(self, place: Place | None, at_edge: str) -> None:
        if place is None:
            return self.say(at_edge)
        self.machine_id = place.machine_id
        timeline = self.recording.timeline(place.machine_id)
        if place.number and not timeline.holds(place.number):
            self._settle(navigation.nearest_forward(self.visible, place.number))
            return self.say(removed_message(self, place.number))
        self._settle(navigation.at_or_before(self.visible, place.number))
        return self.say("")

    def _go_to_machine(self, name: str) -> None:
        runs = self.runs(name)
        if not runs:
            names = {machine.name for machine in self.recording.machines if machine.name.startswith(name)}
            if len(names) != 1:
                known = "no machine" if not names else f"more than one machine ({len(names)})"
                return self.say(f"{known} of this recording has an id that begins with {name}")
            runs = self.runs(names.pop())
        return self.select_machine(next((r for r in reversed(runs) if r.started_ns <= self.moment), runs[0]).id)

    def _go_to_source(self, machine: str, sequence: int, transition_id: str) -> None:
        runs = self.runs(machine)
        if not runs:
            return self.say(f"the machine {machine} is not part of this recording")
        # A cause is older than its effect, so of several runs the last one that had begun by now is meant.
        run = next((r for r in reversed(runs) if r.started_ns <= self.moment), runs[0])
        if transition_id:
            number = lookup.by_id(self.recording, run.id, transition_id)
        else:
            number = lookup.by_sequence(self.recording, run.id, sequence)
        if number is None:
            return self.say(f"the transition of {machine} that caused this was not recorded")
        return self.follow(GoToTransition(run.id, number))
