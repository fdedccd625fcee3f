"""The first command of a newcomer: which interpreter the environment is made with, and what is said when none fits."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = ["sh", "dirname", "rm", "sed", "cat", "mkdir", "pwd", "cp", "chmod"]
TOO_OLD = "#!/bin/sh\nexit 1\n"
# Stands in for an interpreter: accepts every check; `-m venv` makes an environment whose pip notes its arguments.
GOOD = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    chmod +x .venv/bin/python
    echo "$0" > .venv/made-with
fi
if [ "$1 $2" = "-m pip" ]; then echo "$@" > .venv/pip-arguments; fi
exit 0
"""


@pytest.fixture
def checkout(project: Path, tmp_path: Path) -> Path:
    """A checkout, in a folder whose name has spaces, with just what the script reads."""
    folder = tmp_path / "a check out"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(project / "scripts" / "venv.sh", folder / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(project / name, folder)
    return folder


def make_environment(checkout: Path, interpreters: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a PATH that holds only ``interpreters`` (name -> script) and the basic tools."""
    path = checkout.parent / "path"
    path.mkdir(exist_ok=True)
    for tool in TOOLS:
        place = shutil.which(tool)
        if place and not (path / tool).exists():
            (path / tool).symlink_to(place)
    for name, text in interpreters.items():
        (path / name).write_text(text, encoding="utf-8")
        (path / name).chmod(0o755)
    return subprocess.run(
        [str(checkout / "scripts" / "venv.sh"), *arguments],
        env={"PATH": str(path), "HOME": os.devnull},
        cwd=checkout.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_plain_python_that_is_too_old_is_passed_over(checkout: Path) -> None:
    done = make_environment(checkout, {"python3": TOO_OLD, "python3.12": GOOD, "python3.11": GOOD})
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv" / "made-with").read_text().strip().endswith("python3.12")


def test_a_plain_python_that_fits_is_preferred(checkout: Path) -> None:
    done = make_environment(checkout, {"python3": GOOD, "python3.12": GOOD})
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv" / "made-with").read_text().strip().endswith("python3")


def test_without_a_suitable_python_it_says_what_was_found_and_what_to_do(checkout: Path) -> None:
    done = make_environment(checkout, {"python3": TOO_OLD})
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "python3 does not run" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (checkout / ".venv" / ".installed").exists()


def test_a_named_python_that_is_too_old_is_refused_by_name(checkout: Path) -> None:
    done = make_environment(checkout, {"python3": GOOD, "ancient": TOO_OLD}, "ancient")
    assert done.returncode == 1
    assert "ancient" in done.stderr


def test_pinned_versions_are_installed_and_the_stamp_names_the_checkout(checkout: Path) -> None:
    done = make_environment(checkout, {"python3": GOOD})
    assert done.returncode == 0, done.stderr
    arguments = (checkout / ".venv" / "pip-arguments").read_text()
    assert "--constraint constraints.txt" in arguments
    assert ".[dev]" in arguments
    assert (checkout / ".venv" / ".installed").read_text().strip() == str(checkout.resolve())


def test_a_failed_installation_leaves_no_stamp_behind(checkout: Path) -> None:
    failing = GOOD.replace('echo "$@" > .venv/pip-arguments; fi', "exit 3; fi")
    done = make_environment(checkout, {"python3": failing})
    assert done.returncode == 3
    assert not (checkout / ".venv" / ".installed").exists()


def test_make_lists_its_chores(project: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    listing = subprocess.run(["make", "help"], cwd=project, capture_output=True, text=True, timeout=30, check=True)
    for chore in ("demo", "test", "check", "bench", "shots", "proto", "docs", "clean"):
        assert f"make {chore} " in listing.stdout
