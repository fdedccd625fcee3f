"""The command line on a real pseudo-terminal, looked at through a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ui.terminal_user import KEYS, Emulator

DEADLINE = 20.0


class Pty:
    """A program on a pseudo-terminal."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int, size: tuple[int, int]) -> None:
        self.process = process
        self.fd = fd
        self.terminal = Emulator(size)

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self.fd, KEYS.get(key, key).encode())

    def sees(self, *texts: str) -> None:
        for text in texts:
            end = time.monotonic() + DEADLINE
            while text not in self.terminal.text:
                assert time.monotonic() < end, f"never saw {text!r}:\n{self.terminal.text}"
                self.pump(0.05)

    def pump(self, seconds: float) -> bool:
        """Take in output; False when the program is gone."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:  # how Linux says that the other end was closed
            return False
        self.terminal.write(data)
        return bool(data)

    def resize(self, width: int, height: int) -> None:
        self.terminal.resize(width, height)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def ends(self) -> int:
        end = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < end, "the program does not end"
            self.pump(0.05)
        while self.pump(0.05) and time.monotonic() < end and select.select([self.fd], [], [], 0)[0]:
            continue
        return self.process.returncode


@contextmanager
def on_pty(*arguments: str, size: tuple[int, int] = (100, 30), **environment: str) -> Iterator[Pty]:
    main, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "am_dbg", *arguments],
        stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True,
        # Programs believe COLUMNS and LINES more than the terminal.
        env={**{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
             "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
    )  # fmt: skip
    os.close(secondary)
    try:
        yield Pty(process, main, size)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(main)
