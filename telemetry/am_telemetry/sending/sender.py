"""The daemon thread behind the tracer: looks into the ring every 20 ms, builds batches, and talks to the hub."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from am_telemetry.sending.attempts import Attempts
from am_telemetry.sending.builder import Builder
from am_telemetry.sending.drafts import Dropped
from am_telemetry.sending.forgetting import forget_schemas
from am_telemetry.sending.forking import Bystander, no_fork
from am_telemetry.sending.framing import Framing
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.link import Link, ThreadsUnavailableError, probe
from am_telemetry.sending.loading import FIRST, SECOND, BackgroundImport
from am_telemetry.sending.lookout import Lookout
from am_telemetry.sending.pacing import POLL, Pacing, interval
from am_telemetry.sending.progress import Ending, Progress
from am_telemetry.sending.requests import DetailRequests
from am_telemetry.sending.retention import MAX_BYTES, Retention
from am_telemetry.sending.ring import WIDTH, Ring, Traced
from am_telemetry.sending.route import LinkError, Route, TlsRejectedError
from am_telemetry.settings import Settings

if TYPE_CHECKING:
    from am_proto import telemetry_pb2 as pb
    from am_telemetry.sending.identity import Session
    from am_telemetry.sending.known import Known
    from am_telemetry.sending.spooling import ItemSpooler

logger = logging.getLogger("am_telemetry")

HOLD: Final = 0.5
"""Seconds for which a batch may wait for further rows while there is no hub; large batches take less room and time."""
HOLD_SPOOLED: Final = 0.1
PULSE: Final = 10.0
"""Seconds between messages that say nothing but what time it is."""
WELCOME_TIMEOUT: Final = 5.0
GOODBYE_TIMEOUT: Final = 0.5
CLOSE_TIMEOUT: Final = 1.0
AFTER_FORK_MS: Final = 100
"""Pause before connecting again after a fork, as many come in bursts."""
LOST: Final = "some telemetry was lost: %r"
MAX_HELD: Final = 200_000 * WIDTH
"""Entries of records kept until they can be encoded; beyond that the ring counts what it drops."""


class Sender:
    """Owns everything that needs no lock because only its thread touches it.

    Args:
        settings: what to send, and where.
        ring: what to read.
        tracers: all tracers of the moment; called on the sender's thread.
        forget: called with a tracer whose machine is gone.
        parent: session of the process that forked this one.
    """

    def __init__(
        self,
        settings: Settings,
        ring: Ring,
        tracers: Callable[[], Iterable[Traced]],
        forget: Callable[[Traced], None],
        parent: bytes = b"",
    ) -> None:
        self.settings = settings
        self.ring = ring
        self.wake = threading.Event()
        self.dropped = Dropped()
        self.sent = 0
        self.acked = 0
        self.connections = 0
        self.pending = 0
        """Transitions built and not durable yet."""
        self.collected = 0
        self.session_id = b""
        self.notices: dict[str, str] = {}
        self._tracers = tracers
        self._lookout = Lookout(tracers)
        self._spooler: ItemSpooler | None = None
        self._route: Route | None = None
        self._replaying = False
        self._requests = DetailRequests(settings, tracers)
        self._pacing = Pacing(0)
        self._next_pulse = 0.0
        self._forget = forget
        self._parent = parent
        self._held: list[Any] = []
        self._grpc: BackgroundImport | None = None
        self._thread: threading.Thread | None = None
        self._progress = Progress()
        self._bystander = Bystander(lambda: self._link is not None, self.wake.set)
        self._finish_by = 0.0
        """When the batch that is being filled has to be complete, monotonic seconds; 0 when there is none."""
        self._ending: Ending | None = None
        self._link: Link | None = None
        self._known: Known | None = None
        self._welcome_by = 0.0
        self._attempts = Attempts(local=settings.is_local)
        self._told: set[str] = set()
        self._refused = False

    # -- called from any thread -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, once."""
        with self._progress.changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="am-telemetry", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is shutting down, or out of threads: nothing will be sent
                    self._progress.finished, self._progress.idle = True, False
                    self.ring.sleep()

    @property
    def started(self) -> bool:
        return self._thread is not None

    @property
    def connected(self) -> bool:
        """Whether a hub has welcomed this session on the present connection."""
        return self._known is not None

    def flush(self, timeout: float) -> bool:
        """Wait until everything noted before the call is durable at the hub; False when time ran out."""
        if not self.started:
            return not self.ring
        return self._progress.wait(timeout, self.wake.set)

    def stop(self, timeout: float, at_most: float = 0.0) -> bool:
        """Send what is left, say goodbye and end the thread. False when something had to be left behind.

        Args:
            timeout: seconds without progress after which that is so.
            at_most: seconds after which it is so in any case; ``timeout`` by default.
        """
        if not self.started:
            return not self.ring
        ending = Ending(timeout, at_most)
        if not self.session_id:
            ending.grant(working=True)  # it is still loading, which takes seconds on a busy computer
        self._ending = ending
        self.wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            while thread.is_alive() and (left := ending.left + GOODBYE_TIMEOUT) > 0:
                thread.join(left)
        return self._progress.finished and self._progress.idle

    def abandon(self) -> None:
        """In the child of a fork, where the thread does not exist: hold nothing that belongs to the parent."""
        if self._spooler is not None:
            self._spooler.spool.let_go()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._held = self._take_while_loading()
            with no_fork():
                self._prepare()
            while self._round():
                self.wake.wait(interval(self._retention.in_flight))
                self.wake.clear()
                if self._bystander.asked:
                    self._bystander.step_aside(self._let_go)
        except BaseException:  # foreign code may run here, and want to exit
            logger.exception("telemetry stopped after an internal error; the program is not affected")
            self._progress.idle = False
        finally:
            self._drop_link()
            self._bystander.retire()
            if self._spooler is not None:
                self._spooler.spool.close(self._progress.idle)
            self.ring.sleep()
            self._progress.finish()

    def _take_while_loading(self) -> list[Any]:
        """Empty the ring while what encodes its records is imported; returns the records."""
        loading = BackgroundImport(*FIRST, *(("ssl",) if self.settings.address.startswith("tls:") else ()))
        held: list[Any] = []
        while not loading.ready:
            self.wake.wait(POLL)
            self.wake.clear()
            if len(held) < MAX_HELD:
                held += self.ring.take()
        return held

    def _prepare(self) -> None:
        from am_telemetry.sending.identity import Session
        from am_telemetry.wire import encode

        self._session: Session = Session.new(self._parent)
        self.session_id = self._session.id
        self._schemas = SchemaTable()
        if self.settings.spool:
            from am_telemetry.sending.spooling import open_spooler

            self._spooler = open_spooler(self.settings, self._session, self._schemas, encode)
        self._retention = Retention(encode, self._schemas, self.dropped, spooler=self._spooler)
        self._framing = Framing(self._retention, self._schemas, encode)
        self._builder = Builder(self.settings, self._schemas, self._retention.add, self.dropped)

    def _round(self) -> bool:
        """One look around; False when the thread is to end."""
        ending = self._ending
        try:
            self._collect(ending is not None)
        except Exception as error:  # noqa: BLE001  # a bug here must not end all telemetry, and never the program
            # The numbers of the next transitions will show what is missing.
            self.dropped.count("error", 1)
            self._tell("collect", logging.ERROR, LOST, error, cause=error)
        if self._spooler is not None:
            self._spooler.spool.sync_if_due()
        self._hear()
        self._speak(ending is not None)
        if self._refused:
            self._retention.abandon("refused")
        unfinished = self._builder.unfinished
        empty = not self.ring and not self._builder.busy and not unfinished and not len(self._retention)
        done = empty and not self._refused
        self.pending = self._retention.transitions
        self.acked = self._retention.acked_transitions
        self.collected = self._builder.collected
        self._progress.round_over(self._builder.next_seq - 1 + unfinished, self._retention.acked_seq, done)
        if self._refused:
            return False
        if ending is None:
            return True
        ending.note((self._link is not None or self._known is not None, self.connections, self._retention.acked_seq))
        hopeless = self._link is None and self._attempts.hopeless
        if not done and not hopeless and ending.left > 0:
            return True
        self._say_goodbye()
        return False

    def _collect(self, ending: bool) -> None:
        self._requests.check()
        self._lookout.look()
        self._builder.close_left()
        records = self.ring.take()
        if self._held:
            records, self._held = self._held + records, []
        if records:
            self._builder.feed(records)
            failure, self._builder.failure = self._builder.failure, None
            if failure is not None:
                self._tell("collect", logging.ERROR, LOST, failure, cause=failure)
            while self._builder.vanished:
                self._forget(self._builder.vanished.pop())
        if self.ring.is_relieved:
            self._builder.book_losses(self.ring, self._tracers())
        if ending or self._known is not None or self._schemas.is_full:
            self._builder.finish()
        elif self._builder.unfinished:
            now = time.monotonic()
            self._finish_by = self._finish_by or now + (HOLD_SPOOLED if self._spooler is not None else HOLD)
            if now >= self._finish_by:
                self._finish_by = 0.0
                self._builder.finish()
        if self._schemas.is_full:
            forget_schemas(self._schemas, self._builder, self._tracers(), self._retention, self._spooler)

    # -- the connection -------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        link = self._link
        while link is not None and link is self._link:
            try:
                heard = link.inbox.get_nowait()
            except queue.Empty:
                break
            if isinstance(heard, LinkError):
                self._lost(str(heard))
            else:
                self._answered(heard)
        if self._link is not None and self._known is None and time.monotonic() > self._welcome_by:
            self._lost("no welcome in time")

    def _answered(self, frame: pb.HubFrame) -> None:
        kind = frame.WhichOneof("frame")
        if kind == "ack":
            self._retention.acknowledge(frame.ack.upto_seq)
        elif kind == "welcome":
            from am_telemetry.sending.known import Known

            self._retention.start_again(frame.welcome.have_seq)
            self._known = Known(self._retention, self._schemas)
            self._pacing = Pacing(frame.welcome.credit)
            self._framing.limit(frame.welcome.limits.max_batch_bytes)
            self._next_pulse = time.monotonic() + PULSE
            self.connections += 1
            self._attempts.welcomed()
            self._replay()
            self._tell("connected", logging.INFO, "sending telemetry to %s", self.settings.address)
        elif kind == "go_away":
            reason = self.notices["error"] = frame.go_away.reason
            self._refused = frame.go_away.final
            if self._refused:
                self._tell("refused", logging.WARNING, "no more telemetry is sent: the hub refused it: %s", reason)
            self._lost(reason)
            self._attempts.hold_off(frame.go_away.reconnect_after_ms)
        elif kind == "credit":
            self._pacing.add(frame.credit.bytes)
        elif kind == "throttle":
            self._pacing.pause(frame.throttle.pause_ms)
            self.notices["pause"] = frame.throttle.reason
            self._tell("throttled", logging.WARNING, "the hub asks for a pause: %s", frame.throttle.reason)
        elif kind == "detail":
            level = self._requests.ask(frame.detail.machine, frame.detail.level, frame.detail.ttl_seconds)
            logger.debug("the hub asked for detail %s and is told %s", frame.detail.level, level)
        elif kind == "notice":
            self.notices[frame.notice.code] = frame.notice.text
            self._tell(f"notice {frame.notice.code}", logging.WARNING, "the hub says: %s", frame.notice.text)

    def _replay(self) -> None:
        if self.settings.spool and self._route is not None and not self._replaying and self._ending is None:
            from am_telemetry.sending.replay import start_replay

            self._replaying = True
            start_replay(Path(self.settings.spool), self._route)

    def _speak(self, stopping: bool) -> None:
        from am_telemetry.sending.identity import pulse

        if self._link is None and not self._refused and self._attempts.due(stopping):
            self._connect()
        if self._known is None or self._link is None:
            return
        if not len(self._retention):
            waiting = self._known.take_waiting()
            if waiting:
                self._builder.announce(waiting)
                self._builder.finish()
        self._builder.tell_waits(self._retention.lost_waits)
        if time.monotonic() >= self._next_pulse:
            self._next_pulse = time.monotonic() + PULSE
            self._link.send(pulse(self._retention.cost, self._builder.next_seq - 1))
        if self._pacing.paused and not stopping:
            return
        if self._known.is_worn:
            if not self._retention.in_flight:
                self._drop_link()
            return
        self.sent += self._framing.send(self._link, self._known, self._pacing)

    def _connect(self) -> None:
        from am_telemetry.sending.identity import hello

        target: Route | None = None
        if self._grpc is not None and not self._grpc.ready and self._ending is None:
            return
        try:
            target = probe(self.settings.address, self.settings.security)
            if self._grpc is None and self._ending is None:
                # Only now, so that a program without a hub never loads it.
                self._grpc = BackgroundImport(*SECOND)
                return
            self._route = target
            if self._ending is not None:
                self._ending.grant(working=True)  # importing gRPC takes seconds on a busy computer
            with no_fork():
                first = hello(self._session, self.settings, self._builder.next_seq, MAX_BYTES)
                self._link = Link(target, first, self.wake.set)
            self._known = None
            self._welcome_by = time.monotonic() + WELCOME_TIMEOUT
        except ThreadsUnavailableError:
            again = True
            if self._ending is not None and target is not None:
                again = self._push_rest(target, self._ending)
            self._attempts.failed(absent=not again)
        except TlsRejectedError as error:
            self._attempts.failed(absent=True)
            self._tell("tls", logging.WARNING, "no telemetry reaches %s: %s", self.settings.address, error)
        except LinkError as error:
            self._attempts.failed(absent=True)
            self._tell(
                "absent",
                logging.WARNING,
                "no hub at %s (%s); telemetry is kept until one appears (start one with: am-dbg)",
                self.settings.address,
                error,
            )

    def _lost(self, reason: str) -> None:
        if self._ending is None:
            self._tell("lost", logging.WARNING, "connection to %s lost: %s", self.settings.address, reason)
        if self._known is None:
            self._attempts.failed(absent=False)
        else:
            self._attempts.lost()
        self._drop_link()

    def _drop_link(self) -> None:
        link, self._link, self._known = self._link, None, None
        self._requests.clear()
        if link is not None:
            link.close()

    def _let_go(self) -> None:
        """Have nothing open when the process forks."""
        link = self._link
        self._drop_link()
        if link is not None:
            link.join(CLOSE_TIMEOUT)
            self._attempts.hold_off(AFTER_FORK_MS)

    def _say_goodbye(self) -> None:
        if self._link is None or self._known is None:
            return
        with no_fork():
            from am_telemetry.sending.last_words import say_goodbye

        say_goodbye(self._link, self._retention, self._builder.next_seq - 1, GOODBYE_TIMEOUT)
        self._progress.idle = not self.ring and not len(self._retention)

    def _push_rest(self, route: Route, ending: Ending) -> bool:
        with no_fork():
            from am_telemetry.sending.identity import hello
            from am_telemetry.sending.last_words import push_rest

        first = hello(self._session, self.settings, self._builder.next_seq, MAX_BYTES)
        last = self._builder.next_seq - 1
        return push_rest(route, first, self._retention, self._schemas, self._framing.frame, last, ending)

    def _tell(self, topic: str, level: int, text: str, *values: object, cause: Exception | None = None) -> None:
        """Log a line once per topic; repetitions are for those who debug."""
        first = topic not in self._told
        self._told.add(topic)
        logger.log(level if first else logging.DEBUG, text, *values, exc_info=cause if first else None)
