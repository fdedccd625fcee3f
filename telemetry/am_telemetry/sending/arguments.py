"""Arguments of mutations as JSON text that may leave the program: named, cut, and without what looks secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from am_telemetry.settings import Scrub

MAX_VALUE: Final = 512
"""Characters of one value."""
MAX_DEPTH: Final = 3
MAX_ITEMS: Final = 50
"""Entries of one collection, and arguments of one mutation."""
MAX_TOTAL: Final = 16_384
"""Characters of all arguments of one mutation, about; what comes later is only counted."""
ENTRY_SIZE: Final = 8
"""What a number, or the frame of a collection, takes of that."""
MAX_ID: Final = 4_096
"""Characters of one name."""
HIDDEN: Final = "[hidden]"

_SECRET = re.compile(r"passw|secret|token|credential|authorization|api_?key|private_?key|cookie", re.IGNORECASE)


class ArgumentWriter:
    """Turns argument dictionaries into JSON object text.

    Args:
        values: whether values are written; otherwise every name maps to null, "not captured".
        scrub: asked first for what may be written at all.

    Not thread-safe.
    """

    def __init__(self, values: bool, scrub: Scrub | None) -> None:
        self._values = values
        self._scrub = scrub
        self._by_names: dict[tuple[object, ...], str] = {}

    def write(self, machine: str, arguments: Mapping[str, object]) -> str:
        """JSON object text of bounded size; never raises, whatever the arguments or the scrubber do."""
        values = self._values
        try:
            if self._scrub is not None:
                try:
                    arguments = dict(self._scrub(machine, arguments))
                except BaseException as error:  # noqa: BLE001  # foreign code, which may even try to exit: nothing is sent
                    arguments, values = dict.fromkeys(arguments, f"[scrub failed: {type(error).__name__}]"), True
            if not values:
                return self._names(arguments)
            return json.dumps(_Sketch().mapping(arguments, MAX_DEPTH), ensure_ascii=False)
        except Exception as error:  # noqa: BLE001  # foreign code: even names may fail to be text
            return json.dumps({"…": f"not described because of {type(error).__name__}"}, ensure_ascii=False)

    def _names(self, arguments: Mapping[str, object]) -> str:
        names = tuple(arguments)
        text = self._by_names.get(names)
        if text is None:
            shown = [cut(str(name)) for name in names[:MAX_ITEMS]]
            text = json.dumps(dict.fromkeys(shown), ensure_ascii=False)
            if len(self._by_names) >= 4096:
                self._by_names.clear()
            self._by_names[names] = text
        return text


def cut(text: str, limit: int = MAX_VALUE) -> str:
    """At most ``limit`` characters; a cut text ends with an ellipsis and its true length."""
    if len(text) <= limit:
        return text
    mark = f"… ({len(text)} characters)"
    return text[: max(0, limit - len(mark))] + mark


class _Sketch:
    """Describes the arguments of one mutation until their room is used up."""

    def __init__(self) -> None:
        self._room = MAX_TOTAL

    def mapping(self, arguments: Mapping[str, object], depth: int) -> dict[str, object]:
        shown: dict[str, object] = {}
        for position, (key, value) in enumerate(list(arguments.items())):
            if position == MAX_ITEMS or self._room <= 0:
                shown["…"] = f"{len(arguments) - position} more"
                break
            name = cut(str(key))
            self._room -= len(name)
            shown[name] = HIDDEN if _SECRET.search(name) else self.value(value, depth)
        return shown

    def value(self, value: object, depth: int) -> object:
        try:
            shown = self._shown(value, depth)
        except Exception as error:  # noqa: BLE001  # foreign code: an object that cannot describe itself is still an argument
            shown = f"<{type(value).__name__}: repr failed with {type(error).__name__}>"
        self._room -= len(shown) if isinstance(shown, str) else ENTRY_SIZE
        return shown

    def _shown(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind is bool:
            return value
        if kind is int and isinstance(value, int) and -(2**53) < value < 2**53:
            return value
        if kind is str:
            return cut(str(value))
        if depth > 0 and isinstance(value, dict):
            return self.mapping(value, depth - 1)
        if depth > 0 and isinstance(value, (list, tuple)):
            return self._items(value, depth)
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            return f"<{kind.__name__} of {len(value)}>"
        return cut(repr(value))

    def _items(self, values: list[object] | tuple[object, ...], depth: int) -> list[object]:
        shown: list[object] = []
        for position, item in enumerate(list(values[:MAX_ITEMS])):
            if self._room <= 0:
                return [*shown, f"… {len(values) - position} more"]
            shown.append(self.value(item, depth - 1))
        return [*shown, f"… {len(values) - MAX_ITEMS} more"] if len(values) > MAX_ITEMS else shown
