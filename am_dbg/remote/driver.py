"""A Textual driver on a byte stream, and the life of one app on it."""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TextIO, TypeVar

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize

from am_dbg.remote._textual import ESCAPE_DELAY, InputParser, adopt, error_text
from am_dbg.remote.colors import downgrade
from am_dbg.remote.terminal import Terminal, clamp

T = TypeVar("T")

_ENTER: Final = (
    "\x1b[?1049h"  # alternate screen
    "\x1b[?25l"  # no cursor
    "\x1b[?1004h"  # report focus
    "\x1b[?2004h"  # bracketed paste
    "\x1b[?7l"  # no line wrap
)
_MOUSE_ON: Final = "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h"
_MOUSE_OFF: Final = "\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1000l"
_KEYBOARD_ON: Final = "\x1b[>1u"
_KEYBOARD_OFF: Final = "\x1b[<u"
_ASK_SYNCHRONIZED: Final = "\x1b[?2026$p"
_LEAVE: Final = "\x1b[?2004l\x1b[?7h\x1b[?1004l" + _KEYBOARD_OFF + "\x1b[?1049l\x1b[?25h"

_MAX_SILENT_INPUT: Final = 1 << 20
"""Characters without a single message (an endless paste) after which the input is thrown away."""


class ChannelDriver(Driver):
    """Shows one app on one ``Terminal``.

    Every method is for the event loop of the app: the transport calls ``feed``, ``resize``, ``pause`` and ``resume``
    from its callbacks. Unlike the drivers for a real terminal it has no thread, handles no signal and never opens a
    browser or writes a file on the machine it runs on.
    """

    def __init__(self, app: App[Any], terminal: Terminal, *, mouse: bool = True) -> None:
        super().__init__(app, mouse=mouse, size=clamp(*terminal.size))
        self.terminal = terminal
        self._parser = InputParser()
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._silent = 0
        self._escape_timer: asyncio.TimerHandle | None = None
        self._hold = ExitStack()
        self._paused = False
        self._open = False

    @property
    def is_web(self) -> bool:
        return False

    # -- output --------------------------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        raw = data.encode("utf-8", "replace")
        self.terminal.write(downgrade(raw, self.terminal.color_system))

    def pause(self) -> None:
        """The far end does not keep up: paint nothing until ``resume``, which repaints what is true by then."""
        if not self._paused:
            self._paused = True
            self._hold.enter_context(self._app.batch_update())

    def resume(self) -> None:
        """The far end has caught up."""
        if self._paused:
            self._paused = False
            self._hold.close()
            self._app.screen.refresh(layout=True)

    # -- input ---------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take what the user typed or clicked. Bytes that make no sense are dropped."""
        text = self._decode(data)
        messages = self._parser.feed(text)
        self._silent = 0 if messages else self._silent + len(text)
        if self._silent > _MAX_SILENT_INPUT:
            self._silent = 0
            self._parser.reset()
        self._deliver(messages)
        self._arm_escape_timer()

    def resize(self, width: int, height: int) -> None:
        """The far end has a new size."""
        self._size = clamp(width, height)
        size = Size(*self._size)
        self.send_message(events.Resize(size, size))

    def process_message(self, message: Message) -> None:
        """Pass a message on, unless the far end has no business to send it.

        Sizes come from the transport only, and a click beside the screen would make the compositor fail.
        """
        if isinstance(message, (events.Resize, InBandWindowResize)) or self._is_off_screen(message):
            return
        super().process_message(message)

    def _deliver(self, messages: list[Message]) -> None:
        for message in messages:
            self.process_message(message)

    def _is_off_screen(self, message: Message) -> bool:
        if not isinstance(message, events.MouseEvent):
            return False
        width, height = self._size or (0, 0)
        return not (0 <= message.screen_x < width and 0 <= message.screen_y < height)

    def _arm_escape_timer(self) -> None:
        if self._escape_timer is not None:
            self._escape_timer.cancel()
        self._escape_timer = self._loop.call_later(ESCAPE_DELAY * 1.05, self._escape_due)

    def _escape_due(self) -> None:
        self._escape_timer = None
        self._deliver(self._parser.tick())

    # -- life ----------------------------------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        self._open = True
        self.write(_ENTER + (_MOUSE_ON if self._mouse else "") + _KEYBOARD_ON + _ASK_SYNCHRONIZED)
        self.resize(*self.terminal.size)

    def disable_input(self) -> None:
        if self._escape_timer is not None:
            self._escape_timer.cancel()
            self._escape_timer = None
        self._parser.close()

    def stop_application_mode(self) -> None:
        self.disable_input()
        self._hold.close()
        if self._open:
            self._open = False
            self.write((_MOUSE_OFF if self._mouse else "") + _LEAVE)

    # -- the machine it runs on stays out of reach ---------------------------------------------------------------

    def open_url(self, url: str, new_tab: bool = True) -> None:
        self._app.notify(url, title="Open this address yourself", markup=False)

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        open_method: Literal["browser", "download"] = "download",
        encoding: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        binary.close()
        self._app.notify("Files cannot be saved from a remote screen.", severity="warning", markup=False)


class RemoteApp:
    """One app on one terminal, from first paint to the restored screen.

    Args:
        app: not yet running.
        terminal: where it is shown.
        mouse: ask the terminal for mouse reports.
    """

    def __init__(self, app: App[Any], terminal: Terminal, *, mouse: bool = True) -> None:
        self.app = app
        self.terminal = terminal
        self._driver: ChannelDriver | None = None
        self._early: list[bytes] = []
        adopt(app, clamp(*terminal.size))
        app.driver_class = self._build  # type: ignore[assignment]  # Textual only ever calls it
        self._mouse = mouse

    def _build(self, app: App[Any], **_: object) -> ChannelDriver:
        self._driver = ChannelDriver(app, self.terminal, mouse=self._mouse)
        early, self._early = self._early, []
        for data in early:
            self._driver.feed(data)
        return self._driver

    @property
    def driver(self) -> ChannelDriver | None:
        """The driver, once the app runs."""
        return self._driver

    def feed(self, data: bytes) -> None:
        """Input from the far end; kept when the app is not ready yet."""
        if self._driver is not None:
            self._driver.feed(data)
        elif sum(map(len, self._early)) < 4096:
            self._early.append(data)

    def resize(self, width: int, height: int) -> None:
        """New size of the far end."""
        if self._driver is not None:
            self._driver.resize(width, height)

    async def run(self) -> int:
        """Run to the end; the exit code. A crash report is written to the terminal after its screen is restored."""
        await self.app.run_async(size=clamp(*self.terminal.size))
        if report := error_text(self.app):
            self.terminal.write(report.replace("\n", "\r\n").encode("utf-8", "replace"))
        return self.app.return_code or 0
