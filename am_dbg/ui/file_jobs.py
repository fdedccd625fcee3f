"""What screens have done with files. The commands do it; screens only know this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Progress = Callable[[int, int], None]
"""Called with what is done and the total."""
Redaction = Literal["args", "logs", "errors"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be written where."""

    target: Path
    machines: tuple[str, ...] = ()
    """Names; none for all."""
    from_ns: int | None = None
    to_ns: int | None = None
    redact: frozenset[Redaction] = frozenset()
    replace: bool = False


class FileJobs(Protocol):
    """Slow; any thread. Failures are ``AmDbgError`` or ``TelemetryError``."""

    @property
    def session(self) -> Path | None:
        """The session file that is looked at."""
        ...

    def import_recording(self, source: Path, progress: Progress) -> Path:
        """Make a session of a recording, and return its file."""
        ...

    def export(self, request: ExportRequest, progress: Progress) -> int:
        """Write the session or part of it. Returns how many transitions were written, 0 when that is not counted."""
        ...
