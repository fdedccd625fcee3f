"""The only place that uses private names of Textual. Each is guarded by a test that names this file."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any

from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.constants import ESCAPE_DELAY
from textual.message import Message

from am_dbg.remote.pen import Pen

__all__ = ["ESCAPE_DELAY", "InputParser", "adopt", "error_text", "set_terminal_title", "tightened"]


class InputParser:
    """Terminal input to messages. A sequence that the parser cannot stand is forgotten, never raised."""

    def __init__(self) -> None:
        self._parser = XTermParser()

    def feed(self, text: str) -> list[Message]:
        """The messages completed by ``text``."""
        return self._guarded(lambda: self._parser.feed(text)) if text else []

    def tick(self) -> list[Message]:
        """Messages that became complete by waiting: a lone Escape."""
        return self._guarded(self._parser.tick)

    def reset(self) -> None:
        """Forget a sequence in progress."""
        self.close()
        self._parser = XTermParser()

    def close(self) -> None:
        """End the parser's generator, which otherwise keeps the last message and through it the app alive."""
        self._guarded(lambda: self._parser.feed(""))

    def _guarded(self, read: Any) -> list[Message]:
        found: list[Message] = []
        messages: Iterable[Message] = read() if not self._parser.is_eof else ()
        try:
            found.extend(messages)
        except Exception:  # noqa: BLE001 - hostile input raises nearly anything inside the parser
            self._parser = XTermParser()
        return found


class _TightUpdate(CompositorUpdate):
    """Sends the changed columns only, and of each style only what differs from the one before.

    Textual's own rendering begins at the left edge of the widget that changed and spells out every style in full.
    """

    def __init__(self, update: ChopsUpdate) -> None:
        self._update = update

    def render_segments(self, console: Console) -> str:
        system = console._color_system or ColorSystem.TRUECOLOR
        out: list[str] = []
        pen = Pen(system)
        for y, left, right in self._update.spans:
            chops = zip(self._update.chop_ends[y], self._update.chops[y].items(), strict=False)
            for end, (x, strip) in chops:
                if strip is None or x >= right or end <= left:
                    continue
                start, stop = max(x, left), min(end, right)
                part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                out.append(Control.move_to(start, y).segment.text)
                out += [pen.write(text, style) for text, style, _ in part]
        out.append(pen.lift())
        return "".join(out)


def tightened(update: Any) -> Any:
    """A screen update that says the same in fewer bytes; anything else unchanged."""
    return _TightUpdate(update) if type(update) is ChopsUpdate else update


def adopt(app: App[Any], size: tuple[int, int]) -> None:
    """Cut the ties of an app to this process's own terminal, before it runs.

    The app renders 24-bit colours whatever the environment says, keeps its crash report for the far end, and does not
    redirect the process's ``sys.stdout`` and ``sys.stderr``, which several apps would restore in the wrong order.
    """
    app.console = Console(
        color_system="truecolor", file=io.StringIO(), force_terminal=True, legacy_windows=False, markup=True,
        highlight=False, emoji=False, safe_box=False, width=size[0], height=size[1], _environ={},
    )  # fmt: skip
    app.error_console = Console(
        file=io.StringIO(), markup=False, highlight=False, force_terminal=False, width=max(40, size[0]), _environ={},
    )  # fmt: skip
    app.animation_level = "none"
    capture: Any = app
    capture._capture_stdout = sys.stdout
    capture._capture_stderr = sys.stderr


def error_text(app: App[Any]) -> str:
    """The crash report of an adopted app, empty when it ended well."""
    file = app.error_console.file
    return file.getvalue() if isinstance(file, io.StringIO) else ""


def set_terminal_title(app: App[Any], title: str) -> None:
    """Name the terminal's window (OSC 2). ``title`` must be free of control characters."""
    driver = app._driver
    if driver is not None and not driver.is_headless:
        driver.write(f"\x1b]2;{title}\x1b\\")
