"""A person at a terminal: presses keys, clicks, and looks at the screen until it shows what is expected.

The app runs on the driver that also serves remote screens, and its bytes go through a terminal emulator, so these tests
see what a person sees. Nothing here sleeps for a fixed time: expectations are polled until a deadline.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyte
from textual.app import App

from am_dbg.remote.driver import RemoteApp
from am_dbg.remote.terminal import ColorSystem

SNAPSHOTS = Path(__file__).parent / "snapshots"
DEADLINE = 10.0
KEYS = {
    "left": "\x1b[D", "right": "\x1b[C", "up": "\x1b[A", "down": "\x1b[B", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "tab": "\t", "shift+tab": "\x1b[Z", "enter": "\r", "space": " ",
    "escape": "\x1b", "backspace": "\x7f", "ctrl+p": "\x10", "ctrl+q": "\x11", "ctrl+v": "\x16", "ctrl+y": "\x19",
    "ctrl+d": "\x04", "ctrl+e": "\x05", "ctrl+g": "\x07", "ctrl+n": "\x0e", "ctrl+r": "\x12",
    "ctrl+s": "\x13", "ctrl+t": "\x14",
    "ctrl+u": "\x15", "ctrl+w": "\x17", "ctrl+x": "\x18",
    "f1": "\x1bOP", "f6": "\x1b[17~", "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~",
    "delete": "\x1b[3~",
    "ctrl+down": "\x1b[1;5B", "ctrl+up": "\x1b[1;5A", "shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
    "alt+h": "\x1bh", "alt+l": "\x1bl", "alt+j": "\x1bj", "alt+k": "\x1bk", "alt+m": "\x1bm", "alt+r": "\x1br",
}  # fmt: skip
# What the emulator does not know: keyboard protocol switches and mode queries.
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p")


class Emulator:
    """A terminal: bytes in, screen out. Implements ``Terminal``."""

    def __init__(self, size: tuple[int, int], color_system: ColorSystem = "truecolor") -> None:
        self.size = size
        self.color_system: ColorSystem = color_system
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.received += data
        self.writes += 1
        self._stream.feed(_UNKNOWN.sub(b"", data))

    def resize(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.screen.resize(height, width)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class User:
    """Drives one running app."""

    def __init__(self, remote: RemoteApp, terminal: Emulator) -> None:
        self.remote = remote
        self.app: Any = remote.app
        self.terminal = terminal

    def press(self, *keys: str) -> User:
        """Type keys: names of ``KEYS`` or single characters."""
        for key in keys:
            self.remote.feed(KEYS.get(key, key).encode())
        return self

    def type(self, text: str) -> User:
        return self.press(*text)

    def mouse(self, code: int, x: int, y: int, release: bool = False) -> User:
        self.remote.feed(f"\x1b[<{code};{x + 1};{y + 1}{'m' if release else 'M'}".encode())
        return self

    def click(self, x: int, y: int, ctrl: bool = False) -> User:
        return self.mouse(16 * ctrl, x, y).mouse(16 * ctrl, x, y, release=True)

    def click_on(self, text: str, ctrl: bool = False) -> User:
        x, y = self.find(text)
        return self.click(x, y, ctrl)

    def wheel(self, x: int, y: int, down: bool = True, ctrl: bool = False) -> User:
        return self.mouse(64 + down + 16 * ctrl, x, y)

    def resize(self, width: int, height: int) -> User:
        self.terminal.resize(width, height)
        self.remote.resize(width, height)
        return self

    def find(self, text: str) -> tuple[int, int]:
        for y, line in enumerate(self.terminal.screen.display):
            if (x := line.find(text)) >= 0:
                return x, y
        raise AssertionError(f"{text!r} is not on the screen:\n{self.terminal.text}")

    async def until(self, what: str, condition: Callable[[], bool], seconds: float = DEADLINE) -> User:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.terminal.text}")
            await asyncio.sleep(0.005)
        return self

    async def sees(self, *texts: str) -> User:
        for text in texts:
            await self.until(f"to see {text!r}", lambda text=text: text in self.terminal.text)
        return self

    async def not_sees(self, *texts: str) -> User:
        for text in texts:
            await self.until(f"to see no {text!r}", lambda text=text: text not in self.terminal.text)
        return self

    async def settled(self, quiet: float = 0.1) -> User:
        """Wait until nothing was written for a while.

        The time alone would not do: when the computer is busy with something else it passes without a chance to write.
        """
        end = time.monotonic() + DEADLINE
        seen, since, turns = self.terminal.writes, time.monotonic(), 0
        while time.monotonic() - since < quiet or turns < quiet * 70:
            if time.monotonic() > end:
                raise AssertionError(f"the screen never comes to rest:\n{self.terminal.text}")
            await asyncio.sleep(0.01)
            turns += 1
            if self.terminal.writes != seen:
                seen, since, turns = self.terminal.writes, time.monotonic(), 0
        return self

    async def matches_snapshot(self, name: str) -> None:
        """Compare the screen with a stored one; ``UPDATE_SNAPSHOTS=1`` stores it instead."""
        await self.settled()
        path = SNAPSHOTS / f"{name}.txt"
        text = self.terminal.text + "\n"
        if os.environ.get("UPDATE_SNAPSHOTS") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        stored = path.read_text(encoding="utf-8")
        assert text == stored, f"the screen differs from {path.name}; it is now:\n{text}"


@asynccontextmanager
async def at_terminal(
    app: App[Any], size: tuple[int, int] = (120, 40), color_system: ColorSystem = "truecolor"
) -> AsyncIterator[User]:
    """Run an app on an emulated terminal for the time of the block."""
    terminal = Emulator(size, color_system)
    remote = RemoteApp(app, terminal)
    task = asyncio.ensure_future(remote.run())
    user = User(remote, terminal)
    try:
        await user.until("the first paint", lambda: bool(terminal.text.strip()) or task.done())
        yield user
    finally:
        if not task.done():
            app.exit()
        await asyncio.wait_for(task, DEADLINE)
