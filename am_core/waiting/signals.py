"""One-shot events for threads and asyncio alike, and combinations of them."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from am_core.errors import DeadlockError
from am_core.waiting.blocking import loop_here

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Stop = Callable[[], None]
"""Undoes a registration; calling it again has no effect."""


class Signal:
    """Something that happens once. Thread-safe; waiting needs neither a thread nor a task of its own."""

    __slots__ = ("__weakref__",)

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether it has happened."""

    @abstractmethod
    def add_done_callback(self, fn: Callable[[Self], object]) -> Stop:
        """Call back once with this object, on the thread that makes it happen or at once when it has happened.

        Returns how to take that back. Callbacks have to be quick: the machine waits for them.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block this thread for up to ``timeout`` seconds; True when it has happened.

        Not for handlers of the same machine, nor for the thread of an event loop: without a timeout, which would end
        it, waiting there raises :class:`DeadlockError`.
        """
        if self.done:
            return True
        if timeout is None:
            problem = self._hopeless(get_ident())
            if problem:
                raise DeadlockError(problem)
        event = threading.Event()
        stop = self.add_done_callback(lambda _: event.set())
        try:
            return event.wait(timeout) or self.done
        finally:
            stop()

    def _hopeless(self, thread: int) -> str:
        """Why it cannot happen while a thread waits for it, as far as that is certain; or empty."""
        if loop_here() is not None:
            return f"waiting for {self!r} would block the event loop of this thread; await it instead"
        return ""

    def __await__(self) -> Generator[Any, None, Self]:
        """Wait in a task of any loop. Cancelling the task ends its waiting and nobody else's."""
        if not self.done:
            # Whoever awaits has asyncio loaded already; everybody else is spared that.
            from asyncio import get_running_loop

            loop = get_running_loop()
            future = loop.create_future()

            def resolve() -> None:
                if not future.done():
                    future.set_result(None)

            stop = self.add_done_callback(lambda _: call_on_loop(loop, resolve))
            try:
                yield from future
            finally:
                stop()
        return self


def call_on_loop(loop: AbstractEventLoop, fn: Callable[[], object]) -> None:
    """Have a function called by a loop, from any thread. A closed loop is passed over, its tasks are gone."""
    try:
        loop.call_soon_threadsafe(fn)
    except RuntimeError:
        if not loop.is_closed():
            raise


class OneShot(Signal):
    """A signal with its own callbacks. Without a lock it must be over from the start.

    Ending takes two steps, so that the lock may be that of a machine: :meth:`end` under the lock, then calling what
    :meth:`callbacks` yields without it.
    """

    __slots__ = ("_announced", "_callbacks", "_lock", "_over")

    def __init__(self, lock: threading.Lock | None) -> None:
        self._lock = lock
        self._over = lock is None
        self._announced: bool | None = True
        """False while tracers are yet to be told of the beginning, None when the end came before that."""
        self._callbacks: dict[object, Callable[[Any], object]] | None = None

    @property
    def done(self) -> bool:
        return self._over

    def add_done_callback(self, fn: Callable[[Self], object]) -> Stop:
        if self._lock is not None and not self._over:
            with self._lock:
                if not self._over:
                    token = object()
                    if self._callbacks is None:
                        self._callbacks = {}
                    callbacks = self._callbacks
                    callbacks[token] = fn
                    return lambda: callbacks.pop(token, None) and None
        fn(self)
        return _nothing

    def end(self) -> bool:
        """It has happened; False when it had before."""
        if self._over:
            return False
        self._over = True
        if self._announced is False:
            self._announced = None
        return True

    @property
    def has_callbacks(self) -> bool:
        """Whether somebody is to be called."""
        return bool(self._callbacks)

    def callbacks(self) -> Iterator[Callable[[Any], object]]:
        """Every callback, each once and in the order of registration; those taken back meanwhile are left out."""
        callbacks, self._callbacks = self._callbacks, None
        for token in tuple(callbacks or ()):
            fn = callbacks.pop(token, None) if callbacks else None
            if fn is not None:
                yield fn


def _nothing() -> None:
    """There is nothing to undo."""


S = TypeVar("S", bound=Signal)


class Combination(Signal, Generic[S]):
    """Any, or all, of some signals. Attached to them only while somebody waits, so dropping it needs no care."""

    __slots__ = ("_enough", "signals")

    def __init__(self, signals: tuple[S, ...], enough: int) -> None:
        self.signals = signals
        """What is combined, in the given order."""
        self._enough = enough

    @property
    def done(self) -> bool:
        # Without counting them all: there may be thousands.
        if self._enough == len(self.signals):
            return all(signal.done for signal in self.signals)
        return any(signal.done for signal in self.signals)

    @property
    def fired(self) -> tuple[S, ...]:
        """Those that have happened so far, in the given order."""
        return tuple([signal for signal in self.signals if signal.done])

    def add_done_callback(self, fn: Callable[[Self], object]) -> Stop:
        lock = threading.Lock()
        missing = self._enough
        stops: list[Stop] = []

        def look(_: Signal | None) -> None:
            # Each signal calls once, so counting is enough.
            nonlocal missing
            with lock:
                missing -= 1
                if missing != 0:
                    return
            detach()
            fn(self)

        def detach() -> None:
            with lock:
                mine = stops[:]
                stops.clear()
            for undo in mine:
                undo()

        def stop() -> None:
            nonlocal missing
            with lock:
                missing = 0
            detach()

        for signal in self.signals:
            undo = signal.add_done_callback(look)
            with lock:
                over = missing <= 0
                if not over:
                    stops.append(undo)
            if over:
                # It happened while the signals were being attached to.
                undo()
                break
        if not self.signals:
            missing = 1
            look(None)
        return stop

    def _hopeless(self, thread: int) -> str:
        problems = [problem for signal in self.signals if (problem := signal._hopeless(thread))]
        if not problems or (self._enough < len(self.signals) and len(problems) < len(self.signals)):
            return super()._hopeless(thread)
        return problems[0]

    def __repr__(self) -> str:
        what = "all_of" if self._enough == len(self.signals) else "any_of"
        shown = [repr(signal) for signal in self.signals[:SHOWN_SIGNALS]]
        more = len(self.signals) - len(shown)
        return f"<{what}({', '.join([*shown, f'{more} more'] if more else shown)})>"


SHOWN_SIGNALS = 8
"""How many signals a combination names in its text."""


def any_of(*signals: S) -> Combination[S]:
    """Happens with the first of some waiters or contexts; ``fired`` tells which.

    Raises :class:`ValueError` for none, which would never happen.
    """
    if not signals:
        raise ValueError("any_of needs at least one waiter or context")
    return Combination(signals, 1)


def all_of(*signals: S) -> Combination[S]:
    """Happens when all of some waiters or contexts have happened, not necessarily at the same time."""
    return Combination(signals, len(signals))
