"""The registry of actions: complete, free of contradictions, and the source of help, palette and footer."""

from __future__ import annotations

import re

from am_dbg.config.declarations import THEMES
from am_dbg.ui.actions import ACTIONS, BY_ID, EVERYWHERE, THEME_TITLES, Pane, footer_actions
from am_dbg.ui.controller import Controller
from am_dbg.ui.keymap import DEFAULT_KEYMAP, printed
from am_dbg.ui.screens.help import help_lines
from am_dbg.ui.themes import NAMES
from am_dbg.viewmodels.spans import line_text, line_width

_FUNCTION_KEY = re.compile(r"\bf\d+$")


def test_every_action_has_a_handler_and_a_key_or_is_one_of_several_in_the_palette() -> None:
    for action in ACTIONS:
        assert callable(getattr(Controller, action.handler)), action.id
        assert action.keys or (action.palette and action.argument is not None), action.id


def test_no_key_means_two_things_and_no_id_is_used_twice() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    assert len(BY_ID) == len(ACTIONS)


def test_lower_case_letters_stay_free_for_searching() -> None:
    searched = [action for action in ACTIONS if action.where != frozenset({Pane.LOG})]
    assert not [key for action in searched for key in action.keys if len(key) == 1 and key.islower()]


def test_every_key_leads_to_its_action() -> None:
    for action in ACTIONS:
        for pane in action.where:
            assert all(DEFAULT_KEYMAP.action([key], pane) == action.id for key in action.keys), (action.id, pane)


def test_nothing_is_reachable_with_alt_or_function_keys_only() -> None:
    for action in ACTIONS:
        if action.keys:
            assert any("alt+" not in key and not _FUNCTION_KEY.search(key) for key in action.keys), action.id


def test_keys_are_printed_as_on_a_keyboard() -> None:
    assert [printed(key) for key in ("alt+left", "question_mark", "f9", "ctrl+p", "H", "full_stop", "shift+tab")] == [
        "Alt+←", "?", "F9", "Ctrl+P", "H", ".", "Shift+Tab",
    ]  # fmt: skip


def test_help_explains_every_action_at_every_width() -> None:
    for columns in (56, 76, 110):
        for pane in Pane:
            lines = help_lines(pane, columns)
            text = "\n".join(line_text(line) for line in lines)
            flat = " ".join(text.split())
            for action in ACTIONS:
                if action.argument is None:
                    assert action.description in flat, (pane, action.id)
                    assert DEFAULT_KEYMAP.printed(action, 1) in text, (pane, action.id)
            assert max(line_width(line) for line in lines) <= columns, pane


def test_the_footer_names_keys_that_work_everywhere() -> None:
    for action in footer_actions():
        assert " " in action.footer, action.id
        assert action.where == EVERYWHERE, action.id


def test_every_theme_has_a_setting_and_an_entry_in_the_palette() -> None:
    assert tuple(NAMES) == tuple(THEME_TITLES) == THEMES
    for place, name in enumerate(NAMES):
        action = BY_ID[f"view.theme-{name}"]
        assert action.palette
        assert action.argument == place
