"""Names of keys: as people write them, as Textual spells them, and what terminals cannot send."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Final

_NAMED: Final = frozenset(
    {
        "left", "right", "up", "down", "home", "end", "pageup", "pagedown", "insert", "delete", "backspace",
        "enter", "tab", "escape", "space", *(f"f{number}" for number in range(1, 25)),
    }
)  # fmt: skip
_ALIASES: Final = {
    "←": "left", "→": "right", "↑": "up", "↓": "down", "pgup": "pageup", "pgdn": "pagedown", "page-up": "pageup",
    "page-down": "pagedown", "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "bs": "backspace",
    " ": "space",
}  # fmt: skip
_MODIFIERS: Final = {"ctrl": "ctrl", "control": "ctrl", "alt": "alt", "meta": "alt", "option": "alt", "shift": "shift"}
# What differs from the names of Unicode.
_SIGNS: Final = {
    "SOLIDUS": "slash", "REVERSE SOLIDUS": "backslash", "COMMERCIAL AT": "at", "HYPHEN-MINUS": "minus",
    "PLUS SIGN": "plus", "LOW LINE": "underscore",
}  # fmt: skip
_TWINS: Final = {
    "ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape",
    "alt+left_square_bracket": "the beginning of other keys", "alt+O": "the beginning of other keys",
}  # fmt: skip


class KeyNameError(ValueError):
    """There is no such key, or no terminal sends it; the message says why, and what to write instead."""


def sign_name(sign: str) -> str:
    """``?`` to ``question_mark``; letters and digits are their own names."""
    if sign.isalnum():
        return sign
    name = unicodedata.name(sign, "")
    return _SIGNS.get(name, name.lower().replace("-", "_").replace(" ", "_"))


_PUNCTUATION: Final = {sign_name(chr(code)): chr(code) for code in range(33, 127) if not chr(code).isalnum()}


def canonical(text: str) -> str:
    """A key as Textual names it, from what a person wrote: ``?``, ``Ctrl+K``, ``alt+left``, ``PgUp``, ``F5``.

    Raises:
        KeyNameError: with a message for the user.
    """
    if len(text) == 1 or not text.strip():
        return _plain(text, text)
    *modifiers, name = [part.strip() for part in text.strip().removesuffix("++").split("+")]
    if text.strip().endswith("++"):
        modifiers, name = [*modifiers, name], "+"
    known: list[str] = []
    for modifier in modifiers:
        if modifier.casefold() in ("super", "cmd", "win"):
            raise KeyNameError(f"{text!r}: programs in a terminal do not get to see the key {modifier}")
        if modifier.casefold() not in _MODIFIERS:
            raise KeyNameError(f"{text!r}: {modifier!r} is no modifier; there are ctrl, alt and shift")
        known.append(_MODIFIERS[modifier.casefold()])
    key = _plain(name, text)
    return _combined(known, key, text) if known else key


def _plain(name: str, text: str) -> str:
    if len(name) == 1 and name not in _ALIASES:
        if name.isspace() or not name.isprintable():
            raise KeyNameError(f"{text!r} is not the name of a key")
        return sign_name(name)
    folded = name.casefold()
    key = _ALIASES.get(folded, folded)
    if key in _NAMED or key in _PUNCTUATION:
        return key
    near = difflib.get_close_matches(key, [*_NAMED, *_PUNCTUATION, *_ALIASES], 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise KeyNameError(f"{text!r} is not the name of a key{hint}")


def _combined(modifiers: list[str], key: str, text: str) -> str:
    sign = len(key) == 1 or key in _PUNCTUATION
    if "shift" in modifiers and len(key) == 1 and key.isalpha():
        if "ctrl" in modifiers:
            raise KeyNameError(f"{text!r}: terminals do not tell it from ctrl+{key.lower()}")
        modifiers = [modifier for modifier in modifiers if modifier != "shift"]
        key = key.upper()
    elif "alt" in modifiers and len(key) == 1:
        key = key.lower()
    elif "shift" in modifiers and sign:
        raise KeyNameError(f"{text!r}: write the sign that it types")
    if "ctrl" in modifiers:
        if len(key) == 1 and key.isalpha():
            key = key.lower()
        elif sign and key not in ("at", "backslash", "right_square_bracket", "left_square_bracket", "underscore"):
            raise KeyNameError(f"{text!r}: most terminals do not send ctrl with this key")
    if "alt" in modifiers and key in ("enter", "escape"):
        raise KeyNameError(f"{text!r}: it arrives as {key} alone")
    ordered = [modifier for modifier in ("alt", "ctrl", "shift") if modifier in modifiers]
    combined = "+".join([*ordered, key])
    if combined in _TWINS:
        raise KeyNameError(f"{text!r}: for terminals it is the same as {_TWINS[combined]}")
    if combined == "ctrl+c":
        raise KeyNameError(f"{text!r}: it interrupts programs")
    return combined
