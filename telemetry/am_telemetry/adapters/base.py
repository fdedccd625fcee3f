"""What the adapters have in common: names for machines, and the watches of those that were met."""

from __future__ import annotations

import itertools
import logging
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from am_telemetry.adapters.patching import Patches
from am_telemetry.adapters.subject import Subject
from am_telemetry.adapters.watch import Watch
from am_telemetry.sending.client import Client
from am_telemetry.sending.happenings import Vanished

logger = logging.getLogger("am_telemetry")

Key = tuple[int, ...]
MAX_NAMES: Final = 65_536


class Names:
    """Machine ids: the name itself for the first machine that has it, then with a number. Thread-safe without a lock,
    which a fork could leave locked."""

    def __init__(self) -> None:
        self._counts: dict[str, Iterator[int]] = {}

    def unique(self, name: str) -> str:
        if len(self._counts) >= MAX_NAMES:
            self._counts.clear()
        number = next(self._counts.setdefault(name, itertools.count(1)))
        return name if number == 1 else f"{name}-{number}"


class Adapter:
    """Knows the machines of one engine that it has met, and tells a client about them.

    Args:
        client: where machines are traced.
        names: shared by all adapters of a client.
    """

    engine: str = ""
    """Name of the package."""

    def __init__(self, client: Client, names: Names) -> None:
        self.client = client
        self.patches = Patches()
        self.watches: dict[Key, Watch | None] = {}
        """By identity; None for machines that are not wanted."""
        self._names = names
        self._ids: dict[Key, str] = {}
        self._references: dict[Key, weakref.ref[Any]] = {}
        self._complained = False

    def stop(self) -> None:
        """Put the engine back as it was."""
        self.patches.undo()
        self.watches.clear()
        self._references.clear()
        self._ids.clear()

    def meet(
        self,
        key: Key,
        owner: object,
        name: Callable[[], str],
        subject: Callable[[], Subject],
        forced: bool = False,
        parent: str = "",
    ) -> Watch | None:
        """Start to watch a machine, unless it is watched or not wanted.

        Args:
            key: identifies the machine while ``owner`` is alive.
            owner: held weakly; the machine is gone with it.
            name: what to call the machine, apart from a number.
            subject: how to look at it.
            forced: whether the settings are ignored.
            parent: id of the machine that made this one.
        """
        known = self.watches.get(key)
        if known is not None or (key in self.watches and not forced):
            return known
        machine_id = self._ids.get(key) or self._ids.setdefault(key, self._names.unique(name()))
        if not forced and not self.client.settings.wants(machine_id):
            self._refer(key, owner)
            self.watches.setdefault(key, None)
            return None
        client = self.client
        watch = Watch(client.ring, client.settings, client.next_handle(), machine_id, (self.engine, *key), subject())
        watch.tags = (self.engine,)
        watch.parent = parent
        self._refer(key, owner)
        if forced:
            self.watches[key] = watch
        elif self.watches.setdefault(key, watch) is not watch:
            return self.watches[key]
        client.adopt(watch)
        return watch

    def lose(self, key: Key, reason: str = "disposed") -> None:
        """The machine is gone, or to be watched no longer."""
        self._references.pop(key, None)
        self._ids.pop(key, None)
        watch = self.watches.pop(key, None)
        if watch is not None:
            watch.ring.note(Vanished(reason), watch)

    def drop(self, watches: Iterable[Watch]) -> None:
        """Watch some machines no longer, although they are alive."""
        for watch in watches:
            for key in [key for key, known in list(self.watches.items()) if known is watch]:
                self.watches[key] = None
                watch.ring.note(Vanished("closed"), watch)

    def unsupported(self) -> None:
        """Say that this version of the engine is unknown."""
        logger.warning("machines of %s are not traced: this version of the package is not supported", self.engine)

    def failed(self) -> None:
        """Log the exception being handled: a fault of telemetry, which must not reach the program."""
        level = logging.DEBUG if self._complained else logging.ERROR
        self._complained = True
        logger.log(
            level, "a transition of %s was not recorded because of an internal error", self.engine, exc_info=True
        )

    def _refer(self, key: Key, owner: object) -> None:
        adapter = weakref.ref(self)

        def gone(_reference: object) -> None:
            alive = adapter()
            if alive is not None:
                alive.lose(key)

        self._references[key] = weakref.ref(owner, gone)


CAUSE: Final = "_am_telemetry_cause"
"""Attribute of queued events: the attempt that sent them, or None."""


def is_cancellation(error: BaseException) -> bool:
    """Whether a task was cancelled. Costs no import where there are no tasks."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def name_of(function: object) -> str:
    """What to call a callback."""
    if isinstance(function, str):
        return function
    inner = getattr(function, "func", None)
    if inner is not None:
        return name_of(inner)
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__
