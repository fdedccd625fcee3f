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
        """JSON object text; never raises, whatever the arguments or the scrubber do."""
        if self._scrub is not None:
            try:
                arguments = dict(self._scrub(machine, arguments))
            except Exception as error:  # noqa: BLE001  # foreign code: what it cannot clean is not sent
                arguments = dict.fromkeys(arguments, f"[scrub failed: {type(error).__name__}]")
                return json.dumps(_mapping(arguments, MAX_DEPTH), ensure_ascii=False)
        if self._values:
            return json.dumps(_mapping(arguments, MAX_DEPTH), ensure_ascii=False)
        return self._names(arguments)

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


def _mapping(arguments: Mapping[str, object], depth: int) -> dict[str, object]:
    shown: dict[str, object] = {}
    for position, (key, value) in enumerate(list(arguments.items())):
        if position == MAX_ITEMS:
            shown["…"] = f"{len(arguments) - MAX_ITEMS} more"
            break
        name = cut(str(key))
        shown[name] = HIDDEN if _SECRET.search(name) else _value(value, depth)
    return shown


def _value(value: object, depth: int) -> object:
    kind = type(value)
    if kind is bool:
        return value
    if kind is int and isinstance(value, int) and -(2**53) < value < 2**53:
        return value
    if kind is str:
        return cut(str(value))
    if depth > 0 and isinstance(value, dict):
        return _mapping(value, depth - 1)
    if depth > 0 and isinstance(value, (list, tuple)):
        items = [_value(item, depth - 1) for item in list(value[:MAX_ITEMS])]
        return [*items, f"… {len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else items
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return f"<{kind.__name__} of {len(value)}>"
    try:
        return cut(repr(value))
    except Exception as error:  # noqa: BLE001  # foreign code: an object that cannot describe itself is still an argument
        return f"<{kind.__name__}: repr failed with {type(error).__name__}>"
