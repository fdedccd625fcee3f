"""Questions to the terminal itself, with what it answers within a moment."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SAMPLE: Final = "●→━✕"
_PATIENCE_S: Final = 0.6
_POSITION: Final = re.compile(rb"\x1b\[(\d+);(\d+)R")
_MODE: Final = re.compile(rb"\x1b\[\?(\d+);(\d)\$y")
_DONE: Final = re.compile(rb"\x1b\[\?[\d;]*c")
_MOUSE: Final = 1006
_SYNCHRONIZED: Final = 2026


@dataclass(frozen=True, slots=True)
class Answers:
    """What a terminal said about itself; None for what it did not."""

    answered: bool = False
    columns: int | None = None
    """That it uses for ``SAMPLE``."""
    mouse: bool | None = None
    synchronized: bool | None = None

    @property
    def expected_columns(self) -> int:
        return len(SAMPLE)


def ask_terminal() -> Answers:
    """Ask the terminal on standard input and output. Takes well under a second, also when it does not answer."""
    try:
        import termios
        import tty
    except ImportError:  # not on this system
        return Answers()
    number = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(number)
    except termios.error:
        return Answers()
    try:
        tty.setcbreak(number)
        # The last question is one that every terminal answers, so that the end is known.
        questions = f"\r{SAMPLE}\x1b[6n\r\x1b[K\x1b[?{_MOUSE}$p\x1b[?{_SYNCHRONIZED}$p\x1b[c"
        os.write(sys.stdout.fileno(), questions.encode())
        return understood(_read(number))
    except OSError:
        return Answers()
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(number, termios.TCSAFLUSH, before)


def understood(reply: bytes) -> Answers:
    """What the bytes of a terminal mean."""
    position = _POSITION.search(reply)
    # 0: unknown, 1 and 2: on and off, 3 and 4: always on and off.
    modes = {int(mode): int(state) for mode, state in _MODE.findall(reply)}
    return Answers(
        answered=bool(position or modes or _DONE.search(reply)),
        columns=int(position[2]) - 1 if position else None,
        mouse=modes[_MOUSE] not in (0, 4) if _MOUSE in modes else None,
        synchronized=modes[_SYNCHRONIZED] in (1, 2, 3) if _SYNCHRONIZED in modes else None,
    )


def _read(number: int) -> bytes:
    reply = b""
    for chunk in _chunks(number, time.monotonic() + _PATIENCE_S):
        reply += chunk
        if _DONE.search(reply):
            break
    return reply


def _chunks(number: int, deadline: float) -> Iterator[bytes]:
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([number], [], [], left)[0]:
            return
        chunk = os.read(number, 1024)
        if not chunk:
            return
        yield chunk
