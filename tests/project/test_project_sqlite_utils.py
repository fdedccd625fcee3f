"""The ``sqlite-utils`` commands of the guides do what the guides say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rich_session import write_rich_session
from tests.support.session_folder import write_session

GUIDES = Path(__file__).parents[2] / "docs" / "guide"
FENCE = re.compile(r"^```\w*\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Arguments of every ``sqlite-utils`` line in a fenced block."""
    found = []
    for page in sorted(GUIDES.glob("*.md")):
        for block in FENCE.finditer(page.read_text(encoding="utf-8")):
            lines = block["body"].splitlines()
            found += [shlex.split(line)[1:] for line in lines if line.startswith("sqlite-utils ")]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sessions that the guides speak of."""
    folder = tmp_path_factory.mktemp("guides")
    write_rich_session(folder / "monday.db")
    write_session(folder / "tuesday.db", seed=5, transitions=900)
    for name in ("demo.db", "session.db"):
        write_session(folder / name)
    return folder


def ask(folder: Path, arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guides_ask_enough_questions() -> None:
    assert sum("SELECT" in " ".join(arguments).upper() for arguments in commands()) >= 4


@pytest.mark.parametrize("arguments", commands(), ids=lambda arguments: " ".join(arguments)[:60])
def test_a_command_of_the_guides_works_and_tables_are_not_empty(folder: Path, arguments: list[str]) -> None:
    lines = ask(folder, arguments).splitlines()
    assert len(lines) >= (3 if "--table" in arguments else 1)


def test_answers_are_right(folder: Path) -> None:
    """What was lost, and what led to the first error, compared with what was recorded."""
    by_topic = {topic: next(a for a in commands() if topic in " ".join(a)) for topic in ("v_losses", "first AS")}
    lost = json.loads(ask(folder, [part for part in by_topic["v_losses"] if part != "--table"]))
    assert {"machine": "gapped", "what": "transitions", "lost": 6, "reason": "full"} in lost
    before = json.loads(ask(folder, [part for part in by_topic["first AS"] if part != "--table"]))
    times = [row["time"] for row in before]
    assert times == sorted(times)
    failed = before[-1]
    assert (failed["machine"], failed["called"], failed["verdict"]) == ("gapped", "B", "canceled")
