"""Session files of different programs, for tests of what is done with whole files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.recordings import START_NS, batches, process


def write_session(
    path: Path,
    program: str = "shop",
    *,
    seed: int = 1,
    machines: int = 3,
    transitions: int = 300,
    session: str = "",
) -> Path:
    """A finished recording of one program; equal arguments give equal contents.

    Args:
        session: the program's own id; by default it follows from its name.
    """
    key = session or program.encode().hex().ljust(32, "0")[:32]
    fact = replace(process(), session=key, name=program)
    path.parent.mkdir(parents=True, exist_ok=True)
    with SessionFile.create(path) as recording, Writer(recording) as writer:
        writer.open_session(fact, START_NS)
        writer.write_all(key, batches(machines, transitions, seed, close=True))
        writer.close_session(key, START_NS + 10**12, "closed")
    return path


def am_dbg(*arguments: str | Path, folder: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with a folder of sessions and environment variables."""
    environment = dict(os.environ, **settings)
    if folder is not None:
        environment["AM_DBG_DIR"] = str(folder)
    return subprocess.run(
        [sys.executable, "-m", "am_dbg", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def file_names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())
