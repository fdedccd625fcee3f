"""The part of a session that only reads: machines, their order and their position at the current moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.filters import DEFAULT_FILTERS, FilterSet, VisibleSet
from am_dbg.session.layout import Layout, Shares
from am_dbg.session.log_options import DEFAULT_LOG_OPTIONS, LogScope
from am_dbg.session.machine_order import ListedMachine, label, ordered
from am_dbg.session.machine_times import MachineTimes
from am_dbg.session.pace import Pace
from am_dbg.session.steps import PartlyApplied, partly_applied
from am_telemetry.store.bookmarks import Bookmark
from am_telemetry.store.reading import Recording
from am_telemetry.store.records import MachineRecord, TransitionRecord
from am_telemetry.store.timeline import Timeline

_NOTHING = BitMap()


class Mode(StrEnum):
    """Exactly one at a time."""

    PAUSED = "paused"
    TAIL = "tail"
    """The cursor follows the last visible transition, the moment is now."""
    PLAYING = "playing"
    """The cursor moves on by itself."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that the cursor is compared with, and its wall clock time in nanoseconds for other machines."""

    machine_id: int
    number: int
    at_ns: int


class SessionView:
    """What view-models read. Changed by ``Session`` only."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.revision = 0
        """Grows when something visible changed."""
        self.message = ""
        """Feedback about the last command, one line, empty when there is nothing to say."""
        self.mode = Mode.PAUSED
        self.filters: FilterSet = DEFAULT_FILTERS
        self.machine_id: int | None = None
        """Database id of the selected machine run."""
        self.number = 0
        """The cursor: the last transition that has happened on the selected machine, 0 before the first one.

        Where retention has removed transitions, 0 is the start of what is kept.
        """
        self.pace = Pace()
        """How quickly playing goes."""
        self.step = 0
        """How many steps of the next visible transition have been done at this moment; see ``inside``."""
        self.state = ""
        """Name of the selected state, empty for none. It need not exist on the selected machine."""
        self.kept_states: tuple[str, ...] = ()
        """Names of the states that stay selected wherever the row cursor goes, in the order in which they were kept."""
        self.expanded: set[str] = set()
        """Keys of the expanded nodes of the schema tree."""
        self.touched_first = True
        """Whether the states that a transition is about come first while its steps are looked at."""
        self.hide_inactive = False
        """Whether the schema leaves out inactive states, apart from those that the current transition is about."""
        self.hide_idle = False
        """Whether the schema leaves out states that were never active and never called."""
        self._inside: tuple[tuple[object, ...], PartlyApplied | None] = ((), None)
        self.reader: bool | None = None
        """Whether the reader is shown; None where there is room for it."""
        self.folded: frozenset[str] = frozenset()
        """Names of the reader's sections that are folded."""
        self.layout = Layout.TREE_LOG
        """Which panes are shown."""
        self.shares = Shares()
        """How wide they are, where somebody has decided that."""
        self.log = DEFAULT_LOG_OPTIONS
        self.log_levels: dict[str, int] = {}
        """Log levels that were chosen, by machine id; under the empty one that of the log of several machines."""
        self.pinned: frozenset[str] = frozenset()
        """Ids of the machines that were pinned; all their runs are meant."""
        self.highlight = ""
        """What the log marks wherever it occurs, in any case of letters; empty for nothing."""
        self.mark: Mark | None = None
        """What the cursor is compared with."""
        self.bookmarks: tuple[Bookmark, ...] = ()
        """Moments that people marked, in the order in which they did."""
        self.untouched = False
        """Whether matrix and rain also show states that had no part in anything."""
        self._moment = 0
        self._anchor: tuple[int, int] | None = None
        self.locked = False
        """Whether the moment stays while the cursor moves. Then the cursor is another place of its machine only."""
        self._aside: tuple[int, int] | None = None
        self._visible: dict[int, VisibleSet] = {}
        self._records: dict[int, MachineRecord] = {}
        self._records_version = -1
        self._order: tuple[ListedMachine, ...] = ()
        self._order_size = -1
        self.put_away: frozenset[int] = frozenset()
        """Machine runs that were taken from the list."""
        self.hide_ended = False
        """Whether machines that have ended are left out of the list, apart from the selected one."""
        self._listed: tuple[ListedMachine, ...] = ()
        self._listed_key: tuple[object, ...] = ()
        self._newest = (-1, 0)
        self._newest_counts: dict[int, int] = {}
        self._times = MachineTimes()
        self._transitions: dict[tuple[int, int], TransitionRecord] = {}

    # -- machines ----------------------------------------------------------------------------------------------------

    @property
    def machine(self) -> MachineRecord | None:
        """The selected machine run, or None before there is any."""
        return None if self.machine_id is None else self.record(self.machine_id)

    @property
    def timeline(self) -> Timeline | None:
        """The timeline of the selected machine run."""
        return None if self.machine_id is None else self.recording.timeline(self.machine_id)

    def record(self, machine_id: int) -> MachineRecord:
        """A machine run by database id.

        Raises:
            KeyError: the recording has no such run.
        """
        if self._records_version != self.recording.version:
            self._records = {machine.id: machine for machine in self.recording.machines}
            self._records_version = self.recording.version
        return self._records[machine_id]

    @property
    def order(self) -> tuple[ListedMachine, ...]:
        """The machine runs of the list, in its order: all, without those that were put away or have ended."""
        machines = self.recording.machines
        if len(machines) != self._order_size:
            self._order = ordered(machines)
            self._order_size = len(machines)
            self._listed_key = ()
        if not self.put_away and not self.hide_ended:
            return self._order
        key = (self.put_away, self.hide_ended and self.recording.version, self.machine_id)
        if key != self._listed_key:
            self._listed_key = key
            self._listed = tuple(
                listed
                for listed in self._order
                if listed.machine_id not in self.put_away
                and (not self.hide_ended or listed.machine_id == self.machine_id or machines[listed.index].connected)
            )
        return self._listed

    def label(self, machine_id: int) -> str:
        """What to call a machine run: its id, with the number of the run from the second on."""
        return label(self.record(machine_id))

    def runs(self, name: str) -> list[MachineRecord]:
        """All runs of a machine id, oldest first."""
        return [machine for machine in self.recording.machines if machine.name == name]

    # -- the moment --------------------------------------------------------------------------------------------------

    @property
    def moment(self) -> int:
        """The global moment, wall clock in nanoseconds. All panes and all machines show what held then.

        It changes when the user moves, never because another machine was selected. In tail mode it is the time of the
        newest transition of the recording.
        """
        return self._newest_moment() if self.mode is Mode.TAIL else self._moment

    @property
    def anchor(self) -> tuple[int, int] | None:
        """(machine run, transition) at which the moment was chosen; None for a moment that is no transition's."""
        return None if self.mode is Mode.TAIL else self._anchor

    def position(self, machine_id: int) -> int:
        """How many transitions of a machine have happened at the current moment, hidden ones included.

        These are all that started at or before the moment. Only on the machine where the moment was chosen it is
        exactly the chosen transition, even where later ones bear the same time or an earlier one.
        """
        timeline = self.recording.timeline(machine_id)
        if self.mode is Mode.TAIL:
            return timeline.count
        if self._anchor is not None and self._anchor[0] == machine_id:
            return min(self._anchor[1], timeline.count)
        return timeline.number_at(self._moment)

    def total_machine_time(self) -> int:
        """The sum of the machine times of all machines at the current moment."""
        return sum(
            self._times.at(machine.id, self.recording.timeline(machine.id), self.position(machine.id))
            for machine in self.recording.machines
        )

    # -- the selected machine ----------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of the last transition of the selected machine, hidden ones included; 0 without any."""
        timeline = self.timeline
        return 0 if timeline is None else timeline.count

    @property
    def size(self) -> int:
        """How many transitions of the selected machine there are, hidden ones included but not removed ones."""
        timeline = self.timeline
        return 0 if timeline is None else timeline.size

    @property
    def visible(self) -> BitMap:
        """Numbers of the selected machine's transitions that no filter hides. Do not modify."""
        return _NOTHING if self.machine_id is None else self.visible_set(self.machine_id).numbers

    @property
    def problems(self) -> BitMap:
        """Those of the visible transitions that went wrong. Do not modify."""
        return _NOTHING if self.machine_id is None else self.visible_set(self.machine_id).problems

    @property
    def visible_rank(self) -> int:
        """1-based place of the cursor among the visible transitions, 0 before the first one."""
        return navigation.rank(self.visible, self.number)

    def visible_set(self, machine_id: int) -> VisibleSet:
        """The visible transitions of one machine, up to date. Kept for the machines looked at last."""
        timeline = self.recording.timeline(machine_id)
        cached = self._visible.get(machine_id)
        fits = cached is not None and cached.filters.selection == self.filters.selection and cached.timeline is timeline
        if cached is None or not fits or cached.is_stale:
            self._visible.pop(machine_id, None)
            while len(self._visible) >= 8:
                del self._visible[next(iter(self._visible))]
            cached = self._visible[machine_id] = VisibleSet(timeline, self.filters)
        else:
            cached.extend()
        return cached

    @property
    def log_level(self) -> int:
        """The level up to which the log shows entries: that of the selected machine, or of the log of several."""
        whose = "" if self.machine is None or self.log.scope is not LogScope.MACHINE else self.machine.name
        return self.log_levels.get(whose, self.filters.log_level)

    def transition(self, number: int) -> TransitionRecord | None:
        """A transition of the selected machine with all details; None when there is no such transition."""
        if self.machine_id is None or not self.recording.timeline(self.machine_id).holds(number):
            return None
        key = (self.machine_id, number)
        record = self._transitions.get(key)
        if record is None:
            while len(self._transitions) >= 64:
                del self._transitions[next(iter(self._transitions))]
            record = self._transitions[key] = self.recording.transition(self.machine_id, number)
        return record

    @property
    def current(self) -> TransitionRecord | None:
        """The transition at the cursor, or None at 0."""
        return self.transition(self.number)

    @property
    def next_number(self) -> int | None:
        """The next visible transition after the cursor, or None at the end."""
        return navigation.following(self.visible, self.number)

    @property
    def inside(self) -> PartlyApplied | None:
        """The moment inside the next visible transition at which the session stands; None between transitions."""
        timeline, number = self.timeline, self.next_number
        if not self.step or timeline is None or number is None:
            return None
        key = (self.machine_id, timeline.schema, number, self.step)
        if key != self._inside[0]:
            self._inside = (key, partly_applied(timeline, number, self.step))
        return self._inside[1]

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all selected states, each once: that of ``state`` first, if there is one, then those kept."""
        if not self.kept_states:
            return (self.state,) if self.state else ()
        return tuple(dict.fromkeys(filter(None, (self.state, *self.kept_states))))

    @property
    def state_index(self) -> int | None:
        """Index of the selected state on the selected machine, or None."""
        timeline = self.timeline
        return None if timeline is None or not self.state else timeline.schema.index.get(self.state)

    def _newest_moment(self) -> int:
        version, newest = self._newest
        if version != self.recording.version:
            machines, counts = self.recording.machines, self._newest_counts
            if len(machines) != len(counts):
                counts.clear()
                newest = 0
            # Of thousands of machines few have got on since the last time.
            for machine in machines:
                timeline = self.recording.timeline(machine.id)
                if counts.get(machine.id) != timeline.count:
                    counts[machine.id] = timeline.count
                    if timeline.size:
                        newest = max(newest, timeline.times[-1])
            self._newest = (self.recording.version, newest)
        return newest
