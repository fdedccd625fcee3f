"""The wheel and the source archive hold everything that is needed to run, and nothing at the wrong place."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PACKAGES = {"am_core", "am_dbg", "am_telemetry", "am_ssh", "am_proto"}


@pytest.fixture(scope="module")
def archives(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the source archive, built without a network from a copy of the sources."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    unwanted = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", "build", "dist", "*.db*")
    shutil.copytree(project, source, ignore=unwanted)
    for kind in ("wheel", "sdist"):
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
            cwd=source,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def test_the_wheel_holds_the_five_packages_and_no_other(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_every_package_in_the_wheel_says_that_it_is_typed(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        names = set(wheel.namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_carries_the_licence_and_the_command(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        names = wheel.namelist()
        points = next(name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "am-dbg = am_dbg.__main__:main" in wheel.read(points).decode()
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_every_source_file_of_the_packages_is_in_the_wheel(archives: dict[str, Path], project: Path) -> None:
    roots = {"am_core": ".", "am_dbg": ".", "am_telemetry": "telemetry", "am_ssh": "ssh", "am_proto": "proto"}
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        names = set(wheel.namelist())
    wanted = {
        path.relative_to(project / root).as_posix()
        for package, root in roots.items()
        for suffix in ("*.py", "*.pyi", "*.tcss", "*.proto")
        for path in (project / root / package).rglob(suffix)
    }
    assert len(wanted) > len(PACKAGES)
    assert wanted - names == set()


def test_the_program_runs_from_the_wheel_alone(archives: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        wheel.extractall(tmp_path)
    code = "import am_core, am_dbg.__main__; print(am_core.__file__); am_dbg.__main__.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    assert "demo" in done.stdout


def test_the_source_archive_can_be_built_and_tested(archives: dict[str, Path]) -> None:
    with tarfile.open(archives["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in ("pyproject.toml", "Makefile", "constraints.txt", "README.md", "LICENSE", "tests/conftest.py"):
        assert needed in names
    assert not any(name.startswith((".git/", ".venv/")) for name in names)
