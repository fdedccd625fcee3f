"""The debugger as a Textual app: themes, timers, title, and the one main screen."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import work
from textual.screen import Screen

from am_dbg.remote._textual import set_terminal_title
from am_dbg.session import Session
from am_dbg.session.finding import TextIndex
from am_dbg.ui.file_jobs import FileJobs
from am_dbg.ui.keymap import DEFAULT_KEYMAP, Keymap
from am_dbg.ui.screens.main import MainScreen
from am_dbg.ui.themed_app import ThemedApp
from am_dbg.ui.themes import DARK
from am_dbg.viewmodels.detail_levels import asked_message
from am_dbg.viewmodels.spans import clean
from am_telemetry.errors import TelemetryError
from am_telemetry.store.errors import StoreError

POLL_SECONDS = 1 / 20
"""How often the recording is asked for news. Asking costs next to nothing when there are none."""


class DebuggerApp(ThemedApp[Path]):
    """One person's debugger. Its result is the session file to look at next; None to leave.

    Args:
        session: what is looked at; the app is its only user.
        listen: address that programs report to, None for a recording that does not grow.
        failure: why records cannot be stored at the moment, empty when all is well.
        plain: use no colour at all; by default that is decided by ``NO_COLOR``.
        keys: which keys do what.
        colors: name of the theme to begin with.
        polled: called many times a second, after what was recorded was taken in; each has to be quick.
        files: what is done with files; without, sessions are neither exchanged nor exported from here.
        ask_detail: has programs tell more of a machine (id, level 0 to 3, seconds; 0 takes that back), and returns how
            many were asked. It may take a while; any thread. None where nobody can be asked.
        open_index: makes a full-text index of the recording when texts are looked for first; the app closes it.
    """

    def __init__(
        self,
        session: Session,
        *,
        listen: str | None = None,
        failure: Callable[[], str] | None = None,
        plain: bool | None = None,
        keys: Keymap = DEFAULT_KEYMAP,
        colors: str = DARK,
        polled: Sequence[Callable[[], object]] = (),
        open_index: Callable[[], TextIndex] | None = None,
        files: FileJobs | None = None,
        ask_detail: Callable[[str, int, int], int] | None = None,
    ) -> None:
        super().__init__(plain=plain, colors=colors)
        self.session = session
        self.listen = listen
        self.failure = failure or (lambda: "")
        self._polled = tuple(polled)
        self._open_index = open_index
        self._text_index: TextIndex | None = None
        self.files = files
        self._ask_detail = ask_detail
        self._title_shown = ""
        self.main = MainScreen(session, keys)

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def on_mount(self) -> None:
        # Thousands of long-lived widgets and rows make full collections slow and useless at the default thresholds.
        gc.set_threshold(50_000, 20, 50)
        self.theme_changed_signal.subscribe(self, lambda _: self._recolor())
        self.set_interval(POLL_SECONDS, self._poll)

    # -- programs ------------------------------------------------------------------------------------------------

    @property
    def can_ask(self) -> bool:
        """Whether programs can be asked to tell more."""
        return self._ask_detail is not None

    @work(thread=True, group="detail")
    def ask_detail(self, machine: str, level: int | None, seconds: int) -> None:
        """Ask the programs that have a machine, without waiting for it; the session's message tells what came of it.

        Args:
            machine: its id.
            level: of detail; None to take back what was asked before.
            seconds: for how long.
        """
        if self._ask_detail is None:
            return
        try:
            programs = self._ask_detail(machine, level or 0, seconds)
        except TelemetryError as error:
            message = str(error)
        except TimeoutError:
            message = "the hub is too busy to ask anybody; try again"
        else:
            message = asked_message(clean(machine, 60), level, seconds, programs)
        self.call_from_thread(self.session.say, message)

    # -- texts ---------------------------------------------------------------------------------------------------

    def text_index(self) -> TextIndex | None:
        """Where texts are looked for; None where that is not possible, which the session's message explains."""
        if self._text_index is None and self._open_index is not None:
            try:
                self._text_index = self._open_index()
            except StoreError as error:
                self.session.say(f"texts cannot be searched: {error}")
        return self._text_index

    def on_unmount(self) -> None:
        index, self._text_index = self._text_index, None
        if index is not None:
            index.close()

    # -- colours -------------------------------------------------------------------------------------------------

    def _recolor(self) -> None:
        self._role_styles = None
        self.main.redraw()

    # -- time ----------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        self.session.refresh()
        self.session.tick()
        for call in self._polled:
            call()
        if self.session.revision != self.main.painted_revision:
            self.main.paint_soon()
        self.main.sync_status()
        self._show_title()

    def _show_title(self) -> None:
        machine = self.session.machine
        title = f"am-dbg · {clean(machine.name, 60)}" if machine is not None else "am-dbg"
        if title != self._title_shown:
            self._title_shown = title
            set_terminal_title(self, title)
