"""The direction of imports holds, and the contracts that say so would notice a breach."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = {
    "am_core": "am_core",
    "am_dbg": "am_dbg",
    "am_telemetry": "telemetry/am_telemetry",
    "am_ssh": "ssh/am_ssh",
    "am_proto": "proto/am_proto",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages that lie side by side in ``folder``, without cache."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five packages, side by side, with the project's contracts."""
    folder = tmp_path_factory.mktemp("contracts")
    for name, place in PACKAGES.items():
        shutil.copytree(project / place, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", folder)
    return folder


def test_every_import_points_down_the_layers(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sins", "contract"),
    [
        ({"am_dbg/session/sin.py": "import am_dbg.ui\n"}, "layers point down"),
        ({"am_telemetry/sending/sin.py": "import am_telemetry.store\n"}, "telemetry's parts meet only in facts,"),
        ({"am_core/sin.py": "def later() -> None:\n    import grpc\n"}, "the engine is standard library only"),
        ({"am_telemetry/store/sin.py": "import google.protobuf\n"}, "gRPC and protobuf stay behind the wire"),
        ({"am_dbg/viewmodels/sin.py": "from rich.text import Text\n"}, "only the user interface knows Textual"),
    ],
    ids=[
        "session imports the interface",
        "sender imports the store",
        "engine imports grpc",
        "store imports protobuf",
        "view-model imports rich",
    ],
)
def test_a_contract_notices_a_planted_breach(copy: Path, sins: dict[str, str], contract: str) -> None:
    for place, text in sins.items():
        (copy / place).write_text(text, encoding="utf-8")
    try:
        done = lint(copy)
    finally:
        for place in sins:
            (copy / place).unlink()
    assert done.returncode != 0
    assert re.search(rf"{contract}[^\n]* BROKEN", done.stdout)
