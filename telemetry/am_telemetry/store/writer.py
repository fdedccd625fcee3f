"""The one thread that writes a session file."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Final, Self

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact
from am_telemetry.store import saved_timelines
from am_telemetry.store.errors import StorageError, StoreError, WriterClosedError, from_sqlite, is_temporary
from am_telemetry.store.ingest import Ingest
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.trimming import EVERYTHING, Limits
from am_telemetry.store.upkeep import Upkeep
from am_telemetry.store.writer_jobs import Call, Close, Job, Open, Put

_log = logging.getLogger("am_telemetry.store")

GROUP_S: Final = 0.02
"""Shortest time from one commit to the next, unless a lot is waiting."""

GROUP_ROWS: Final = 8_192
"""Transitions that are committed without waiting, and the size at which a group is cut."""

_RETRY_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Writer:
    """Stores batches in a session file: group commit, each record once, nothing acknowledged before it is durable.

    All methods are thread-safe. One writer per :class:`SessionFile`.

    Args:
        session_file: opened for writing.
        limits: what of it is kept while it grows; by default everything.

    Raises:
        StoreError: the file is open for reading only.
    """

    def __init__(self, session_file: SessionFile, limits: Limits = EVERYTHING) -> None:
        self._file = session_file
        self._db = session_file.write_connection
        self._ingest = Ingest(self._db)
        self.upkeep = Upkeep(session_file.path, self._db, self._ingest, limits)
        """What it has removed."""
        self._jobs: deque[Job | Call] = deque()
        self._condition = threading.Condition()
        self._waiting = 0
        self._waiting_rows = 0
        self._urgent = 0
        """Jobs that somebody waits for."""
        self._busy = False
        self._closing = False
        self._finished = False
        self._give_up_at: float | None = None
        self._failure: Exception | None = None
        self.settled = 0
        """Batches and other jobs done so far, to see that the writer goes on."""
        self._run_now(self._ingest.end_abandoned)
        self._thread = threading.Thread(target=self._run, name="am-dbg-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None or self._failure is None:
            self.close()
            return
        # The error that ends the block says more than the batches that are left.
        with contextlib.suppress(StorageError):
            self.close(timeout=0)

    # -- Sink ---------------------------------------------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """Batches that wait to be stored."""
        return self._waiting

    @property
    def failure(self) -> Exception | None:
        """Why nothing can be stored at present; None when all is well. Writing is tried again by itself."""
        return self._failure

    def open_session(self, process: ProcessFact, at_ns: int, timeout: float = 30.0) -> int:
        """Announce a connection of a process.

        Everything its earlier connection had handed over is stored first. Machines that are announced again afterwards
        continue the run they had.

        Returns:
            The last record number that is durable.

        Raises:
            StorageError: the file cannot be written to at present.
            WriterClosedError: the writer was closed.
        """
        result: Future[int] = Future()
        self._submit(Open(process, at_ns, result))
        try:
            return result.result(timeout)
        except FutureTimeoutError as error:
            cause = self._failure
            if isinstance(cause, StoreError):
                raise StorageError(cause.message, cause.hint) from error
            raise StorageError(
                f"{self._file.path} is not written to in time.", "The disk may be overloaded."
            ) from error

    def put(self, session: str, batch: Batch, committed: Callable[[int], None] | None = None) -> None:
        """Queue a batch.

        Args:
            session: of the process it came from.
            batch: must not be changed afterwards.
            committed: called with the batch's ``last_seq`` on the writer thread once the batch is durable.

        Raises:
            WriterClosedError: the writer was closed.
        """
        self._submit(Put(session, batch, committed))

    def close_session(self, session: str, at_ns: int, reason: str) -> None:
        """Queue the end of a connection: all machines of the process that are still open end.

        Raises:
            WriterClosedError: the writer was closed.
        """
        self._submit(Close(session, at_ns, reason))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything queued so far is stored; False when the time was not enough."""
        with self._condition:
            return self._condition.wait_for(lambda: not (self._jobs or self._busy), timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Store what is queued, end the thread, bring the readers up to date and save the timelines.

        To be called on the thread of the readers. Harmless when repeated.

        Args:
            timeout: how long to go on trying when the disk refuses, in seconds.

        Raises:
            StorageError: batches were left that could not be stored.
        """
        with self._condition:
            self._closing = True
            if self._give_up_at is None:
                self._give_up_at = time.monotonic() + timeout
            self._condition.notify_all()
        self._thread.join()
        left, self._waiting = self._waiting, 0
        if left:
            error = self._failure
            hint = error.hint if isinstance(error, StoreError) else ""
            raise StorageError(f"{left} batches could not be stored in {self._file.path}: {error}", hint)
        if not self._finished:
            self._finished = True
            self._finish()

    def save_timelines(self, timeout: float = 60.0) -> None:
        """Store the index beside the rows, so that the file opens quickly. To be called on the thread of the readers.

        Raises:
            StorageError: there is no room, or the time was not enough.
        """
        rows = self._file.timeline_rows()
        self.call(lambda connection: saved_timelines.save(connection, rows), timeout)

    # -- importing ----------------------------------------------------------------------------------------------

    def write_all(self, session: str, batches: Iterable[Batch], progress: Callable[[int], None] | None = None) -> int:
        """Store batches in the calling thread's time, with few large transactions.

        Args:
            session: as announced by :meth:`open_session`.
            batches: taken one at a time, so a generator keeps memory low.
            progress: called with the number of transitions handed over so far, after every batch.

        Returns:
            The number of transitions handed over.

        Raises:
            StorageError: the file cannot be written to.
        """
        return self.write_pairs(((session, batch) for batch in batches), progress)

    def write_pairs(self, pairs: Iterable[tuple[str, Batch]], progress: Callable[[int], None] | None = None) -> int:
        """The same for (session, batch) of several sessions."""
        total = 0
        for session, batch in pairs:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._waiting_rows < 4 * GROUP_ROWS or self._failure is not None or self._closing
                )
            self._raise_failure()
            self.put(session, batch)
            total += len(batch)
            if progress is not None:
                progress(total)
        while not self.flush(0.1):
            self._raise_failure()
        return total

    def _raise_failure(self) -> None:
        failure = self._failure
        if isinstance(failure, StoreError):
            raise StorageError(failure.message, failure.hint) from failure

    # -- the thread ---------------------------------------------------------------------------------------------

    def _submit(self, job: Job) -> None:
        with self._condition:
            if self._closing:
                raise WriterClosedError(f"{self._file.path} is no longer written to.", "Open a new writer.")
            self._jobs.append(job)
            if isinstance(job, Put):
                self._waiting += 1
                self._waiting_rows += len(job.batch)
            else:
                self._urgent += 1
            # The thread looks again by itself when a group is due; waking it for every batch would only cost time.
            if self._urgent or len(self._jobs) == 1 or self._waiting_rows >= GROUP_ROWS:
                self._condition.notify_all()

    def call(self, action: Callable[[sqlite3.Connection], None], timeout: float) -> None:
        """Do something with the connection between two transactions, on the writer's thread; returns when it is done.

        Raises:
            WriterClosedError: the writer was closed.
            StorageError: the time, in seconds, was not enough, or the disk refuses.
        """
        result: Future[None] = Future()
        with self._condition:
            if self._closing:
                raise WriterClosedError(f"{self._file.path} is no longer written to.", "Open a new writer.")
            self._jobs.append(Call(action, result))
            self._urgent += 1
            self._condition.notify_all()
        try:
            result.result(timeout)
        except FutureTimeoutError as error:
            raise StorageError(
                f"{self._file.path} is not written to in time.", "The disk may be overloaded."
            ) from error

    def _run(self) -> None:
        last_commit = 0.0
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._closing, self.upkeep.wait_s())
                if not self._jobs and self._closing:
                    break
                ready_at = last_commit + GROUP_S
                while self._jobs and not self._closing and self._waiting_rows < GROUP_ROWS and not self._urgent:
                    left = ready_at - time.monotonic()
                    if left <= 0:
                        break
                    self._condition.wait(left)
                self._busy = True
                group = self._take_group()
            last_commit = time.monotonic()
            try:
                done = not group or self._store(group)
                self._tidy()
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()
            if not done:
                break

    def _tidy(self) -> None:
        if not self._closing:
            for changes in self.upkeep.run():
                self._file.publish(changes)

    def _take_group(self) -> list[Job | Call]:
        group: list[Job | Call] = []
        rows = 0
        while self._jobs and rows < GROUP_ROWS:
            if isinstance(self._jobs[0], Call):
                if not group:
                    self._urgent -= 1
                    group.append(self._jobs.popleft())
                break
            job = self._jobs.popleft()
            group.append(job)
            if isinstance(job, Put):
                rows += len(job.batch)
            else:
                self._urgent -= 1
        return group

    def _store(self, group: list[Job | Call]) -> bool:
        """Store a group, trying again while the disk refuses; False when the writer was closed meanwhile."""
        if isinstance(group[0], Call):
            self._answer(group[0])
            return True
        jobs = [job for job in group if not isinstance(job, Call)]
        attempt = 0
        while True:
            error = self._try(jobs)
            if error is None:
                break
            if not (isinstance(error, sqlite3.Error) and is_temporary(error)):
                self._store_singly(jobs, error)
                break
            self._failure = from_sqlite(self._file.path, error)
            if attempt == 0:
                _log.warning("%s", self._failure)
            delay = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            attempt += 1
            with self._condition:
                self._condition.notify_all()
                if self._give_up_at is not None and time.monotonic() + delay > self._give_up_at:
                    return False
                self._condition.wait(delay)
        self._failure = None
        return True

    def _store_singly(self, jobs: list[Job], error: Exception) -> None:
        """A group contains something that cannot be stored: store the rest, book the loss."""
        for job in jobs:
            if len(jobs) > 1:
                self._store([job])
                continue
            _log.error("a record was refused and left out: %r", error)
            if isinstance(job, Open):
                job.result.set_exception(StoreError(f"The process cannot be recorded: {error}"))
                continue

            def book(job: Job = job) -> None:
                self._ingest.note("refused_batches")
                if isinstance(job, Put):
                    self._ingest.skip(job.session, job.batch.last_seq)

            while True:
                failed = self._attempt(book)
                if failed is None:
                    break
                with self._condition:
                    if self._give_up_at is not None and time.monotonic() > self._give_up_at:
                        return
                    self._condition.wait(_RETRY_S[-1])
            self._settle([job])

    def _try(self, jobs: list[Job]) -> Exception | None:
        def apply_all() -> None:
            for job in jobs:
                if isinstance(job, Put):
                    self._ingest.apply(job.session, job.batch, time.time_ns())
                elif isinstance(job, Open):
                    job.have = self._ingest.open_session(job.process, job.at_ns)
                else:
                    self._ingest.close_session(job.session, job.at_ns, job.reason)

        error = self._attempt(apply_all)
        if error is None:
            self._settle(jobs)
        return error

    def _attempt(self, action: Callable[[], None]) -> Exception | None:
        """One transaction."""
        try:
            self._ingest.begin()
            action()
            changes = self._ingest.commit()
        except Exception as error:  # noqa: BLE001 - handed to the caller, which decides between retry and refusal
            self._ingest.rollback()
            return error
        self._file.publish(changes)
        return None

    def _settle(self, jobs: list[Job]) -> None:
        """The jobs are durable."""
        self.settled += len(jobs)
        for job in jobs:
            if isinstance(job, Open):
                job.result.set_result(job.have)
            elif isinstance(job, Put):
                with self._condition:
                    self._waiting -= 1
                    self._waiting_rows -= len(job.batch)
                if job.committed is not None:
                    try:
                        job.committed(job.batch.last_seq)
                    except Exception:  # noqa: BLE001 - a failing receiver must not stop the writer
                        _log.exception("the receiver of an acknowledgement failed")

    def _answer(self, call: Call) -> None:
        try:
            call.action(self._db)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
            call.result.set_exception(
                from_sqlite(self._file.path, error) if isinstance(error, sqlite3.Error) else error
            )
        else:
            call.result.set_result(None)

    def _run_now(self, action: Callable[[], None]) -> None:
        error = self._attempt(action)
        if isinstance(error, sqlite3.Error):
            raise from_sqlite(self._file.path, error) from error
        if error is not None:
            raise error

    def _finish(self) -> None:
        try:
            saved_timelines.save(self._db, self._file.timeline_rows())
        except (sqlite3.Error, StoreError) as error:
            # The rows are complete; without the index the file only opens more slowly.
            _log.warning("the index of %s was not saved: %s", self._file.path, error)
