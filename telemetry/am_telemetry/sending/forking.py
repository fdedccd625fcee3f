"""Forks find telemetry's threads in a state in which a child can begin anew.

Two things must not be under way when a process forks:

* Imports. The child would inherit half of a module, behind a lock whose holder does not exist there: whoever imports it
  waits for ever.
* Open gRPC channels. gRPC prepares itself for a fork only when no thread is inside of it, and with an open channel one
  always is. In the child it would hang, sooner or later.

So forks wait for imports, and for connections to be closed. The parent connects again afterwards.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_logger = logging.getLogger("am_telemetry")

PATIENCE: Final = 5.0
"""Seconds for which a fork waits."""
LONGEST_FORK: Final = 30.0
"""Seconds after which a thread that stands aside goes on, whatever has become of the fork."""

_gate = threading.Lock()
"""Held around forks, and by whoever adds to the sets."""
_running: set[threading.Event] = set()
_bystanders: set[Bystander] = set()


class Bystander:
    """A thread that holds something that must not be there when the process forks.

    Args:
        holds: whether it holds it now; called by the thread that forks.
        wake: called when the thread should look.
    """

    def __init__(self, holds: Callable[[], bool], wake: Callable[[], object]) -> None:
        self._holds = holds
        self._wake = wake
        self._aside = threading.Event()
        self._go_on = threading.Event()
        self.asked = False
        """Whether a fork waits for :meth:`step_aside`."""
        with _gate:
            _bystanders.add(self)

    def step_aside(self, let_go: Callable[[], None]) -> None:
        """Let go of it, and wait for the end of the fork. Called by the thread."""
        let_go()
        self._aside.set()
        self._go_on.wait(LONGEST_FORK)

    def retire(self) -> None:
        """Nothing will ever be held again. Called by the thread."""
        with _gate:
            _bystanders.discard(self)

    def ask(self) -> None:
        """A fork is about to happen."""
        self._aside.clear()
        self._go_on.clear()
        self.asked = True
        self._wake()

    def wait(self, seconds: float) -> None:
        """Wait until nothing is held."""
        if self._holds():
            self._aside.wait(seconds)

    def go_on(self) -> None:
        """The fork is over."""
        self.asked = False
        self._go_on.set()


@contextmanager
def no_fork() -> Iterator[None]:
    """Forks wait for the end of it. For imports, and other things that do not take long."""
    over = begin()
    try:
        yield
    finally:
        end(over)


def begin() -> threading.Event:
    """Have forks wait until the result is handed to :func:`end`."""
    over = threading.Event()
    with _gate:
        _running.add(over)
    return over


def end(over: threading.Event) -> None:
    """See :func:`begin`."""
    _running.discard(over)
    over.set()


def _before_fork() -> None:
    until = time.monotonic() + PATIENCE
    _gate.acquire()
    try:
        for bystander in _bystanders:
            bystander.ask()
        for over in tuple(_running):
            over.wait(max(0.0, until - time.monotonic()))
        for bystander in _bystanders:
            bystander.wait(max(0.0, until - time.monotonic()))
    except Exception:
        _logger.debug("a fork may have come at a bad moment", exc_info=True)


def _after_fork_in_parent() -> None:
    for bystander in _bystanders:
        bystander.go_on()
    _gate.release()


def _after_fork_in_child() -> None:
    _running.clear()
    _bystanders.clear()
    _gate.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
