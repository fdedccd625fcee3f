"""Where nothing can be written: every command says what it could not make and what to do, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.recordings import write_sample

READ_ONLY = Path("/sys")
"""Not even the superuser makes files here."""


def am_dbg(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) if folder is None else {**os.environ, "AM_DBG_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def assert_explained(done: subprocess.CompletedProcess[str], path: Path, code: int) -> None:
    assert done.returncode == code, done.stderr
    message, hint = done.stderr.strip().splitlines()
    assert message.startswith("am-dbg: ")
    assert str(path) in message
    assert hint.startswith("  → ")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that can be imported."""
    folder = tmp_path_factory.mktemp("lines")
    session = write_sample(folder / "sample.db")
    assert am_dbg("export", str(session), "-o", str(folder / "sample.jsonl"), "-q").returncode == 0
    return folder / "sample.jsonl"


def no_folder(tmp_path: Path) -> Path:
    """A file where a folder was expected."""
    path = tmp_path / "file"
    path.write_text("not a folder")
    return path


@pytest.mark.parametrize("command", ["collect", "demo", "import"])
def test_the_folder_of_sessions_cannot_be_made(tmp_path: Path, lines: Path, command: str) -> None:
    """Its setting names a file; that stays as it is."""
    file = no_folder(tmp_path)
    arguments = {
        "collect": ("collect", "-l", "localhost:0", "--no-socket"),
        "demo": ("demo", "--headless", "-l", "localhost:0"),
        "import": ("import", str(lines)),
    }[command]
    done = am_dbg(*arguments, folder=file)
    assert_explained(done, file, 4)
    assert "there is a file of that name" in done.stderr
    assert file.read_text() == "not a folder"


@pytest.mark.skipif(not READ_ONLY.is_dir(), reason="there is no folder that is read-only for everybody")
@pytest.mark.parametrize("name", ["new.db", "new.jsonl", "new.amdbg"])
def test_a_file_cannot_be_made_in_a_read_only_folder(lines: Path, name: str) -> None:
    """Neither a recording nor an export nor an import."""
    target = READ_ONLY / f"am-dbg-{name}"
    session = lines.with_name("sample.db")
    if name == "new.db":
        assert_explained(am_dbg("collect", "-l", "localhost:0", "--no-socket", "--session", str(target)), target, 4)
        assert_explained(am_dbg("import", str(lines), "-o", str(target)), target, 1)
    else:
        done = am_dbg("export", str(session), "-q", "-o", str(target))
        assert_explained(done, target, 1 if name == "new.jsonl" else 4)
    assert not target.exists()
