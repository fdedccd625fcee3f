"""What all tests share: nothing of the caller's settings leaks in, and nothing is written outside temporary folders."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PROJECT = Path(__file__).resolve().parent.parent

# Time limits per example say more about the machine than about the code.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout's root."""
    return PROJECT


@pytest.fixture(scope="session", autouse=True)
def _own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give this process, and every program it starts, its own data folders, UTC, and no settings of ours."""
    world = tmp_path_factory.mktemp("world")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Started in the background of a shell without job control: programs started here would not hear Ctrl-C either.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AM_") and name != "AM_DBG_RECORDING":
                patch.delenv(name)
        for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            patch.delenv(name, raising=False)
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            patch.setenv(name, str(world / name.lower()))
        patch.setenv("AM_DBG_REMEMBER", "0")  # one test must not see how another one left the debugger
        patch.setenv("TZ", "UTC")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield
