"""One connected program, as the collector's event loop knows it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from am_telemetry.receiving.admission import Pace
from am_telemetry.receiving.credit import Account, Budget
from am_telemetry.wire import Decoder

if TYPE_CHECKING:
    from am_proto import telemetry_pb2 as pb
    from am_telemetry.batch import Batch

logger = logging.getLogger("am_telemetry.receiving.collector")

MAX_OUTBOX: Final = 256


class Post:
    """Brings the news of a sink's thread to the event loop, those of one transaction together."""

    def __init__(self) -> None:
        self.stored = asyncio.Event()
        """Set whenever something has become durable; whoever waits for it clears it."""
        self._loop = asyncio.get_running_loop()
        self._news: deque[tuple[Connection, int]] = deque()
        self._under_way = False

    def committed(self, connection: Connection, last_seq: int) -> None:
        """Everything of a program up to a record number is durable. Any thread."""
        self._news.append((connection, last_seq))
        if self._under_way:
            return
        self._under_way = True
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            logger.debug("the collector has ended before an acknowledgement could be sent")

    def _deliver(self) -> None:
        self._under_way = False  # before looking, so that what is added meanwhile is either seen or brought later
        while self._news:
            connection, last_seq = self._news.popleft()
            connection.advance(last_seq)
        self.stored.set()


class Connection:
    """See the module.

    Args:
        session: of the process.
        name: of the program, for log lines.
        have_seq: last record number that is durable.
        pace: how quick it may be.
        budget: bytes that may be under way.
        post: where the sink's thread leaves what became durable.
    """

    def __init__(self, session: str, name: str, have_seq: int, pace: Pace, budget: Budget, post: Post) -> None:
        self.session = session
        self.name = name
        self.decoder = Decoder()
        self.put_seq = have_seq
        """Last record number handed to the sink."""
        self.durable_seq = have_seq
        self.acked_seq = have_seq
        self.said_goodbye = False
        self.superseded = False
        self.pace = pace
        self.machines: set[int] = set()
        """Handles of the machines that are recorded."""
        self.names: dict[int, str] = {}
        """Handles of all machines that are open, and their ids."""
        self.account = Account(budget)
        self.skew_ns: int | None = None
        """Estimate of how far this computer's clock is ahead, until a batch has taken it to the sink."""
        self.outbox: deque[bytes] = deque(maxlen=MAX_OUTBOX)
        """Frames to send besides acknowledgements and credit."""
        self.told: set[str] = set()
        """What the program was told about already."""
        self.progress = asyncio.Event()
        """Set when there is something to say to the program, or its stream is to end."""
        self.room = asyncio.Event()
        """Set when some of what it has brought became durable."""
        self._post = post

    def committed(self, last_seq: int) -> None:
        """Called by the sink on its own thread."""
        self._post.committed(self, last_seq)

    def advance(self, last_seq: int) -> None:
        """Everything up to a record number is durable."""
        self.durable_seq = max(self.durable_seq, last_seq)
        self.account.settle(self.durable_seq)
        self.told.discard("trouble")
        self.progress.set()
        self.room.set()

    def say(self, frame: bytes) -> None:
        """Send a frame soon."""
        self.outbox.append(frame)
        self.progress.set()

    def say_once(self, topic: str, frame: bytes) -> None:
        """Send a frame soon, unless the program has heard of the topic."""
        if topic not in self.told:
            self.told.add(topic)
            self.say(frame)

    def supersede(self) -> None:
        """Another connection goes on with the session."""
        self.superseded = True
        self.progress.set()

    def compare_clocks(self, anchor: pb.ClockAnchor) -> None:
        """Estimate the skew between the program's wall clock and this one's."""
        if anchor.wall_ns:
            self.skew_ns = time.time_ns() - anchor.wall_ns

    def note_names(self, batch: Batch) -> None:
        """Keep in mind which machines are open."""
        for handle, _, fact in batch.opened:
            self.names[handle] = fact.id
        for closed in batch.closed:
            self.names.pop(closed.machine, None)
