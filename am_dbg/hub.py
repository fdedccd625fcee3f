"""The composition root: a session file, its writer and the collector, built and torn down together."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from am_dbg.checks import DiskCheck, WriterCheck
from am_dbg.runtime import Note, RunningHub, socket_path
from am_telemetry.endpoints import parse_endpoint
from am_telemetry.receiving.admission import Credentials, Limits
from am_telemetry.settings import Security
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.tidying import Tidying
from am_telemetry.store.trimming import EVERYTHING
from am_telemetry.store.trimming import Limits as SessionLimits
from am_telemetry.store.writer import Writer

if TYPE_CHECKING:
    from am_telemetry.forwarding.forwarder import Forwarder

DEFAULT_LISTEN = "localhost:6831"
NEWS_S = 30.0
FAREWELL_S = 5.0
"""Seconds for the last records to reach other hubs."""


@dataclass(frozen=True)
class HubOptions:
    """How a hub works, apart from where it records and listens.

    Args:
        credentials: what is asked of programs that connect over a network.
        limits: how much is taken.
        socket: whether to make a Unix socket as well: a path, or the usual one in the runtime folder.
        forward: addresses of hubs that are to get the same records.
        security: what those hubs are shown.
        min_free: bytes of free disk space below which the hub reports that it is in trouble.
        resume: go on with a session file that exists.
        keep: what of the session is kept while it grows.
    """

    credentials: Credentials = field(default_factory=Credentials)
    limits: Limits = field(default_factory=Limits)
    socket: Path | bool = False
    forward: tuple[str, ...] = ()
    security: Security = field(default_factory=Security)
    min_free: int = 256_000_000
    resume: bool = False
    keep: SessionLimits = EVERYTHING


_PLAIN = HubOptions()


class Hub:
    """A running collector that records into one session file.

    Not thread-safe: build, use and close it on one thread. The recording may be read by any number of viewers.

    Args:
        path: session file to create, or to go on with; a new one in the sessions directory when None.
        listen: one or several of ``host:port`` to accept programs on; port 0 picks a free one.
        options: all else.

    Raises:
        StoreError: the session file cannot be created, or not be written to.
        CollectorError: the address cannot be listened on. No file is left behind then.
        CredentialsError: a certificate, key or token cannot be used.
    """

    def __init__(
        self, path: Path | None = None, listen: str | Sequence[str] = DEFAULT_LISTEN, options: HubOptions = _PLAIN
    ) -> None:
        from am_telemetry.formats.go_rpc import GoPrograms
        from am_telemetry.receiving.collector import Collector
        from am_telemetry.store.paths import new_session_path

        self.path = path if path is not None else new_session_path()
        self._is_new = not (options.resume and self.path.exists())
        self.recording = SessionFile.create(self.path) if self._is_new else SessionFile.open(self.path, writable=True)
        self.writer = Writer(self.recording, options.keep)
        self.id = _hub_id(self.path)
        self._collector = Collector(
            self.writer,
            listen,
            foreign=(GoPrograms(),),
            credentials=options.credentials,
            limits=options.limits,
            checks={"Writer": WriterCheck(self.writer), "Disk": DiskCheck(self.path.parent, options.min_free)},
            socket_path=_socket_choice(options.socket),
            hub_id=self.id,
        )
        try:
            self._collector.start()
        except BaseException:
            self.writer.close()
            self.recording.close()
            if self._is_new:
                self.path.unlink(missing_ok=True)
            raise
        self._tidying = Tidying() if path is None else None
        """Of the folder, where others may have grown old."""
        self.addresses = self._actual_addresses()
        """Where programs may report to, the Unix socket included."""
        self.address = self.addresses[0]
        """The first of them."""
        self._forwarders = self._start_forwarding(options)
        self._note = Note(RunningHub(os.getpid(), self._collector.port, self.addresses, str(self.path.resolve())))

    def _start_forwarding(self, options: HubOptions) -> list[Forwarder]:
        if not options.forward:
            return []
        from am_telemetry.forwarding.forwarder import Forwarder
        from am_telemetry.store.cursors import save_cursors

        save = partial(save_cursors, self.writer)
        found = [Forwarder(self.path, address, self.id, save, options.security) for address in options.forward]
        for forwarder in found:
            forwarder.start()
        return found

    def _actual_addresses(self) -> list[str]:
        found = []
        for text, port in zip(self._collector.addresses, self._collector.ports, strict=True):
            endpoint = parse_endpoint(text)
            found.append(str(replace(endpoint, port=port) if endpoint.kind != "unix" else endpoint))
        if self._collector.socket is not None and f"unix:{self._collector.socket}" not in found:
            found.append(f"unix:{self._collector.socket}")
        return found

    @property
    def troubles(self) -> dict[str, str]:
        """What the health service complains about, by part of the hub; empty when all is well."""
        return self._collector.troubles

    @property
    def refusals(self) -> str:
        """What was refused so far, with numbers; empty when nothing was."""
        return str(self._collector.refusals)

    @property
    def failure(self) -> str:
        """Why records cannot be stored at the moment, or soon; empty when all is well."""
        failure = self.writer.failure
        return str(failure) if failure is not None else "; ".join(self.troubles.values())

    def news(self) -> str:
        """For the footer: a failure, or else what was refused within the last half minute, or what is not forwarded."""
        if self.failure:
            return self.failure
        refusals = self._collector.refusals
        if time.monotonic() - refusals.last_at < NEWS_S:
            return f"refused: {refusals}"
        return next((str(forwarder) for forwarder in self._forwarders if forwarder.problem), "")

    @property
    def clients(self) -> int:
        """Number of connected programs."""
        return self._collector.clients

    def request_detail(self, machine: str, level: int, seconds: int) -> int:
        """Ask the programs that have a machine to tell more of it, or less again. Any thread.

        Args:
            machine: its id; empty for all machines.
            level: of detail, 0 to 3. A program never tells more than its own settings permit.
            seconds: after which it is as before; 0 ends an earlier request.

        Returns:
            How many programs were asked.
        """
        return self._collector.request_detail(machine, level, seconds)

    @property
    def forwarding(self) -> str:
        """How the forwarding to other hubs goes; empty without any."""
        return " · ".join(map(str, self._forwarders))

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
        self._note.remove()
        if self._tidying is not None:
            self._tidying.end()
        self._collector.stop()
        if self._forwarders:
            self.writer.flush(FAREWELL_S)
            for forwarder in self._forwarders:
                forwarder.stop(FAREWELL_S)
        try:
            self.writer.close()
        finally:
            empty = self._is_new and not self.recording.machines
            self.recording.close()
        if empty:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _hub_id(path: Path) -> str:
    """Stays the same when a hub goes on with its session file, so that it knows its own records again."""
    return hashlib.blake2b(f"{platform.node()}\0{path.resolve()}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def _socket_choice(choice: Path | bool) -> Callable[[int], Path | None] | None:
    if isinstance(choice, Path):
        return lambda _port: choice
    return socket_path if choice else None
