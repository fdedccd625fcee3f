"""Imports and exports for the user interface, by what the commands of that name do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from am_dbg.ui.file_jobs import ExportRequest


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """What the user interface has done with files; see ``FileJobs``."""

    session: Path | None = None

    def import_recording(self, source: Path, progress: Callable[[int, int], None]) -> Path:
        """Make a session of a recording, under a name that is free.

        Raises:
            AmDbgError: it is unreadable, or the session cannot be written.
            TelemetryError: likewise.
        """
        from am_dbg.commands.import_ import default_target, import_recording

        wanted = target = default_target(source)
        count = 2
        while target.exists():
            target, count = wanted.with_name(f"{wanted.stem}-{count}{wanted.suffix}"), count + 1
        return import_recording(source, target, progress).path

    def export(self, request: ExportRequest, progress: Callable[[int, int], None]) -> int:
        """Write the session or part of it; the name of the target decides on the format.

        Raises:
            AmDbgError: the target cannot be used.
            TelemetryError: the session cannot be read.
        """
        from am_dbg.commands.export import write_export
        from am_dbg.errors import AmDbgError

        if self.session is None:
            raise AmDbgError("there is no session to export")
        return write_export(self.session, request, progress)
