"""Actions to key bindings, and key names to what is printed on a keyboard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.binding import Binding, BindingType

from am_dbg.ui.actions import ACTIONS, Action

_PRINTED: Final = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "comma": ",", "full_stop": ".", "colon": ":", "slash": "/",
    "at": "@", "question_mark": "?", "space": "Space", "enter": "Enter", "escape": "Esc", "tab": "Tab",
    "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn", "backspace": "Backspace",
}  # fmt: skip
_MODIFIERS: Final = {"ctrl": "Ctrl", "shift": "Shift", "alt": "Alt"}


def printed(key: str) -> str:
    """``alt+left`` to ``Alt+←``, ``question_mark`` to ``?``."""
    *modifiers, name = key.split("+")
    shown = _PRINTED.get(name, name.upper() if name.startswith("f") and name[1:].isdigit() else name)
    if modifiers and len(shown) == 1:
        shown = shown.upper()
    return "+".join([*(_MODIFIERS.get(modifier, modifier) for modifier in modifiers), shown])


def printed_keys(action: Action) -> str:
    """All keys of an action, in reading form."""
    return "  ".join(printed(key) for key in action.keys)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[BindingType]:
    """One Textual binding per key. They call ``action_run`` with the id of the action."""
    return [
        Binding(
            key,
            f"run('{action.id}')",
            action.title,
            show=False,
            id=f"{action.id}:{index}",
            tooltip=action.description,
        )
        for action in actions
        for index, key in enumerate(action.keys)
    ]
