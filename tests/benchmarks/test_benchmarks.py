"""The benchmarks run and their table has the promised rows; how fast anything is, is not asserted here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import synthetic
from benchmarks.__main__ import SECTIONS, main
from benchmarks.engine import _walk
from benchmarks.peers import PEERS, am_core_machine
from benchmarks.rows import Row, Skipped, as_markdown, as_text, cells, duration, rate
from benchmarks.timing import percentile, take_turns

FIGURES = "0123456789"


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_section_is_measured_or_says_why_not(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One round of everything: each row has a figure, or a reason."""
    assert main(["--quick", "--only", section]) == 0
    header, _, *rows = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert header.split() == ["measured", "am-dbg", "compared", "with", "takes", "ratio"]
    assert rows
    for row in rows:
        assert "skipped" in row or any(figure in row for figure in FIGURES)


def test_the_command_prints_one_table(project: Path) -> None:
    """As ``make bench`` runs it; the page is only written by a whole run."""
    command = [sys.executable, "-m", "benchmarks", "--quick"]
    environment = dict(os.environ, PYTHONPATH=str(project))
    done = subprocess.run(
        [*command, "--only", "storing"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sqlite-utils insert_all" in done.stdout
    refused = subprocess.run(
        [*command, "--write"], cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 2


@pytest.mark.parametrize("name", ["am_core", *PEERS])
@pytest.mark.parametrize("handlers", [False, True])
def test_every_contestant_walks_the_whole_way_again_and_again(name: str, handlers: bool) -> None:
    """A move that a library does not know, or an exhausted walk, raises."""
    make = {"am_core": am_core_machine, **PEERS}[name]
    import random

    moves = _walk(random.Random(3), 5, 30)
    assert moves[-1] == 0
    assert all(a != b for a, b in zip([0, *moves], moves, strict=False))
    walk = make(5, handlers, moves)
    walk()
    walk()


def test_contestants_take_turns_and_their_medians_are_returned() -> None:
    """A round of warming up, then as many as asked for, one after the other."""
    calls: list[str] = []
    spent = take_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert set(spent) == {"a", "b"}
    assert min(spent.values()) >= 0


def test_figures_are_readable() -> None:
    """Units, thousands, percentiles."""
    assert [duration(s) for s in (2.0, 0.0123, 4.5e-6, 7e-9)] == ["2 s", "12.3 ms", "4.5 µs", "7 ns"]
    assert [rate(r) for r in (950.0, 243_400.0)] == ["950 /s", "243 k/s"]
    assert percentile([float(i) for i in range(101)], 0.95) == 95


def test_tables_are_aligned_and_escaped() -> None:
    """The same cells as text and as Markdown; a bar inside a cell breaks no column."""
    rows = [Row("a|b", "1 µs", "peer", "4 µs", 4.0), Skipped("c", "not here")]
    assert cells(rows[0])[-1] == "4×"
    assert "not here" in as_text(rows)
    markdown = as_markdown(rows).splitlines()
    assert len(markdown) == 4
    assert "a\\|b" in markdown[2]


def test_the_synthetic_recording_is_complete(tmp_path: Path) -> None:
    """All transitions and log lines arrive in the session file."""
    from am_telemetry.store.session_file import SessionFile

    path = tmp_path / "session.db"
    synthetic.write_session(path, 2_500)
    with SessionFile.open(path) as session:
        totals = session.totals()
    assert (totals.machines, totals.transitions, totals.log_lines, totals.lost) == (4, 2_500, 1_250, 0)
