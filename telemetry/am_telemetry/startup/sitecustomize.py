"""Starts telemetry in every Python process that has this folder on ``PYTHONPATH``; ``am-dbg run`` puts it there.

Python imports a module of this name, if there is one, before the program begins. The one that the program's
environment may have of its own is run afterwards.
"""

import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _start() -> None:
    here = str(Path(__file__).parent)
    # What the program sees of its path is as without this folder; its children have it from the environment.
    sys.path[:] = [entry for entry in sys.path if entry != here]
    try:
        # Another interpreter, which the program may start, has no telemetry.
        with suppress(ImportError):
            import am_telemetry.auto  # noqa: F401 - it is imported for what it does
    finally:
        spec = PathFinder.find_spec("sitecustomize", sys.path)
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            sys.modules["sitecustomize"] = module
            spec.loader.exec_module(module)


_start()
