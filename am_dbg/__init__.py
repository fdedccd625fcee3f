"""am-dbg: a debugger and telemetry hub for state machines."""

from __future__ import annotations

__all__ = ["version"]


def version() -> str:
    """The installed version, such as ``0.1.0``."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("am-dbg")
    except PackageNotFoundError:
        return "0+unknown"
