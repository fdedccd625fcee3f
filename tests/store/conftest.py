"""A session file and its writer, for every test that records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SessionFile]:
    with SessionFile.create(tmp_path / "s.db") as session:
        yield session


@pytest.fixture
def writer(session: SessionFile) -> Iterator[Writer]:
    with Writer(session) as writer:
        yield writer
