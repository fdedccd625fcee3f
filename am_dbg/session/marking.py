"""The commands about marked moments: the mark that the cursor is compared with, and the bookmarks of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from am_dbg.session.bookmarks import StoreError, shelf_of
from am_dbg.session.reader_commands import ReadingSession
from am_dbg.session.view import Mark
from am_dbg.timefmt import thousands
from am_telemetry.store.reading import Recording

_LOOK_AGAIN_S: Final = 2.0
"""How often bookmarks are read again: others may add some."""


class MarkingSession(ReadingSession):
    """A session with a mark and bookmarks."""

    def __init__(self, recording: Recording, clock: Callable[[], float]) -> None:
        super().__init__(recording, clock)
        self.shelf = shelf_of(recording)
        """Where bookmarks are kept; None where there is no such place."""
        self._bookmarks_due = 0.0
        self._shelf_failure = ""

    def set_mark(self) -> None:
        """Remember the cursor as the mark, or forget the mark when the cursor stands on it."""
        if self.machine_id is None:
            return self.say("no machine is selected")
        mark = Mark(self.machine_id, self.number, self.cursor_time)
        if self.mark is not None and (self.mark.machine_id, self.mark.number) == (mark.machine_id, mark.number):
            self.mark = None
            return self.say("the mark is gone")
        self.mark = mark
        return self.say(
            f"marked {self.label(mark.machine_id)} #{thousands(mark.number)}; D compares the cursor with it"
        )

    def marked_number(self) -> int | None:
        """Where the selected machine stood at the marked moment; None without a mark or a machine."""
        if self.mark is None or self.machine_id is None:
            return None
        timeline = self.recording.timeline(self.machine_id)
        if self.mark.machine_id == self.machine_id:
            return min(self.mark.number, timeline.count)
        return timeline.number_at(self.mark.at_ns)

    def refresh_bookmarks(self) -> None:
        """Read the bookmarks again."""
        self._bookmarks_due = self._clock() + _LOOK_AGAIN_S
        if self.shelf is None:
            return
        try:
            found = tuple(self.shelf.read())
        except StoreError as error:
            if str(error) != self._shelf_failure:
                self._shelf_failure = str(error)
                self.say(f"bookmarks cannot be read: {error}")
            return
        self._shelf_failure = ""
        if found != self.bookmarks:
            self.bookmarks = found
            self._changed()

    def tick(self) -> bool:
        """As without bookmarks; those that others make appear after a while."""
        if self._clock() >= self._bookmarks_due:
            self.refresh_bookmarks()
        return super().tick()
