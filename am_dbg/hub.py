"""The composition root: a session file, its writer and the collector, built and torn down together."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer

DEFAULT_LISTEN = "localhost:6831"


class Hub:
    """A running collector that records into one session file.

    Not thread-safe: build, use and close it on one thread. The recording may be read by any number of viewers.

    Args:
        path: session file to create; a new one in the sessions directory when None.
        listen: ``host:port`` to accept programs on; port 0 picks a free one.

    Raises:
        StoreError: the session file cannot be created.
        CollectorError: the address cannot be listened on. No file is left behind then.
    """

    def __init__(self, path: Path | None = None, listen: str = DEFAULT_LISTEN) -> None:
        from am_telemetry.formats.go_rpc import GoPrograms
        from am_telemetry.receiving.collector import Collector
        from am_telemetry.store.paths import new_session_path

        self.path = path if path is not None else new_session_path()
        self.recording = SessionFile.create(self.path)
        self.writer = Writer(self.recording)
        self._collector = Collector(self.writer, listen, foreign=(GoPrograms(),))
        try:
            self._collector.start()
        except BaseException:
            self.writer.close()
            self.recording.close()
            self.path.unlink(missing_ok=True)
            raise
        if path is None:
            from am_telemetry.store.tidying import tidy_in_background

            tidy_in_background()
        host = listen.rpartition(":")[0] or "localhost"
        self.address = f"{host}:{self._collector.port}"
        """Where programs should report to."""

    @property
    def failure(self) -> str:
        """Why records cannot be stored at the moment; empty when all is well."""
        failure = self.writer.failure
        return str(failure) if failure is not None else ""

    @property
    def clients(self) -> int:
        """Number of connected programs."""
        return self._collector.clients

    def wait_for_clients_to_leave(self, timeout: float) -> bool:
        """Wait until no program is connected; False when ``timeout`` seconds were not enough."""
        deadline = time.monotonic() + timeout
        while self._collector.clients:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """Stop listening, store what has arrived, and close the file. An empty recording is removed.

        Raises:
            StoreError: the last records could not be stored; the file is closed all the same.
        """
        self._collector.stop()
        try:
            self.writer.close()
        finally:
            empty = not self.recording.machines
            self.recording.close()
        if empty:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
