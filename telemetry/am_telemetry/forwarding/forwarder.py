"""Sends everything in a session file to another hub, in a thread of its own, again and again until it is there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from am_telemetry.errors import TelemetryError
from am_telemetry.forwarding.composing import Composed, Composer
from am_telemetry.forwarding.stream import RefusedError, Stream, hello
from am_telemetry.forwarding.tail import Chunk, Mark, Tail
from am_telemetry.sending.link import CHANNEL_OPTIONS, probe
from am_telemetry.sending.route import LinkError, Route
from am_telemetry.settings import Security
from am_telemetry.store.cursors import Cursor

if TYPE_CHECKING:
    import grpc

Result = TypeVar("Result")
logger = logging.getLogger("am_telemetry.forwarding")

POLL_S: Final = 0.1
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
AT_ONCE: Final = 32
"""Processes that are introduced to the other hub at the same time."""
RETRY_S: Final = 5.0
"""After which the other hub is asked again whether it has room for a process."""
SETTLE_EVERY: Final = 64
"""Chunks after which the position is stored although more is to be read."""
IDLE_S: Final = 5.0
"""After which the stream of a process without machines is ended."""
KEPT: Final = 64
"""Marks that are remembered for each process; more than can be under way."""


class _Outlet:
    """A process that is being forwarded."""

    def __init__(self, process_id: int, stream: Stream, composer: Composer, marks: list[list[Any]]) -> None:
        self.process_id = process_id
        self.stream = stream
        self.composer = composer
        self.marks: deque[list[Any]] = deque(marks, KEPT)
        """[number of a batch, mark before whatever comes after it]."""
        self.idle_since = 0.0


class Forwarder:
    """See the module. Methods may be called from any thread.

    Args:
        path: the session file.
        address: of the other hub.
        hub_id: of this hub.
        save: stores cursors in the session file; called on helper threads.
        security: what the other hub is shown.
    """

    def __init__(
        self, path: Path, address: str, hub_id: str, save: Callable[[Sequence[Cursor]], None], security: Security
    ) -> None:
        self.address = address
        self.problem = ""
        """Why nothing arrives at the moment; empty when all is well."""
        self.behind = 0
        """Transitions that the other hub does not have yet, as of the last look."""
        self.refused = 0
        """Processes that the other hub does not want."""
        self._path = path
        self._hub_id = hub_id
        self._save = save
        self._security = security
        self._prefix = f"forward:{address}"
        self._connected = False
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="am-forwarder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Send what is in the file already, as far as the time allows, and end."""
        self._stopping = True
        self._poke()
        self._thread.join(timeout)
        loop = self._loop
        if self._thread.is_alive() and loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended in this moment
                loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join(2.0)

    def __str__(self) -> str:
        """How it goes, for a status line."""
        if self.problem:
            return f"not forwarding to {self.address}: {self.problem}"
        refused = f", {self.refused:,} processes refused" if self.refused else ""
        return f"forwarding to {self.address}, {self.behind:,} behind{refused}"

    # -- the thread -----------------------------------------------------------------------------------------------

    def _poke(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(1, "am-forwarder-reader") as self._reader:
                asyncio.run(self._forward())
        except Exception:
            logger.exception("forwarding to %s ended", self.address)
            self.problem = "internal error, see the log"

    async def _forward(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.ensure_future(self._again_and_again())
        self._wake = asyncio.Event()
        with contextlib.suppress(asyncio.CancelledError):
            await self._main

    async def _again_and_again(self) -> None:
        self._excluded: dict[int, str] = {}
        self._missed: dict[int, Mark] = {}
        self._retry_at: dict[int, float] = {}
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._connection()
                return
            except (LinkError, TimeoutError, TelemetryError) as error:
                if not self.problem:
                    logger.warning("nothing is forwarded to %s: %s", self.address, error)
                self.problem = str(error) or "no answer in time"
            if self._connected:
                self._connected, pause = False, FIRST_PAUSE_S
            if self._stopping:
                return
            await self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(LONGEST_PAUSE_S, pause * 2)

    async def _connection(self) -> None:
        """Forward over one connection until everything is there and the end was asked for."""
        route = await asyncio.to_thread(probe, self.address, self._security)
        tail = await self._read(Tail, self._path)
        self._outlets: dict[int, _Outlet] = {}
        self._done: dict[int, Mark] = {}
        async with _channel(route) as channel:
            try:
                await self._follow(tail, channel, route)
            finally:
                for outlet in self._outlets.values():
                    outlet.stream.close()
                await self._read(tail.close)

    async def _follow(self, tail: Tail, channel: grpc.aio.Channel, route: Route) -> None:
        cursors = await self._read(tail.cursors, self._prefix)
        position, others = cursors.get("", (0, [0, 0, 0]))
        mark = saved = Mark(position, *others)
        waiting: set[int] = set()
        chunks = 0
        first = True
        while True:
            final = self._stopping
            chunk = await self._read(tail.read, mark)
            changed = chunk.changed
            if first:
                first, changed = False, {one for one in changed if not _is_done(one, chunk, cursors)}
            waiting |= changed
            wanted = chunk.processes() | (waiting if chunk.complete else set())
            wanted -= {
                one for one in wanted - waiting if one in self._done and not chunk.goes_beyond(one, self._done[one])
            }
            for process_id in sorted(wanted & self._outlets.keys()):
                if self._outlets[process_id].composer.is_outdated(chunk):
                    await self._end(process_id)
            new = sorted((wanted | self._missed.keys()) - self._outlets.keys() - self._excluded.keys())
            start = mark
            for group in range(0, len(new), AT_ONCE):
                opening = [self._open(tail, channel, route, one, mark) for one in new[group : group + AT_ONCE]]
                for before in await asyncio.gather(*opening, return_exceptions=True):
                    if isinstance(before, BaseException):
                        raise before
                    start = Mark(*map(min, start, before))
            self._connected, self.problem = True, ""
            if start != mark:
                mark = start  # the other hub has lost what it had, or has room again for a process
                continue
            await self._send(tail, chunk, wanted)
            if chunk.complete:
                waiting = waiting & self._missed.keys()
            mark = chunk.end
            self.behind = 0 if chunk.complete else await self._read(tail.behind, mark)
            chunks += 1
            if chunk.complete or chunks % SETTLE_EVERY == 0:
                for outlet in list(self._outlets.values()):
                    await self._watch(outlet.stream.settled(), outlet)
                safe = Mark(*map(min, mark, *self._missed.values())) if self._missed else mark
                if safe != saved:
                    await self._store([(self._prefix, safe.transition, json.dumps(safe[1:]))])
                    saved = safe
            if chunk.complete:
                await self._end_idle()
                if final:
                    return
                await self._sleep(POLL_S)

    async def _open(self, tail: Tail, channel: grpc.aio.Channel, route: Route, process_id: int, mark: Mark) -> Mark:
        """Begin to forward a process; returns from where on its rows are needed."""
        now = asyncio.get_running_loop().time()
        if now < self._retry_at.get(process_id, 0.0):
            return mark
        stream = Stream(channel, route)
        try:
            have = await stream.open(hello(await self._read(tail.process, process_id), self._hub_id))
        except RefusedError as error:
            stream.close()
            if error.final:
                self._exclude(process_id, str(error))
            else:
                self._retry_at[process_id] = now + RETRY_S
                self._missed.setdefault(process_id, mark)
            return mark
        except BaseException:
            stream.close()
            raise
        prefix = f"{self._prefix}:{process_id}"
        cursors = await self._read(tail.cursors, prefix)
        last, marks = cursors.pop("", (0, []))
        known = [entry for entry in marks if entry[0] <= have]
        told = Mark(*known[-1][1]) if known and have else Mark()
        ended: dict[int, int] = {}
        stale = []
        for name, (number, pairs) in sorted(cursors.items(), key=lambda item: item[1][0]):
            if name.startswith(":") and number <= have:
                ended.update(dict(pairs))
            elif name.startswith(":"):
                stale.append((prefix + name, number, "[]"))
        if stale:
            await self._store(stale)
        composer = Composer(process_id, told, ended, tail)
        self._outlets[process_id] = _Outlet(process_id, stream, composer, known)
        before = self._missed.pop(process_id, mark)
        return Mark(*map(min, before, told)) if have < last else before

    async def _send(self, tail: Tail, chunk: Chunk, wanted: set[int]) -> None:
        """Note what is about to be sent, then send it: what arrives is known afterwards, whatever happens here."""
        batches: list[tuple[_Outlet, Composed]] = []
        cursors: list[Cursor] = []
        for process_id in sorted(wanted & self._outlets.keys()):
            outlet = self._outlets[process_id]
            composed = await self._read(outlet.composer.compose, chunk)
            if not composed:
                continue
            number = outlet.stream.sent
            for one in composed:
                number += 1
                if one.ended:
                    cursors.append((f"{self._prefix}:{process_id}:{number}", number, json.dumps(one.ended)))
                batches.append((outlet, one))
            # Between the first and the last batch of a chunk, the mark before it holds: sending twice does no harm.
            outlet.marks.append([number, list(outlet.composer.mark)])
            cursors.append((f"{self._prefix}:{process_id}", number, json.dumps(list(outlet.marks))))
        if cursors:
            await self._store(cursors)
        for outlet, one in batches:
            if outlet.process_id in self._outlets:
                await self._watch(outlet.stream.send(one), outlet)

    async def _watch(self, work: Coroutine[Any, Any, None], outlet: _Outlet) -> None:
        try:
            await work
        except RefusedError as error:
            outlet.stream.close()
            if not error.final:
                raise LinkError(str(error)) from error
            self._outlets.pop(outlet.process_id, None)
            self._exclude(outlet.process_id, str(error))

    def _exclude(self, process_id: int, reason: str) -> None:
        self._excluded[process_id] = reason
        self.refused = len(self._excluded)
        logger.warning("%s does not take the records of process %s: %s", self.address, process_id, reason)

    async def _end(self, process_id: int) -> None:
        """Leave a process alone once the other hub has all that was sent of it."""
        outlet = self._outlets[process_id]
        await self._watch(outlet.stream.settled(), outlet)
        if self._outlets.pop(process_id, None) is not None:
            self._done[process_id] = outlet.composer.mark
            await outlet.stream.farewell()

    async def _end_idle(self) -> None:
        """End the streams of processes that have no machines any more."""
        now = asyncio.get_running_loop().time()
        for outlet in list(self._outlets.values()):
            if not outlet.composer.is_idle:
                outlet.idle_since = 0.0
            elif not outlet.idle_since:
                outlet.idle_since = now
            elif now - outlet.idle_since > IDLE_S and len(self._outlets) > 1:
                await self._end(outlet.process_id)

    # -- helpers --------------------------------------------------------------------------------------------------

    async def _read(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something with the file on its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, *arguments)

    async def _store(self, cursors: Sequence[Cursor]) -> None:
        await asyncio.to_thread(self._save, cursors)

    async def _sleep(self, seconds: float) -> None:
        wake = self._wake
        assert wake is not None
        if not self._stopping:
            wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), seconds)


def _is_done(process_id: int, chunk: Chunk, cursors: dict[str, tuple[int, Any]]) -> bool:
    """Whether all machines of a process are known to have ended there as well."""
    prefix = f":{process_id}:"
    told: dict[int, int] = {}
    for name, (_, pairs) in sorted(cursors.items(), key=lambda item: item[1][0]):
        if name.startswith(prefix):
            told.update(dict(pairs))
    machines = chunk.machines_of[process_id]
    return all(machine.ended_ns and told.get(machine.id) == machine.ended_ns for machine in machines)


def _channel(route: Route) -> grpc.aio.Channel:
    import grpc

    if not route.tls_host:
        return grpc.aio.insecure_channel(route.target, options=CHANNEL_OPTIONS)
    options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", route.tls_host))
    return grpc.aio.secure_channel(route.target, grpc.ssl_channel_credentials(*route.pem_files()), options=options)
