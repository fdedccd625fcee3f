"""How a session's cursor moves: by transitions, in time, to changes of a state, to problems, and by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pyroaring import BitMap

from am_dbg.session import navigation
from am_dbg.session.filters import FILTER_TITLES, Filter, hiding
from am_dbg.session.history import History, Place
from am_dbg.session.kept import removed_message
from am_dbg.session.pace import Pace
from am_dbg.session.view import Mode, SessionView
from am_telemetry.store.reading import Recording

FAST_JUMP: Final = 50
_MOST_MOVES: Final = 500
"""Moves of playing in one tick; what is behind by more is given up."""
_LATE_S: Final = 0.3
_LATEST_NS: Final = 2**63 - 1
NOTHING_YET: Final = "nothing has happened on this machine by then"


class MovingSession(SessionView):
    """The commands that move the cursor. ``Session`` adds the rest."""

    def __init__(self, recording: Recording, clock: Callable[[], float]) -> None:
        super().__init__(recording)
        self.history = History()
        self._tail_left_ns: int | None = None
        self._clock = clock
        self._play_at = 0.0

    def say(self, message: str) -> None:
        """Leave a message for the user."""
        self.message = message
        self._changed()

    # -- moving by transition ----------------------------------------------------------------------------------------

    def next(self, steps: int = 1) -> None:
        """Move forward by visible transitions, as far as there are any."""
        self._move_to(navigation.moved(self.visible, self.number, steps), at_edge="this is the last transition")

    def previous(self, steps: int = 1) -> None:
        """Move back by visible transitions; the place before the first one is 0."""
        self._move_to(navigation.moved(self.visible, self.number, -steps), at_edge="this is the beginning")

    def first(self) -> None:
        """Move before the first transition, where the initial structure shows."""
        self._move_to(0, jump=True, at_edge="this is the beginning")

    def last(self) -> None:
        """Move to the last visible transition."""
        self._move_to(
            navigation.at_or_before(self.visible, self.count), jump=True, at_edge="this is the last transition"
        )

    def go_to_number(self, number: int) -> None:
        """Move to a transition, or to the nearest visible one (first looking forward)."""
        wanted = max(0, min(number, self.count))
        target = navigation.nearest_forward(self.visible, wanted) if wanted else 0
        self._move_to(target, jump=True)
        timeline = self.timeline
        if wanted and timeline is not None and timeline.size and not timeline.holds(wanted):
            self.say(removed_message(self, wanted))
        elif wanted != number:
            last = f"the last one is #{self.count}" if self.count else "this machine has none yet"
            self.say(f"there is no transition #{number}; {last}")
        elif target != wanted:
            self.say(self._hidden_message(wanted, target))

    def go_to_time(self, at_ns: int) -> None:
        """Choose a moment (wall clock, nanoseconds): the cursor stands at the last visible transition until then."""
        self._leave_modes()
        timeline = self.timeline
        if not self.locked:
            self._moment, self._anchor = at_ns, None
            self._derive()
        elif timeline is not None:
            self._settle(navigation.at_or_before(self.visible, timeline.number_at(at_ns)))
        self._visit()
        if not self.number:
            removed = timeline is not None and not timeline.pieces.whole
            self.say("what happened on this machine by then was removed" if removed else NOTHING_YET)
        elif timeline is not None and timeline.size and at_ns > timeline.at(timeline.count):
            self.say("that is after the last transition of this machine")
        else:
            self.say("")

    def restore_moment(self, moment_ns: int, anchor: tuple[int, int] | None) -> None:
        """Choose a moment as it was chosen before: at a transition (machine run, number), or at none."""
        self._leave_modes()
        self._moment, self._anchor = moment_ns, anchor
        self._derive()
        self._visit()

    def go_by(self, transitions: int) -> None:
        """Jump by so many visible transitions, back when negative; as far as there are any."""
        edge = "this is the last transition" if transitions > 0 else "this is the beginning"
        self._move_to(navigation.moved(self.visible, self.number, transitions), jump=True, at_edge=edge)

    def go_by_time(self, ns: int) -> None:
        """Jump to a moment so many nanoseconds after that of the cursor, or before it when negative."""
        self.go_to_time(max(0, min(self.cursor_time + ns, _LATEST_NS)))

    @property
    def cursor_time(self) -> int:
        """Wall clock of the transition at the cursor, or the moment where there is none; nanoseconds."""
        timeline = self.timeline
        return timeline.at(self.number) if timeline is not None and timeline.holds(self.number) else self.moment

    def go_to_machine_time(self, machine_time: int) -> None:
        """Move to where the machine time reached a value, or else to the last transition before that."""
        timeline = self.timeline
        if timeline is None:
            return self.say("no machine is selected")
        return self.go_to_number(navigation.machine_time_position(timeline, machine_time))

    # -- jumps -------------------------------------------------------------------------------------------------------

    def next_problem(self) -> None:
        """To the next visible error, failed handler, or canceled transition that was asked for."""
        self._jump_among(self.problems, 1, "problem")

    def previous_problem(self) -> None:
        """Like ``next_problem``, backwards."""
        self._jump_among(self.problems, -1, "problem")

    # -- modes -------------------------------------------------------------------------------------------------------

    def set_mode(self, mode: Mode) -> None:
        """Pause, follow the tail, or play. Pausing the tail keeps the cursor and the moment where they are."""
        if mode is self.mode:
            return
        self._leave_modes()
        self.mode = mode
        if mode is Mode.TAIL:
            self.locked, self._aside = False, None
            self._derive()
        elif mode is Mode.PLAYING:
            self._play_step()
            self._play_at = self._clock() + self._play_wait()
            if self.mode is Mode.PAUSED:
                return
        self.say("")

    def toggle_lock(self) -> None:
        """Lock the moment, or have it go along with the cursor again, beginning at where that stands."""
        self._leave_modes()
        if self.machine_id is None:
            return self.say("no machine is selected")
        self.locked = not self.locked
        if self.locked:
            return self.say("the moment is locked: moves are on this machine only, and selecting one leads back")
        if self._aside is not None:
            self._settle(self.number)
        self._aside = None
        return self.say("the moment goes along with the cursor again")

    def toggle_tail(self) -> None:
        self.set_mode(Mode.PAUSED if self.mode is Mode.TAIL else Mode.TAIL)

    def toggle_play(self) -> None:
        """Playing makes one move at once, then one after the other at its pace, and stops on the last transition."""
        self.set_mode(Mode.PAUSED if self.mode is Mode.PLAYING else Mode.PLAYING)

    def tick(self) -> bool:
        """Let the time pass: moves the cursor while playing. True when something visible changed."""
        now, moves = self._clock(), 0
        if now - self._play_at > _LATE_S:
            self._play_at = now
        while self.mode is Mode.PLAYING and self._play_at <= now and moves < _MOST_MOVES:
            self._play_step()
            self._play_at += self._play_wait()
            moves += 1
        return moves > 0

    def change_speed(self, steps: int) -> None:
        """Play faster, or slower when negative, by so many of the speeds from a tenth to a hundred times."""
        self._set_pace(self.pace.faster(steps))

    def toggle_real_time(self) -> None:
        """Play with the gaps between transitions as they were, or evenly. Long gaps are cut to two seconds."""
        self._set_pace(replace(self.pace, real_time=not self.pace.real_time))

    @property
    def missed(self) -> int:
        """How many visible transitions of the selected machine came since tail mode was left; 0 in tail mode."""
        if self._tail_left_ns is None or self.machine_id is None or self.mode is Mode.TAIL:
            return 0
        seen = self.recording.timeline(self.machine_id).number_at(self._tail_left_ns)
        return len(self.visible) - navigation.rank(self.visible, seen)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _derive(self) -> None:
        """Put the cursor where the global moment says."""
        self.step = 0
        if self.machine_id is not None:
            aside = self._aside
            here = aside[1] if aside is not None and aside[0] == self.machine_id else self.position(self.machine_id)
            self.number = navigation.at_or_before(self.visible, here)

    def _settle(self, number: int) -> None:
        """Put the cursor on a transition, and choose its time as the global moment unless that is locked."""
        timeline = self.timeline
        if timeline is None or self.machine_id is None:
            return
        self.number = number
        self.step = 0
        if self.locked:
            self._aside = (self.machine_id, number)
            return
        self._anchor = (self.machine_id, number)
        if number:
            self._moment = timeline.at(number)
        elif timeline.size:
            self._moment = timeline.at(timeline.first) - 1

    def _leave_modes(self) -> None:
        if self.mode is Mode.TAIL:
            # Freeze what tail mode shows: late arrivals must not move a paused cursor.
            self._moment = self._tail_left_ns = self._newest_moment()
            self._anchor = None
            if self.machine_id is not None:
                self._anchor = (self.machine_id, self.count)
                self.history.drift(Place(self.machine_id, self.number))
        self.mode = Mode.PAUSED

    def _move_to(self, number: int, *, jump: bool = False, at_edge: str = "") -> None:
        """A move by the user: ends tail and play."""
        if self.machine_id is None:
            return self.say("no machine is selected")
        stayed = number == self.number
        self._leave_modes()
        self.step = 0
        if jump:
            self._settle(number)
            self._visit()
        elif not stayed:
            self._settle(number)
            self.history.drift(Place(self.machine_id, number))
        return self.say(at_edge if stayed else "")

    def _jump_among(self, numbers: BitMap, direction: int, what: str) -> None:
        step = navigation.following if direction > 0 else navigation.preceding
        target = step(numbers, self.number)
        if target is not None:
            return self._move_to(target, jump=True)
        until = navigation.rank(numbers, self.number)
        if direction > 0:
            return self.say(f"no later {what} ({until - (self.number in numbers)} earlier)")
        return self.say(f"no earlier {what} ({len(numbers) - until} later)")

    def _set_pace(self, pace: Pace) -> None:
        self.pace = pace
        self._play_at = min(self._play_at, self._clock() + self._play_wait())
        beside = "gaps as they were, at most 2 s" if pace.real_time else f"{2 * pace.speed:g} transitions a second"
        self.say(f"play: {beside}{f', ×{pace.speed:g}' if pace.real_time else ''}")

    def _play_wait(self) -> float:
        timeline, following = self.timeline, self.next_number
        if timeline is None or following is None or not timeline.holds(self.number):
            return self.pace.wait_s(None)
        return self.pace.wait_s(timeline.at(following) - timeline.at(self.number))

    def _play_step(self) -> None:
        target = self.next_number
        if target is None:
            self.mode = Mode.PAUSED
            return self.say("this is the last transition")
        self._settle(target)
        if self.machine_id is not None:
            self.history.drift(Place(self.machine_id, target))
        return self._changed()

    def _visit(self) -> None:
        if self.machine_id is not None:
            self.history.visit(Place(self.machine_id, self.number))

    def _hidden_message(self, wanted: int, shown: int) -> str:
        timeline = self.timeline
        kinds = [] if timeline is None else hiding(timeline, self.filters, wanted)
        instead = f"showing #{shown}" if shown else "no transition is visible"
        query = self.filters.query
        if not kinds and query is not None:
            return f"#{wanted} does not match {query.text}; {instead}"
        if not kinds:
            only = " and ".join(FILTER_TITLES[kind] for kind in Filter if kind in self.filters.only)
            return f"#{wanted} is hidden, as only {only} are shown; {instead}"
        return f"#{wanted} is hidden by the filter for {', '.join(FILTER_TITLES[kind] for kind in kinds)}; {instead}"

    def _changed(self) -> None:
        self.revision += 1
