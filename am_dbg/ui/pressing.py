"""What a terminal really sends for a key, and what that means to the debugger."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from textual import events

from am_dbg.remote._textual import ESCAPE_DELAY, InputParser
from am_dbg.ui.actions import BY_ID, Pane
from am_dbg.ui.keymap import Keymap, printed

_PAUSE_S: Final = 0.05
"""Bytes that follow within this belong to the same key; a lone Esc has none."""


@dataclass(frozen=True, slots=True)
class Press:
    """One key as it arrived."""

    raw: bytes
    key: str
    """As Textual names it; empty when the bytes are no key."""
    names: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The bytes, readable."""
        return " ".join("Esc" if byte == 0x1B else chr(byte) if 32 < byte < 127 else f"{byte:02X}" for byte in self.raw)


def understand(raw: bytes) -> list[Press]:
    """The keys in some bytes of a terminal."""
    parser = InputParser()
    found = parser.feed(raw.decode("utf-8", "replace"))
    if not found:
        time.sleep(ESCAPE_DELAY)  # a lone Esc could be the beginning of something until then
        found = parser.tick()
    parser.close()
    keys = [event for event in found if isinstance(event, events.Key)]
    return [Press(raw, event.key, tuple(event.aliases)) for event in keys] or [Press(raw, "")]


def meaning(press: Press, keymap: Keymap) -> str:
    """What the key does, in words."""
    if not press.key:
        return "no key"
    actions: dict[str, list[str]] = {}
    for pane in Pane:
        action_id = keymap.action(press.names or (press.key,), pane)
        if action_id is not None:
            actions.setdefault(action_id, []).append(pane.value)
    parts = [
        BY_ID[name].title + ("" if len(panes) == len(Pane) else f" ({', '.join(panes)})")
        for name, panes in actions.items()
    ]
    return f"{printed(press.key)}: {', '.join(parts) or 'nothing'}"


def presses() -> Iterator[Press]:
    """Keys from standard input, until Ctrl+C or its end. The terminal is put back afterwards.

    Raises:
        OSError: standard input is no terminal, or this system has none.
    """
    try:
        import termios
        import tty
    except ImportError as error:
        raise OSError("this system has no terminals of that kind") from error
    number = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(number)
    except termios.error as error:
        raise OSError("standard input is no terminal") from error
    try:
        tty.setraw(number, termios.TCSADRAIN)
        while (raw := _together(number)) not in (b"", b"\x03"):
            yield from understand(raw)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _together(number: int) -> bytes:
    """The bytes of one key; empty at the end of the input."""
    raw = os.read(number, 64)
    deadline = time.monotonic() + _PAUSE_S
    while raw[:1] == b"\x1b" and (left := deadline - time.monotonic()) > 0 and select.select([number], [], [], left)[0]:
        more = os.read(number, 64)
        if not more:
            break
        raw += more
    return raw
