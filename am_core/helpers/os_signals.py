"""Signals of the operating system as requests to a machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final

from am_core.waiting.signals import Stop


class _Relay:
    """A thread that does what signal handlers must not do themselves."""

    def __init__(self) -> None:
        # The one kind of queue that may be put to in the midst of anything, also of another put.
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.put: Final = self._work.put

    def start(self) -> None:
        """To be done before the first signal, since a signal handler cannot start threads safely."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="am-signals", daemon=True)
            self._thread.start()

    def after_fork(self) -> None:
        """The thread does not exist in a child, whose signal handlers are the same."""
        was_running = self._thread is not None
        self._thread = None
        if was_running:
            self.start()

    def _run(self) -> None:
        while True:
            work = self._work.get()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - shown as by any thread; the next signal is served as well
                args = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(args))
            del work


_relay: Final = _Relay()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_relay.after_fork)


def on_signal(signum: int, fn: Callable[..., object], *args: Any) -> Stop:
    """Call a function whenever the process gets a signal, as in ``on_signal(SIGTERM, machine.remove, "Start")``.

    The function is called on a thread. A handler of :func:`signal.signal` interrupts the main thread wherever it is,
    maybe while it holds the lock of a machine, so it must not use machines itself: it might wait for its own thread for
    ever. Returns how to bring back the former handler. In asyncio programs ``loop.add_signal_handler`` is as good.

    Raises:
        ValueError: this is not the main thread, or there is no such signal.
    """
    work = partial(fn, *args)
    _relay.start()

    def handle(_: int, __: FrameType | None) -> None:
        _relay.put(work)

    before = signal.signal(signum, handle)

    def stop() -> None:
        if signal.getsignal(signum) is handle:
            signal.signal(signum, signal.SIG_DFL if before is None else before)

    return stop
