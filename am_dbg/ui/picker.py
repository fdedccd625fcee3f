"""The list of sessions as an app of its own, for when there is no session yet."""

from __future__ import annotations

from pathlib import Path

from am_dbg.ui.file_jobs import FileJobs
from am_dbg.ui.screens.sessions import SessionsScreen
from am_dbg.ui.themed_app import ThemedApp
from am_dbg.ui.themes import DARK


class PickerApp(ThemedApp[Path]):
    """Its result is the session file that was chosen, None when none was."""

    def __init__(self, files: FileJobs, *, plain: bool | None = None, colors: str = DARK) -> None:
        super().__init__(plain=plain, colors=colors)
        self._files = files

    def on_mount(self) -> None:
        self.push_screen(SessionsScreen(self._files), self.exit)
