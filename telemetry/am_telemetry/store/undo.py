"""Putting remembered values back when a transaction fails."""

from __future__ import annotations

from typing import Any, Protocol


class Saveable(Protocol):
    """Something whose fields can be copied and put back."""

    def snapshot(self) -> tuple[Any, ...]: ...

    def restore(self, values: tuple[Any, ...]) -> None: ...


_ABSENT = object()


class UndoLog:
    """Old values since the last :meth:`forget`, newest last. Not thread-safe."""

    def __init__(self) -> None:
        self._entries: list[tuple[dict[Any, Any], Any, Any]] = []
        self._saved: list[tuple[Saveable, tuple[Any, ...]]] = []

    def put(self, mapping: dict[Any, Any], key: object, value: object) -> None:
        """``mapping[key] = value``, remembering what was there."""
        self._entries.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def remove(self, mapping: dict[Any, Any], key: object) -> None:
        """``del mapping[key]``, remembering what was there."""
        self._entries.append((mapping, key, mapping.pop(key)))

    def save(self, thing: Saveable) -> None:
        """Remember the fields of an object as they are now."""
        self._saved.append((thing, thing.snapshot()))

    def forget(self) -> None:
        """The changes are durable."""
        self._entries.clear()
        self._saved.clear()

    def revert(self) -> None:
        """Put everything back, newest first."""
        for thing, values in reversed(self._saved):
            thing.restore(values)
        for mapping, key, value in reversed(self._entries):
            if value is _ABSENT:
                mapping.pop(key, None)
            else:
                mapping[key] = value
        self.forget()
