"""Where the tests of the runners take place: the three runners behind one face."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from engine_setups import machine_of

from am_core import Machine

T = TypeVar("T")


class Stage:
    """Makes machines of one runner, and calls functions on a thread that executes their mutations at once."""

    def __init__(self, runner: str) -> None:
        self.runner = runner
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._machines: list[Machine] = []
        if runner == "loop":
            self.loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self.loop.run_forever, name="stage-loop", daemon=True)
            self._thread.start()

    def machine(self, *args: Any, **options: Any) -> Machine:
        """A machine as of ``machine_of``."""
        active = options.pop("active", ())
        machine = machine_of(*args, runner=self.runner, **({"loop": self.loop} if self.loop else {}), **options)
        self._machines.append(machine)
        for state in active:
            self.call(lambda state=state: machine.add(state))
        return machine

    def begin(self, fn: Callable[[], T]) -> Future[T]:
        """Call a function beside; what it raises, interrupts included, is in the future."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(fn())
            except BaseException as error:
                future.set_exception(error)

        if self.loop is not None:
            self.loop.call_soon_threadsafe(run)
        else:
            threading.Thread(target=run, daemon=True).start()
        return future

    def call(self, fn: Callable[[], T]) -> T:
        """Call a function and wait for its end."""
        return self.begin(fn).result(30)

    def close(self) -> None:
        for machine in self._machines:
            machine.dispose_force()
        if self.loop is not None and self._thread is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(30)
            self.loop.close()
