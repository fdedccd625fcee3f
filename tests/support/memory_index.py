"""A full-text index over a recording in memory: looks at every line, every time."""

from __future__ import annotations

from collections.abc import Iterable

from am_telemetry.store.errors import StoreError
from am_telemetry.store.search_words import Kind, parse_query
from tests.support.memory_recording import MemoryRecording


class MemoryIndex:
    """Finds the same in small recordings as the real one: words by their beginnings, phrases as they are."""

    def __init__(self, recording: MemoryRecording) -> None:
        self._recording = recording
        self.failure: StoreError | None = None
        self.closed = False

    @property
    def progress(self) -> tuple[int, int]:
        total = self._recording.totals().transitions
        return total, total

    def numbers(self, text: str, kinds: Iterable[Kind] = Kind) -> dict[int, list[int]]:
        phrases, _ = parse_query(text)
        words = [word.casefold() for word in " ".join(text.split('"')[::2]).split()]
        found: dict[int, list[int]] = {}
        for machine in self._recording.machines:
            for number in range(1, self._recording.timeline(machine.id).count + 1):
                lines = [line.text for line in self._recording.log_lines(machine.id, number, number)]
                error = self._recording.transition(machine.id, number).error
                if error is not None:
                    lines.append(f"{error.type} {error.message} {error.traceback}")
                if any(all(piece in line.casefold() for piece in [*phrases, *words]) for line in lines):
                    found.setdefault(machine.id, []).append(number)
        return found

    def close(self) -> None:
        self.closed = True
