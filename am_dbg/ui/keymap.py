"""The effective keys: those of a profile, changed by a person's own, and how keys are printed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from am_dbg.ui.actions import ACTIONS, BY_ID, Action, Pane
from am_dbg.ui.key_names import KeyNameError, canonical
from am_dbg.ui.key_profiles import PROFILES

_PRINTED: Final = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "comma": ",", "full_stop": ".", "colon": ":", "slash": "/",
    "at": "@", "question_mark": "?", "space": "Space", "enter": "Enter", "escape": "Esc", "tab": "Tab",
    "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn", "backspace": "Backspace",
    "left_square_bracket": "[", "right_square_bracket": "]", "insert": "Ins", "delete": "Del",
    "less_than_sign": "<", "asterisk": "*", "greater_than_sign": ">",
    "exclamation_mark": "!", "quotation_mark": '"', "number_sign": "#", "dollar_sign": "$", "percent_sign": "%",
    "ampersand": "&", "apostrophe": "'", "left_parenthesis": "(", "right_parenthesis": ")", "plus": "+", "minus": "-",
    "semicolon": ";", "equals_sign": "=", "backslash": "\\", "circumflex_accent": "^", "underscore": "_",
    "grave_accent": "`", "left_curly_bracket": "{", "vertical_line": "|", "right_curly_bracket": "}", "tilde": "~",
}  # fmt: skip
_MODIFIERS: Final = {"ctrl": "Ctrl", "shift": "Shift", "alt": "Alt"}
_SEARCHABLE: Final = frozenset({Pane.MACHINES, Pane.SCHEMA})


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """Something in a person's keys that has no effect, or not the one it seems to have."""

    action: str
    """What the person called the action."""
    message: str
    hint: str = ""
    fatal: bool = True
    """Whether something has no effect at all because of it."""


@dataclass(frozen=True)
class Keymap:
    """Which keys do what. Immutable."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {action.id: action.keys for action in ACTIONS})
    """Id of every action to its keys, as Textual names them."""
    profile: str = "default"
    own: frozenset[str] = frozenset()
    """Ids of the actions whose keys a person has chosen."""

    def of(self, action: Action) -> tuple[str, ...]:
        """The keys of an action, none when it has no key."""
        return self.keys.get(action.id, ())

    def action(self, names: Iterable[str], pane: Pane) -> str | None:
        """The id of the action that a key means in a pane.

        Args:
            names: what the key is called, the most particular name first.
            pane: where the focus is.
        """
        for name in names:
            for action_id in self._table.get(name, ()):
                if pane in BY_ID[action_id].where:
                    return action_id
        return None

    def printed(self, action: Action, most: int | None = None) -> str:
        """The keys of an action, or the first ones, in reading form."""
        return "  ".join(printed(key) for key in self.of(action)[:most])

    def footer(self, action: Action) -> tuple[str, str, str] | None:
        """First key, key of the partner and label for the footer; None when there is no key to name."""
        if not action.footer:
            return None
        label = action.footer.partition(" ")[2]
        keys = [self.of(BY_ID[name])[:1] for name in (action.id, action.partner) if name]
        if not all(keys):
            return None
        if self.of(action) == action.keys and (not action.partner or len(keys) < 2):
            return action.footer.partition(" ")[0], "", label
        first, *others = [printed(key[0]) for key in keys]
        between = "/" if first.isalnum() or len(first) > 1 else ""
        return first, "".join(between + other for other in others), label

    @cached_property
    def _table(self) -> dict[str, tuple[str, ...]]:
        """Key to the actions that it may mean, those of fewer panes first."""
        found: dict[str, list[str]] = {}
        for action_id, keys in self.keys.items():
            for key in keys:
                found.setdefault(key, []).append(action_id)
        return {key: tuple(sorted(ids, key=lambda name: len(BY_ID[name].where))) for key, ids in found.items()}


def printed(key: str) -> str:
    """``alt+left`` to ``Alt+←``, ``question_mark`` to ``?``."""
    *modifiers, name = key.split("+")
    shown = _PRINTED.get(name, name.upper() if name.startswith("f") and name[1:].isdigit() else name)
    if modifiers and len(shown) == 1:
        if shown.isupper():
            modifiers.append("shift")
        shown = shown.upper()
    return "+".join([*(_MODIFIERS.get(modifier, modifier) for modifier in modifiers), shown])


def build_keymap(profile: str = "default", own: Mapping[str, Sequence[str]] = {}) -> tuple[Keymap, list[KeyProblem]]:
    """The keys of a profile, with a person's own in place of those of the actions they name.

    A key that a person gives to an action is taken away from the others that have it in the same panes. Nothing is
    raised for what cannot be: that is left out, and reported.

    Args:
        profile: a name of ``PROFILES``.
        own: id of an action to keys as people write them; an empty list takes its keys away.

    Raises:
        KeyError: there is no such profile.
    """
    base = PROFILES[profile]
    keys = {action.id: action.keys if base is None else base.get(action.id, ()) for action in ACTIONS}
    problems: list[KeyProblem] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for action_id, names in own.items():
        if action_id not in BY_ID:
            problems.append(KeyProblem(action_id, f"there is no action {action_id!r}", _nearest(action_id)))
            continue
        chosen[action_id] = tuple(_read(action_id, names, chosen, problems))
    for action_id, wanted in chosen.items():
        for other, theirs in keys.items():
            if other not in chosen and overlapping(BY_ID[action_id], BY_ID[other]):
                keys[other] = tuple(key for key in theirs if key not in wanted)
                if theirs and not keys[other]:
                    problems.append(
                        KeyProblem(action_id, f"takes the only key of {other}", f"give {other} another one", False)
                    )
    keys.update(chosen)
    return Keymap(keys, profile, frozenset(chosen)), problems


def _read(
    action_id: str, names: Sequence[str], chosen: Mapping[str, tuple[str, ...]], problems: list[KeyProblem]
) -> list[str]:
    action = BY_ID[action_id]
    found: list[str] = []
    for name in names:
        try:
            key = canonical(name)
        except KeyNameError as error:
            problems.append(KeyProblem(action_id, str(error)))
            continue
        taken = next((o for o, keys in chosen.items() if key in keys and overlapping(BY_ID[o], action)), None)
        if taken is not None:
            problems.append(KeyProblem(action_id, f"{printed(key)} is given to {taken} already", "choose another key"))
            continue
        if key not in found:
            found.append(key)
        if len(key) == 1 and (key.islower() or key in "-_") and action.where & _SEARCHABLE:
            problems.append(
                KeyProblem(
                    action_id, f"{key} searches in machines and schema; it works in the other panes only", "", False
                )
            )
    if found and all("alt+" in key for key in found):
        problems.append(
            KeyProblem(
                action_id, "can be reached with Alt only, which many terminals do not send", "add another key", False
            )
        )
    return found


def overlapping(one: Action, other: Action) -> bool:
    """Whether a key of both would not be clear: where panes are shared, the action of fewer panes goes first."""
    return one is not other and bool(one.where & other.where) and len(one.where) == len(other.where)


def _nearest(action_id: str) -> str:
    near = difflib.get_close_matches(action_id, BY_ID, 1) or [i for i in BY_ID if i.endswith(f".{action_id}")][:1]
    return f"did you mean {near[0]!r}?" if near else "am-dbg keys lists them all"


DEFAULT_KEYMAP: Final = Keymap()
