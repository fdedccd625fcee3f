"""Where session files are put."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from am_telemetry.store.paths import new_session_path, sessions_dir

MOMENT = datetime(2025, 1, 31, 14, 5, 9)


def test_the_folder_follows_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "here"))
    assert sessions_dir() == tmp_path / "here"
    path = new_session_path(now=MOMENT)
    assert path == tmp_path / "here" / "2025-01-31-14-05-09.db"
    assert path.parent.is_dir()


def test_without_a_setting_it_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AM_DBG_DIR", raising=False)
    folder = sessions_dir()
    assert folder.name == "sessions"
    assert "am-dbg" in folder.parts


def test_names_do_not_repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path))
    names = []
    for _ in range(3):
        path = new_session_path("demo", MOMENT)
        path.touch()
        names.append(path.name)
    assert names == [
        "2025-01-31-14-05-09-demo.db",
        "2025-01-31-14-05-09-demo-2.db",
        "2025-01-31-14-05-09-demo-3.db",
    ]


@pytest.mark.parametrize("label", ["../../etc/passwd", "a/b\\c:d", "\x00\n", "..", "é" * 500, " x "])
def test_labels_cannot_leave_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path))
    path = new_session_path(label, MOMENT)
    assert path.parent == tmp_path
    path.touch()
