"""Sets of keys to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLASSIC: Final[Mapping[str, tuple[str, ...]]] = {
    "time.previous": ("left",),
    "time.next": ("right",),
    "time.first": ("home",),
    "time.last": ("end",),
    "time.play": ("space",),
    "time.tail": ("alt+v",),
    "jump.back": ("alt+h", "alt+left"),
    "jump.forward": ("alt+l", "alt+right"),
    "move.up": ("up",),
    "move.down": ("down",),
    "move.page_up": ("pageup", "alt+k"),
    "move.page_down": ("pagedown", "alt+j"),
    "move.left": ("left",),
    "move.right": ("right",),
    "move.enter": ("enter",),
    "panes.next": ("tab",),
    "panes.previous": ("shift+tab",),
    "panes.default": ("escape",),
    "machine.remove": ("backspace",),
    "view.next": ("alt+m",),
    "view.rain": ("alt+r",),
    "view.reader": ("alt+o",),
    "view.expand": ("alt+e",),
    "view.filters": ("alt+f",),
    "app.export": ("alt+s",),
    "app.help": ("question_mark",),
    "app.quit": ("ctrl+q",),
}
"""The keys of the Go am-dbg v0.10. What is not named here has no key, only an entry in the palette."""

PROFILES: Final[Mapping[str, Mapping[str, tuple[str, ...]] | None]] = {"default": None, "classic": CLASSIC}
"""Name to the keys of each action; None for those of the registry."""
