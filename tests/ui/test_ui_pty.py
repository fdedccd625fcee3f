"""End to end: the command line on a real pseudo-terminal, looked at through a terminal emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from am_telemetry.batch import Batch, LogColumns, PatternDef, TransitionColumns
from am_telemetry.facts import Flag, MachineFact, PatternFact, ProcessFact, SchemaFact, StateFact
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.pseudo_terminal import on_pty

_T0 = 1_700_000_000_000_000_000


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


def test_a_session_is_continued_with_enter_on_the_top_entry(
    session_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(session_file.parent))
    monkeypatch.setenv("AM_DBG_REMEMBER", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with on_pty(str(session_file)) as person:
        person.sees("#1/300")
        person.press(*["right"] * 60)
        person.sees("#61/300")
        person.press("ctrl+q")
        assert person.ends() == 0
    with on_pty("open") as person:
        person.sees("Sessions 1", "light")
        person.press("enter")
        person.sees("#61/300", "continued where you stopped")
        person.press("\x0f")
        person.sees("▸ light")
        person.press("enter", "ctrl+q")
        assert person.ends() == 0
