"""Every theme is complete and legible, and nothing is told by colour alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import pytest
from textual.color import Color

from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from am_dbg.ui.styles import RoleStyles
from am_dbg.ui.themes import ANSI, CHOICES, CONTRAST, DARK, LIGHT, PLAIN, VARIABLES, fitting, themes
from am_dbg.ui.widgets.bar import Bar
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, line_text
from tests.ui.conftest import Screen
from tests.ui.recordings import shop
from tests.ui.terminal_user import User, at_terminal

THEMES = {theme.name: theme for theme in themes()}


def luminance(text: str) -> float:
    """Relative luminance as the accessibility guidelines of the web define it."""
    parts = [channel / 255 for channel in Color.parse(text).rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_every_theme_gives_a_colour_to_every_meaning(name: str) -> None:
    assert set(VARIABLES) <= set(THEMES[name].variables)
    roles = {f"am-{role.value}" for role in Role}
    assert roles <= set(VARIABLES)


@pytest.mark.parametrize(("name", "least"), [(DARK, 3.0), (LIGHT, 3.0), (CONTRAST, 7.0)])
def test_every_text_stands_out_from_what_it_can_be_drawn_on(name: str, least: float) -> None:
    theme = THEMES[name]
    grounds = [str(theme.background), theme.variables["am-bar"]]
    if name != CONTRAST:  # there such rows are drawn in reverse
        grounds += [theme.variables["am-hl2"]]
    for role in Role:
        color = theme.variables[f"am-{role.value}"]
        for ground in grounds:
            assert contrast(color, ground) >= least, (role, color, ground)


def test_the_theme_of_sixteen_colours_names_no_other() -> None:
    theme = THEMES[ANSI]
    assert {value for key, value in theme.variables.items() if not key.endswith("-style")} <= {
        "ansi_default", "ansi_red", "ansi_green", "ansi_yellow", "ansi_blue", "ansi_magenta", "ansi_cyan",
        "ansi_bright_black",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("remembered", "environment", "expected"),
    [
        (DARK, {"TERM": "xterm"}, ANSI),
        (LIGHT, {"TERM": "linux"}, ANSI),
        (CONTRAST, {"TERM": "linux"}, CONTRAST),
        (LIGHT, {"TERM": "xterm-256color"}, LIGHT),
        (DARK, {"TERM": "xterm", "COLORTERM": "truecolor"}, DARK),
    ],
)
def test_a_terminal_with_sixteen_colours_gets_its_own(
    remembered: str, environment: Mapping[str, str], expected: str
) -> None:
    assert fitting(remembered, environment) == expected


async def test_a_key_goes_through_all_themes_and_the_palette_chooses_one(screen: Screen) -> None:
    async with screen(machine="orders") as user:
        for name in (LIGHT, CONTRAST, ANSI, DARK):
            user.press("ctrl+t")
            await user.until(name, lambda name=name: user.app.theme == name)
        await user.sees("colours: dark")
        user.press(":")
        await user.sees("A command, a machine")
        user.type("high contrast").press("enter")
        await user.sees("colours: contrast")


async def test_with_sixteen_colours_no_others_are_sent() -> None:
    app = DebuggerApp(Session(shop()), plain=False, colors=ANSI)
    async with at_terminal(app) as user:
        user.press("J", "J", ":")
        await user.sees("A command, a machine")
        user.press("escape", "@")
        await user.sees("Go to")
        await user.settled()
        sent = bytes(user.terminal.received)
    assert re.search(rb"\x1b\[[0-9;]*3[1-6][;m]", sent)
    assert not re.search(rb"\x1b\[(?:[0-9;]*;)?[34]8;[25];", sent)


async def test_without_colours_there_is_nothing_to_choose(screen: Screen) -> None:
    async with screen(color_system="none") as user:
        user.press("ctrl+t")
        await user.sees("no colours (NO_COLOR)")
        assert user.app.theme == PLAIN


# -- never colour alone --------------------------------------------------------------------------------------------

PLACE = ""
"""Structure only: a label, a value, a heading. Without its colour nothing is lost, as the words say it."""
WEIGHT = "weight"
"""Told by bold, dim, underline or reverse where there are no colours."""

CARRIERS: Mapping[Role, str] = {
    Role.TEXT: PLACE,
    Role.TITLE: PLACE,
    Role.KEY: PLACE,
    Role.VALUE: PLACE,
    Role.PREFIX: PLACE,
    Role.DIM: WEIGHT,
    Role.LINK: WEIGHT,
    Role.CALLED: WEIGHT,
    Role.EMPTY: WEIGHT,
    Role.HIGHLIGHT: WEIGHT,
    Role.ACTIVE: r"●|\[x\]|[RS] +\d|\[\w+\]|\b[12] |\+|active|▾",
    Role.MULTI: r" M |~",
    Role.INACTIVE: r"○|\.",
    Role.ERROR: r"[!✕]|E.? +\d",
    Role.ERROR_RECENT: r"e.? +\d|⚠.*lost",
    Role.ADDED: r"\+|→",
    Role.REMOVED: r"[−|-]",
    Role.ACCEPTED: r"[▁▂▃▄▅▆▇█]|accepted",
    Role.CANCELED: r"✕|c|refused",
    Role.QUEUED: r"queue|q",
    Role.CURSOR: r"[┃▸›▶>]|find|only",
}
"""What else tells the meaning of a role: a sign or word in its row, as a pattern, or one of the above."""

SCENES = (
    "5 home J J", "I", "escape R", "E > > >", "V", "V U", "V", "J J J", "!", "escape F", "escape ?", "escape = T", "P",
    "escape ctrl+down ctrl+down ctrl+down", "ctrl+up V V end tab down down down", "tab m", "V V",
)  # fmt: skip
"""Keys that lead through all panes and many dialogs."""


def test_every_role_is_accounted_for() -> None:
    assert set(CARRIERS) == set(Role)
    plain = RoleStyles({}, PLAIN)
    for role, carrier in CARRIERS.items():
        if carrier is WEIGHT:
            assert str(plain.role(role)) != "none", role


async def test_every_coloured_word_has_a_sign_or_a_weight_as_well(screen: Screen) -> None:
    found: dict[Role, set[tuple[str, str]]] = defaultdict(set)
    async with screen(machine="orders", size=(160, 45)) as user:
        for keys in SCENES:
            user.press(*keys.split())
            await user.settled(0.1)
            for line in _lines(user):
                for span in line:
                    if span.text.strip():
                        found[span.role].add((line_text(line), span.text))
    assert set(Role) - set(found) <= {Role.QUEUED}
    for role, shown in found.items():
        for row, text in shown:
            carrier = CARRIERS[role]
            assert carrier in (PLACE, WEIGHT) or re.search(carrier, row), (role, text, row)


def _lines(user: User) -> Iterator[Line]:
    for view in user.app.screen.query(LineView):
        yield from (drawn.line for drawn in view._drawn)
    for bar in user.app.screen.query(Bar):
        yield from bar._drawn


@pytest.mark.parametrize("theme", CHOICES)
async def test_the_row_of_the_cursor_has_a_sign(theme: str) -> None:
    """Its background is not the only thing that shows it."""
    app = DebuggerApp(Session(shop()), plain=False, colors=theme)
    async with at_terminal(app, (80, 24)) as user:
        user.press("down", "enter")
        await user.sees("mach://gateway", "▸")
        y = user.find("● gateway")[1]
        assert "▸" in user.terminal.lines[y]
