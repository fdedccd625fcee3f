"""A connection of a program that speaks a foreign protocol: bytes go through its reader, records into the sink.

The program waits for each answer, so it is answered at once and never made to wait for the disk for longer than
:data:`PATIENCE_S`: after that its transitions are counted and no longer kept, until the sink takes batches again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from am_telemetry.batch import Batch
from am_telemetry.errors import TelemetryError
from am_telemetry.receiving.complaints import Complaints
from am_telemetry.receiving.foreign import ForeignSession
from am_telemetry.receiving.peers import find_peer
from am_telemetry.sink import Sink

logger = logging.getLogger("am_telemetry.receiving.collector")

FLUSH_S: Final = 0.03
FLUSH_SIZE: Final = 512
MAX_BACKLOG: Final = 1_024
"""Batches that wait for the sink. More than others are allowed to fill it with, because these programs cannot wait."""
MAX_HELD: Final = 2048
"""Records of one connection that are kept while the sink is not taking any."""
PATIENCE_S: Final = 1.0
REOPEN_S: Final = 1.0
MESSAGE_DEADLINE_S: Final = 30.0
"""Within which a message that has begun must end. Between messages a program may be silent for as long as it likes."""
BIG: Final = 128 * 1024
"""Bytes from which on decoding leaves the event loop to others."""


class ForeignConnection(asyncio.Protocol):
    """See the module. Everything runs on the collector's event loop.

    Args:
        session: reads this connection.
        sink: takes the records.
        who: names the program in log lines.
        complaints: told what is wrong with it.
        ended: called once everything is handed over.
    """

    def __init__(
        self,
        session: ForeignSession,
        sink: Sink,
        who: str,
        complaints: Complaints,
        ended: Callable[[ForeignConnection], None],
    ) -> None:
        self._session = session
        self._sink = sink
        self._who = who
        self._complaints = complaints
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._decoding: asyncio.Task[None] | None = None
        self._opened = False
        self._held_since: float | None = None
        self._unread = False
        """The program does not read its answers."""
        self.finished: asyncio.Task[None] | None = None
        """Hands over the last records, once the connection has ended."""

    def begin(self, transport: asyncio.Transport, head: bytes) -> None:
        """Take over an accepted connection of which ``head`` was read."""
        self._transport = transport
        transport.set_protocol(self)
        self.data_received(head)

    def end(self) -> None:
        """Close the connection from this side."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if len(data) + self._session.unfinished < BIG:
            self._read(data)
            return
        self._pause()
        self._decoding = self._loop.create_task(self._read_elsewhere(data))

    def pause_writing(self) -> None:
        self._unread = True
        self._pause()

    def resume_writing(self) -> None:
        self._unread = False
        self._resume()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()
        self.finished = self._loop.create_task(self._finish())

    # -- reading --------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        try:
            answer = self._session.feed(data, time.time_ns())
        except Exception as error:  # noqa: BLE001 - one connection's bytes must not harm the others
            self._give_up(error)
            return
        self._answer(answer)

    async def _read_elsewhere(self, data: bytes) -> None:
        try:
            answer = await asyncio.to_thread(self._session.feed, data, time.time_ns())
        except Exception as error:  # noqa: BLE001 - one connection's bytes must not harm the others
            self._give_up(error)
            return
        finally:
            self._decoding = None
        self._answer(answer)
        self._resume()

    def _answer(self, answer: bytes) -> None:
        if answer and self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)
        if self._session.process is not None and self._opening is None:
            self._opening = self._loop.create_task(self._open())
        if len(self._session) >= FLUSH_SIZE:
            self._flush()
        elif self._timer is None:
            self._schedule()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._session.unfinished:
            self._deadline = self._loop.call_later(MESSAGE_DEADLINE_S, self._too_slow)

    def _too_slow(self) -> None:
        self._complaints.about(self._who, f"a message did not end within {MESSAGE_DEADLINE_S:.0f} s")
        self.end()

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, TelemetryError):
            self._complaints.about(self._who, error.message)
        else:
            logger.error("%s was sent away, because its bytes met a defect here", self._who, exc_info=error)
        if self._transport is not None:
            self._transport.close()  # after the answers that were given

    def _pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def _resume(self) -> None:
        """Read on, unless something else speaks against it."""
        waits = self._held_since is not None and not self._session.overloaded
        if self._transport is None or self._unread or waits or self._decoding is not None:
            return
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # -- records --------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Announce the program, and go on trying while the sink cannot take it."""
        process = self._session.process
        assert process is not None
        pid, name = await asyncio.to_thread(find_peer, self._transport)
        if pid:
            process = replace(process, pid=pid, name=name or process.name)
            self._who = f"{process.name} ({pid})"
        while not self._opened:
            try:
                await asyncio.to_thread(self._sink.open_session, process, time.time_ns())
            except TelemetryError as error:
                self._complaints.about(self._who, f"it cannot be recorded at present: {error.message}")
                if self.finished is not None:
                    return
                await asyncio.sleep(REOPEN_S)
            else:
                self._opened = True
        logger.info("%s connected, %s", self._who, process.library)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._decoding is not None or self.finished is not None:
            if self.finished is None:
                self._schedule()
            return
        if self._session.process is None:
            return  # half a call has arrived; the next bytes come with a flush
        if not self._opened or self._sink.backlog >= MAX_BACKLOG:
            self._hold()
            return
        if not self._put(self._session.take(time.time_ns())):
            return
        if self._session.overloaded:
            logger.warning("%s is recorded again", self._who)
        self._session.overloaded = False
        if self._held_since is not None:
            self._held_since = None
            self._resume()
        if self._session.restless:
            self._schedule()

    def _hold(self) -> None:
        """The sink takes nothing at the moment."""
        self._schedule()
        if len(self._session) < MAX_HELD:
            return
        now = time.monotonic()
        if self._held_since is None:
            self._held_since = now
            self._pause()
        elif now - self._held_since > PATIENCE_S and not self._session.overloaded:
            self._session.overloaded = True
            logger.warning("%s reports faster than can be stored; its transitions are counted only", self._who)
            self._resume()

    def _put(self, batches: list[Batch]) -> bool:
        process = self._session.process
        assert process is not None
        try:
            for batch in batches:
                self._sink.put(process.session, batch)
        except TelemetryError as error:
            self._give_up(error)
            return False
        return True

    async def _finish(self) -> None:
        try:
            for task in (self._decoding, self._opening):
                if task is not None:
                    await asyncio.wait([task])
            process = self._session.process
            if process is None or not self._opened:
                return
            if self._put(self._session.finish(time.time_ns())):
                await asyncio.to_thread(self._sink.close_session, process.session, time.time_ns(), "disconnected")
            orphans = self._session.orphans
            if orphans:
                logger.warning("%s sent %s transitions of machines it never introduced", self._who, f"{orphans:,}")
            logger.info("%s disconnected", self._who)
        except Exception:
            logger.exception("the end of %s could not be recorded", self._who)
        finally:
            self._ended(self)
