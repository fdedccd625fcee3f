"""Keeps the search index of a session up to date while it is being recorded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from am_telemetry.store.errors import StoreError
from am_telemetry.store.search import Hit, SearchIndex
from am_telemetry.store.search_words import Kind

POLL_S: Final = 0.5
"""How often to look for new rows."""

_log = logging.getLogger("am_telemetry.store")


class BackgroundSearch:
    """Builds the index on a thread of its own from the moment it is made. All methods are thread-safe.

    Args:
        path: the session file.

    Raises:
        StoreError: the session cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._index = SearchIndex(path)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._complete = threading.Event()
        self.failure: StoreError | None = None
        """Why the index does not grow any more; what is in it can still be searched."""
        self._thread = threading.Thread(target=self._run, name="am-dbg-search", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread after its present portion. Harmless when repeated."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._index.close()

    @property
    def progress(self) -> tuple[int, int]:
        """(last transition indexed, last transition in the session), by id."""
        with self._lock:
            return self._index.progress()

    def wait(self, timeout: float) -> bool:
        """Wait until everything that was there at the beginning is indexed; False when the time was not enough."""
        return self._complete.wait(timeout)

    def ids(self, text: str, kinds: Iterable[Kind] = Kind) -> list[int]:
        """As :meth:`SearchIndex.ids`, over what is indexed so far."""
        with self._lock:
            return self._index.ids(text, kinds)

    def numbers(self, text: str, kinds: Iterable[Kind] = Kind) -> dict[int, list[int]]:
        """As :meth:`SearchIndex.numbers`, over what is indexed so far."""
        with self._lock:
            return self._index.numbers(text, kinds)

    def search(self, text: str, limit: int = 100, kinds: Iterable[Kind] = Kind) -> list[Hit]:
        """As :meth:`SearchIndex.search`, over what is indexed so far."""
        with self._lock:
            return self._index.search(text, limit, kinds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._lock:
                    found = self._index.advance()
            except StoreError as error:
                _log.warning("the search index is not kept up to date any more: %s", error)
                self.failure = error
                self._complete.set()
                return
            if not found:
                self._complete.set()
            # Even without a pause between portions others get the lock: a search must not wait for the whole index.
            self._stop.wait(POLL_S if not found else 0.001)
