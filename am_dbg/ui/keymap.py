"""Keys to actions, and key names to what is printed on a keyboard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from am_dbg.ui.actions import ACTIONS, Action

_PRINTED: Final = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "comma": ",", "full_stop": ".", "colon": ":", "slash": "/",
    "at": "@", "question_mark": "?", "space": "Space", "enter": "Enter", "escape": "Esc", "tab": "Tab",
    "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn", "backspace": "Backspace",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "less_than_sign": "<", "asterisk": "*", "greater_than_sign": ">",
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


def key_table(actions: Iterable[Action] = ACTIONS) -> dict[str, str]:
    """Key, as Textual names it, to the id of the action it stands for."""
    return {key: action.id for action in actions for key in action.keys}
