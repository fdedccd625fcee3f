"""Another program, started under telemetry."""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Final, Self

import am_telemetry
from am_dbg.errors import AmDbgError, ExitCode

STARTUP: Final = Path(am_telemetry.__file__).parent / "startup"
PATIENCE: Final = 5.0
"""Seconds between asking a program to end and killing it."""
FORWARDED: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)


def command_line(target: Sequence[str], module: bool) -> list[str]:
    """What to execute for a script, a folder with ``__main__.py``, a module, or a command of the search path.

    Raises:
        AmDbgError: there is no such program.
    """
    name, *arguments = target
    if module:
        return [sys.executable, "-m", name, *arguments]
    path = Path(name)
    if path.exists():
        if path.suffix in (".py", ".pyw", ".pyz", "") and not (path.is_file() and _is_command(path)):
            return [sys.executable, name, *arguments]
        return [str(path.resolve()), *arguments]
    found = shutil.which(name) if os.sep not in name else None
    if found is not None:
        return [found, *arguments]
    near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.glob("*.py")], n=1)
    hint = f"did you mean {path.parent / near[0]}?" if near else "for a module: am-dbg run -m package.module"
    raise AmDbgError(f"there is no program called {name!r}", hint, ExitCode.USAGE)


def _is_command(path: Path) -> bool:
    """Whether a file without the suffix of a script is to be executed as it is."""
    return path.suffix == "" and os.access(path, os.X_OK)


def environment(address: str) -> dict[str, str]:
    """The environment of a program that reports to an address, and whose children do so too."""
    paths = [str(STARTUP), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "AM_DBG_ADDR": address, "PYTHONPATH": os.pathsep.join(paths)}


class Program:
    """A process. Ends it when the block ends.

    Args:
        command: what to execute.
        address: where the program reports to.
        output: takes what it prints, and it gets no input then; None shares the terminal, and hands on signals to the
            program, which decides what they mean. Only on the main thread.

    Raises:
        AmDbgError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], address: str, output: IO[bytes] | None = None) -> None:
        self.ended_by_us = False
        self._handlers: dict[signal.Signals, Any] = {}
        if output is None:
            # Before there is a program, as it may be signalled at once. Handlers are not inherited by it.
            self._handlers = {number: signal.signal(number, self._forward) for number in FORWARDED}
            # The terminal sends this one to both processes.
            self._handlers[signal.SIGINT] = signal.signal(signal.SIGINT, _ignore)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - to run what the user asks for is the purpose
                command,
                env=environment(address),
                stdin=subprocess.DEVNULL if output is not None else None,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
            )
        except OSError as error:
            raise AmDbgError(
                f"{command[0]} cannot be started: {error.strerror or error}", "", ExitCode.USAGE
            ) from error

    @property
    def exit_code(self) -> int | None:
        """As a shell reports it, with 128 and the signal for a program that was killed; None while it runs."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        self.process.wait()
        return self.exit_code or 0

    def stop(self) -> None:
        """Ask the program to end, and kill it when it does not."""
        if self.process.poll() is None:
            self.ended_by_us = True
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        # It may not be there yet, or no more.
        with suppress(ProcessLookupError, AttributeError):
            self.process.send_signal(number)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A handler, not ``SIG_IGN``, because that would be inherited by the program."""
