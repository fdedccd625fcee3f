"""How a session moves by the steps of transitions."""

from __future__ import annotations

from collections.abc import Callable

from am_dbg.session import navigation
from am_dbg.session.history import Place
from am_dbg.session.jumping import JumpingSession
from am_dbg.session.steps import steps_of
from am_dbg.session.view import Mode
from am_telemetry.store.reading import Recording


class SteppingSession(JumpingSession):
    """The commands that move the cursor inside a transition.

    The steps between two places of the cursor are those of the transition after it. Step 0 is the place itself; all
    other moves lead there.
    """

    def __init__(self, recording: Recording, clock: Callable[[], float]) -> None:
        super().__init__(recording, clock)
        self._plays_steps = False
        self._wants_steps = False

    def next_step(self) -> None:
        """One step further; after the last step of a transition, to that transition."""
        if self.next_number is None:
            return self.say("this is the last transition: there are no later steps")
        self._leave_modes()
        self._one_step_further()
        return self._changed()

    def previous_step(self) -> None:
        """Undo ``next_step``."""
        if self.machine_id is None:
            return self.say("no machine is selected")
        self._leave_modes()
        if self.step:
            self.step -= 1
            return self.say("")
        if not self.number:
            return self.say("this is the beginning")
        ended = self.number
        self._walk_to(navigation.preceding(self.visible, ended) or 0)
        self.step = self.step_count(self.next_number)
        return self.say("")

    def go_to_step(self, number: int, step: int) -> None:
        """To the moment after some steps of a visible transition, 0 for the moment before it began."""
        if number not in self.visible:
            return self.go_to_number(number)
        self._leave_modes()
        before = navigation.preceding(self.visible, number) or 0
        if before != self.number:
            self._settle(before)
            self._visit()
        self.step = max(0, min(step, self.step_count(number)))
        return self.say("")

    def last_step(self) -> None:
        """To the moment after all steps of the next visible transition."""
        number = self.next_number
        if number is None:
            return self.say("this is the last transition: there are no later steps")
        return self.go_to_step(number, self.step_count(number))

    def leave_steps(self) -> None:
        """Back to the place where the transition that is being stepped through has not begun."""
        self.step = 0
        self.say("")

    def set_mode(self, mode: Mode) -> None:
        """As by transitions; when playing begins inside a transition, it goes by steps."""
        if mode is not self.mode:
            self._plays_steps = mode is Mode.PLAYING and (self.step > 0 or self._wants_steps)
        super().set_mode(mode)

    def toggle_play_steps(self) -> None:
        """Play by steps, also from a place between transitions, or pause."""
        self._wants_steps = True
        self.toggle_play()
        self._wants_steps = False

    def step_count(self, number: int | None) -> int:
        """How many steps of a transition were recorded."""
        timeline = self.timeline
        return 0 if timeline is None or number is None else len(steps_of(timeline, number))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _play_wait(self) -> float:
        return self.pace.wait_s(None) if self._plays_steps else super()._play_wait()

    def _play_step(self) -> None:
        if not self._plays_steps or self.next_number is None:
            return super()._play_step()
        self._one_step_further()
        return self._changed()

    def _one_step_further(self) -> None:
        number = self.next_number
        if number is None:
            return
        count = self.step_count(number)
        if self.step < count:
            self.step += 1
            self.message = ""
            return
        self._walk_to(number)
        self.message = "" if count else f"no steps of #{number} were recorded"

    def _walk_to(self, number: int) -> None:
        """Move by hand: the history keeps one entry for all of a walk."""
        self._settle(number)
        if self.machine_id is not None:
            self.history.drift(Place(self.machine_id, number))
