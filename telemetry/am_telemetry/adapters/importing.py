"""Something to do as soon as the program has imported a module, without importing it for that."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_logger = logging.getLogger("am_telemetry")

Action = Callable[[ModuleType], None]


class ImportWatch(MetaPathFinder):
    """Calls an action once for every module that is, or becomes, imported.

    Costs one set look-up per import of a module that is not loaded yet. What an action raises is logged.

    Args:
        actions: by absolute module name; called on the thread that imports, before the import returns.
    """

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = dict(actions)
        self._waiting: dict[str, Action] = {}

    def start(self) -> None:
        """Call the actions of modules that are loaded, and wait for the others."""
        self._waiting.update(self._actions)
        sys.meta_path.insert(0, self)
        for name in self._actions:
            module = sys.modules.get(name)
            if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
                self._act(module, name)

    def stop(self) -> None:
        """Wait no longer."""
        self._waiting.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders find, with an addition to its loader; None for modules not waited for."""
        if fullname not in self._waiting:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if find is None or finder is self:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                self._extend(spec)
                return spec
        return None

    def _extend(self, spec: ModuleSpec) -> None:
        loader, name = spec.loader, spec.name
        if loader is None:
            return
        original = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            original(module)
            if module.__name__ == name:
                self._act(module, name)

        try:
            loader.exec_module = exec_module  # type: ignore[method-assign]  # this instance belongs to one module
        except AttributeError:
            _logger.debug("the import of %s cannot be noticed", name)

    def _act(self, module: ModuleType, name: str) -> None:
        action = self._waiting.pop(name, None)
        if action is None:
            return
        try:
            action(module)
        except Exception:
            _logger.exception("machines of %s are not traced because of an internal error", name)
