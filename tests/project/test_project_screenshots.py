"""Pictures that no longer show what the debugger looks like are noticed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "screenshots.py"


@pytest.fixture
def screenshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "screenshots", module)
    monkeypatch.setenv("TZ", "UTC")
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "OUT", tmp_path)
    return module


def test_a_picture_that_is_missing_or_shows_something_else_is_out_of_date(
    screenshots: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert screenshots.main(["--check", "welcome"]) == 1
    assert "welcome.svg is out of date: make shots" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert screenshots.main(["welcome"]) == 0
    assert screenshots.main(["--check", "welcome"]) == 0
    picture = tmp_path / "welcome.svg"
    picture.write_text(picture.read_text("utf-8").replace("Waiting", "Hoping"), "utf-8")
    assert screenshots.main(["--check", "welcome"]) == 1


def test_a_scene_that_does_not_exist_is_told_with_those_that_do(
    screenshots: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert screenshots.main(["hologram"]) == 2
    assert "no such scene: hologram; there are main" in capsys.readouterr().out
