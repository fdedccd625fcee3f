"""End to end: the command line on a real pseudo-terminal, looked at through a terminal emulator."""

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
from pathlib import Path

import pytest

from am_telemetry.batch import Batch, LogColumns, PatternDef, TransitionColumns
from am_telemetry.facts import Flag, MachineFact, PatternFact, ProcessFact, SchemaFact, StateFact
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.ui.terminal_user import KEYS, Emulator

DEADLINE = 20.0
_T0 = 1_700_000_000_000_000_000


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
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
    )  # fmt: skip
    os.close(secondary)
    try:
        yield Pty(process, main, size)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(main)


@pytest.fixture(scope="module")
def session_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that switches Ready on and off 300 times."""
    path = tmp_path_factory.mktemp("pty") / "light.db"
    recording = SessionFile.create(path)
    writer = Writer(recording)
    schema = SchemaFact((StateFact("Exception", multi=True), StateFact("Start"), StateFact("Ready")))
    on = PatternFact("add", (2,), Flag.ACCEPTED, ((2, 1),), added=(2,))
    off = PatternFact("remove", (2,), Flag.ACCEPTED, ((2, 1),), removed=(2,))
    count = 300
    batch = Batch(
        first_seq=1,
        last_seq=count,
        texts=[(1, "[state] +Ready")],
        schemas=[(1, schema)],
        opened=[(1, _T0, MachineFact("light", schema))],
        patterns=[PatternDef(1, 1, on), PatternDef(2, 1, off)],
        transitions=TransitionColumns(
            machine=[1] * count,
            sequence=list(range(1, count + 1)),
            at_ns=[_T0 + n * 10_000_000 for n in range(count)],
            duration_ns=[1000] * count,
            pattern=[1 + n % 2 for n in range(count)],
            queue_len=[0] * count,
            queue_tick=list(range(1, count + 1)),
        ),
        logs=LogColumns(row=[0], level=[2], text=[1], before=[False]),
    )
    session = "a" * 32
    writer.open_session(ProcessFact(session, "light.py"), _T0)
    writer.put(session, batch)
    writer.close_session(session, _T0 + 4_000_000_000, "disconnected")
    writer.flush(10)
    writer.close()
    recording.close()
    return path


def test_a_session_file_is_browsed_on_a_real_terminal(session_file: Path) -> None:
    with on_pty(str(session_file)) as person:
        person.sees("mach://light/#1", "#1/300", "+Ready")
        person.press(*["right"] * 60)
        person.sees("#61/300")
        person.press("end")
        person.sees("#300/300")
        person.resize(80, 24)
        person.press("?")
        person.sees("Move in time")
        person.press("escape")
        person.press("ctrl+q")
        assert person.ends() == 0
        restored = bytes(person.terminal.received[-200:])
        assert b"\x1b[?1049l" in restored
        assert b"\x1b[?25h" in restored


def test_no_color_is_respected_on_a_real_terminal(session_file: Path) -> None:
    with on_pty(str(session_file), NO_COLOR="1") as person:
        person.sees("#1/300", "Machines")
        person.press("right")
        person.sees("#2/300")
        colors = {cell.fg for row in person.terminal.screen.buffer.values() for cell in row.values()}
        assert colors == {"default"}
        person.press("ctrl+q")
        assert person.ends() == 0
