"""The effective keys: profiles, a person's own keys, and what is wrong with them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_dbg.session import Session
from am_dbg.ui.actions import ACTIONS, BY_ID, Pane, footer_actions
from am_dbg.ui.app import DebuggerApp
from am_dbg.ui.key_names import KeyNameError, canonical
from am_dbg.ui.keymap import DEFAULT_KEYMAP, build_keymap, printed
from am_dbg.ui.screens.help import help_lines
from am_dbg.viewmodels.spans import line_text
from tests.ui.recordings import shop
from tests.ui.terminal_user import at_terminal

CLASSIC_KEYS = {
    "alt+e", "alt+f", "alt+h", "alt+j", "alt+k", "alt+l", "alt+left", "alt+m", "alt+o", "alt+r", "alt+right", "alt+v",
    "ctrl+q", "down", "end", "enter", "escape", "home", "left", "pagedown", "pageup", "question_mark", "right",
    "shift+tab", "space", "tab", "up",
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("?", "question_mark"), ("Ctrl+K", "ctrl+k"), ("PgUp", "pageup"), ("←", "left"), ("F5", "f5"), ("x", "x"),
        ("X", "X"), ("shift+x", "X"), ("Space", "space"), (" ", "space"), ("+", "plus"), ("alt+left", "alt+left"),
        ("Esc", "escape"), ("question_mark", "question_mark"), ("alt++", "alt+plus"), ("shift+tab", "shift+tab"),
    ],
)  # fmt: skip
def test_keys_may_be_written_as_they_are_printed(written: str, key: str) -> None:
    assert canonical(written) == key


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("ctrl+i", "same as tab"), ("ctrl+m", "same as enter"), ("ctrl+[", "same as escape"), ("ctrl+c", "interrupts"),
        ("ctrl+shift+k", "do not tell it from ctrl+k"), ("cmd+k", "do not get to see"), ("alt+enter", "enter alone"),
        ("ctrl+1", "do not send"), ("shift+1", "the sign that it types"), ("bakspace", "'backspace'"),
        ("hyper+k", "no modifier"), ("", "not the name of a key"), ("\x07", "not the name of a key"),
    ],
)  # fmt: skip
def test_what_no_terminal_sends_is_refused_with_the_reason(written: str, words: str) -> None:
    with pytest.raises(KeyNameError, match=re.escape(words)):
        canonical(written)


@given(st.text(max_size=12) | st.text(alphabet="´»ßÄctrl+alt ", max_size=6))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        key = canonical(text)
    except KeyNameError:
        return
    assert printed(key)
    if key.isascii() and text.isascii():
        assert canonical(printed(key)) == key


def test_the_names_of_all_default_keys_are_canonical_and_printed_forms_lead_back() -> None:
    for key in (key for action in ACTIONS for key in action.keys):
        assert canonical(key) == key
        assert canonical(printed(key)) == key


def test_classic_has_the_keys_of_the_go_debugger_and_no_others() -> None:
    keymap, problems = build_keymap("classic")
    assert not problems
    used = {key for keys in keymap.keys.values() for key in keys}
    assert used - {"alt+s", "backspace"} == CLASSIC_KEYS
    assert keymap.action(["left"], Pane.LOG) == "move.left"
    assert keymap.action(["left"], Pane.SCHEMA) == "time.previous"
    assert keymap.action(["alt+j"], Pane.LOG) == "move.page_down"
    assert keymap.action(["H"], Pane.LOG) is None


def test_own_keys_replace_those_of_the_action_and_are_taken_from_others() -> None:
    keymap, problems = build_keymap(own={"time.play": ["F5", "T"]})
    assert not problems
    assert keymap.of(BY_ID["time.play"]) == ("f5", "T")
    assert keymap.of(BY_ID["time.tail"]) == ("alt+v",)
    assert keymap.action(["T"], Pane.LOG) == "time.play"
    assert keymap.action(["space"], Pane.LOG) is None
    assert keymap.own == {"time.play"}


def test_an_empty_list_takes_the_keys_away() -> None:
    keymap, problems = build_keymap(own={"time.play": []})
    assert not problems
    assert keymap.action(["space"], Pane.LOG) is None


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"time.pley": ["x"]}, "there is no action 'time.pley'; did you mean 'time.play'?"),
        ({"play": ["f5"]}, "there is no action 'play'; did you mean 'time.play'?"),
        ({"time.play": ["ctrl+i"]}, "same as tab"),
        ({"time.play": ["f5"], "time.tail": ["f5"]}, "F5 is given to time.play already"),
        ({"time.play": ["alt+x"]}, "can be reached with Alt only"),
        ({"time.play": ["x"]}, "x searches in machines and schema"),
        ({"time.play": ["I"]}, "takes the only key of step.inspect"),
    ],
)
def test_what_is_wrong_with_own_keys_is_said(own: dict[str, list[str]], words: str) -> None:
    _, problems = build_keymap(own=own)
    (problem,) = problems
    assert words in f"{problem.message}; {problem.hint}"


keys = st.sampled_from(["x", "f5", "ctrl+k", "alt+x", "T", "left", "ctrl+i", "nonsense", "?"])


@given(st.dictionaries(st.sampled_from([*BY_ID, "unknown"]), st.lists(keys, max_size=3), max_size=5))
def test_no_key_ever_means_two_things_in_a_pane(own: dict[str, list[str]]) -> None:
    keymap, _ = build_keymap(own=own)
    for action in ACTIONS:
        for other in ACTIONS:
            if action.id < other.id and action.where & other.where and len(action.where) == len(other.where):
                assert not set(keymap.of(action)) & set(keymap.of(other)), (action.id, other.id)


def test_help_and_footer_name_the_effective_keys() -> None:
    keymap, _ = build_keymap(own={"time.play": ["F5"], "jump.back": ["F3"], "jump.find": []})
    text = "\n".join(line_text(line) for line in help_lines(Pane.LOG, 110, keymap))
    assert "F5  " in text
    hints = {action.id: keymap.footer(action) for action in footer_actions()}
    assert hints["time.play"] == ("F5", "", "play")
    assert hints["jump.back"] == ("F3", "/L", "jump")
    assert hints["jump.find"] is None
    assert DEFAULT_KEYMAP.footer(BY_ID["jump.back"]) == ("H", "/L", "jump")
    assert DEFAULT_KEYMAP.footer(BY_ID["time.previous"]) == ("←", "→", "move")
    assert DEFAULT_KEYMAP.footer(BY_ID["app.palette"]) == (":", "", "palette")


async def test_own_keys_work_and_are_shown_on_the_screen() -> None:
    keymap, _ = build_keymap(own={"time.last": ["f6"], "view.log": [], "app.help": ["f1"]})
    app = DebuggerApp(Session(shop(), live=False), keys=keymap)
    async with at_terminal(app, (120, 40)) as user:
        await user.sees("F1 help")
        user.press("f6")
        await user.sees("this is the last transition")
