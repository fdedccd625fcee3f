"""Importing the engine is light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, threading
before = set(sys.modules)
import am_core, am_core.states
loaded = {name.partition(".")[0] for name in set(sys.modules) - before} - {"am_core"}
foreign = sorted(loaded - set(sys.stdlib_module_names))
heavy = sorted({"asyncio", "logging", "typing_extensions", "concurrent"} & loaded)
threads = threading.active_count()
machine = am_core.Machine({"A": {}})
machine.add("A")
print(foreign, heavy, threads, threading.active_count())
"""


def test_only_the_standard_library_is_loaded_and_no_thread_started(project: Path) -> None:
    """Not even by a machine without handlers."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[] [] 1 1\n", "")
