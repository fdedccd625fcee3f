"""Figures that a test measured, as one line on its output: ``pytest -s`` shows them."""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path


def show(what: str, **figures: object) -> None:
    """Print what was found; keywords become words, numbers get their commas."""
    words = [f"{name.replace('_', ' ')} {_text(value)}" for name, value in figures.items()]
    print(f"\n  {what}: {' · '.join(words)}")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def open_files() -> int:
    """Descriptors of this process; 0 where they cannot be counted."""
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def threads() -> int:
    """Threads of this process, those of libraries included where they can be counted."""
    if sys.platform == "linux":
        return len(list(Path("/proc/self/task").iterdir()))
    return threading.active_count()


def peak_memory() -> int:
    """KiB that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
