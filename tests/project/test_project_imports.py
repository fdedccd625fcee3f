"""What an import or a quick command loads, seen in a fresh interpreter: nothing else proves that a deferral defers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_PACKAGES = {"am_core", "am_dbg", "am_telemetry", "am_ssh", "am_proto"}
HEAVY = {"textual", "rich", "grpc", "sqlite_utils", "asyncssh", "opentelemetry", "google", "pyroaring"}

PROBE = """
import json, runpy, sys
before = set(sys.modules)
arguments = {arguments!r}
try:
    if {module!r}:
        sys.argv = ["am-dbg", *arguments]
        runpy.run_module({module!r}, run_name="__main__")
    else:
        for name in arguments:
            __import__(name)
except SystemExit as stop:
    if stop.code not in (None, 0):
        raise
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""


def loaded(*arguments: str, module: str = "") -> set[str]:
    """Top-level names of the modules that importing ``arguments``, or running ``module`` with them, loads."""
    code = PROBE.format(arguments=list(arguments), module=module)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def foreign(names: set[str]) -> set[str]:
    """Those names that belong neither to the standard library nor to this project."""
    return {name for name in names if name not in sys.stdlib_module_names and name not in PROJECT_PACKAGES}


def test_importing_the_engine_loads_only_the_standard_library() -> None:
    assert foreign(loaded("am_core")) == set()


def test_importing_the_tracer_beside_the_engine_loads_no_third_party_module() -> None:
    names = loaded("am_core", "am_telemetry")
    assert {"am_core", "am_telemetry"} <= names
    assert foreign(names) == set()


def test_importing_the_engine_does_not_load_an_event_loop() -> None:
    """A program without asyncio pays for none."""
    assert "asyncio" not in loaded("am_core")


def test_the_probe_sees_third_party_modules() -> None:
    """Guards the tests above against a probe that never finds anything."""
    assert "click" in foreign(loaded("click"))


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], ["demo", "--help"], ["import", "--help"]])
def test_a_quick_command_loads_nothing_heavy(arguments: list[str]) -> None:
    names = loaded(*arguments, module="am_dbg")
    assert "am_dbg" in names
    assert names & HEAVY == set()


def test_the_version_is_the_one_that_is_declared(project: Path) -> None:
    import tomllib

    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    done = subprocess.run(
        [sys.executable, "-m", "am_dbg", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert declared in done.stdout


def test_the_installed_script_is_the_module(project: Path) -> None:
    script = Path(sys.executable).with_name("am-dbg")
    if not script.exists():
        pytest.skip("am-dbg is not installed beside this interpreter (pip install -e . puts it there)")
    outputs = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, check=True, env=os.environ)
        for command in ([str(script)], [sys.executable, "-m", "am_dbg"])
    ]
    assert outputs[0].stdout == outputs[1].stdout
