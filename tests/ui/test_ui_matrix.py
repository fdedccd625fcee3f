"""Every size in every theme: the texts of the screens, which all themes share, and how each of them draws them.

``make snapshots`` stores what the screens look like now.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from am_dbg.session import Session
from am_dbg.ui.app import DebuggerApp
from am_dbg.ui.themes import NAMES
from tests.ui.recordings import shop
from tests.ui.style_marks import StyleMarks
from tests.ui.terminal_user import SNAPSHOTS, User, at_terminal

SIZES = [(60, 16), (80, 24), (100, 30), (160, 45), (240, 60)]
SCENES = {
    "a problem in the log": ("home J J", "/#19 "),
    "its steps, beside the rain": ("left > > V V tab", "/#19/2 "),
}
"""What is looked at, the keys that lead there, and the end of its address."""
PLAIN = "no colours"


class Pictures:
    """What was seen at one size."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._marks: dict[str, StyleMarks] = {}
        self._styles: dict[tuple[str, str], list[str]] = {}

    async def take(self, user: User, scene: str, theme: str) -> None:
        """Remember how a scene looks; its text must be that of the other themes."""
        await user.settled(0.08)
        text = self.texts.setdefault(scene, user.terminal.text)
        assert user.terminal.text == text, f"{scene} tells something else with the theme {theme}"
        marks = self._marks.setdefault(theme, StyleMarks())
        self._styles[theme, scene] = list(marks.rows(user.terminal.screen))

    def lines(self) -> Iterator[str]:
        """The file that is stored."""
        for scene, text in self.texts.items():
            yield from (f"══ {scene}", text)
        for theme, marks in self._marks.items():
            yield from (f"══ {theme}", *marks.legend())
            for scene in self.texts:
                yield from (f"── {scene}", *self._styles[theme, scene])


def _app(plain: bool) -> DebuggerApp:
    session = Session(shop(), live=False)
    session.select_machine(next(listed.machine_id for listed in session.order if listed.label == "orders"))
    return DebuggerApp(session, plain=plain)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_theme_at_every_size(size: tuple[int, int]) -> None:
    pictures = Pictures()
    async with at_terminal(_app(plain=False), size) as user:
        await user.sees("mach://orders")
        for scene, (keys, place) in SCENES.items():
            await _go(user, keys, place)
            for name, theme in NAMES.items():
                user.app.choose_theme(theme)
                await pictures.take(user, scene, name)
    async with at_terminal(_app(plain=True), size, "none") as user:
        await user.sees("mach://orders")
        for scene, (keys, place) in SCENES.items():
            await _go(user, keys, place)
            await pictures.take(user, scene, PLAIN)
    _compare(f"themes-{size[0]}x{size[1]}", pictures)


async def _go(user: User, keys: str, place: str) -> None:
    user.press(*keys.split())
    await user.sees(place)
    await user.settled()
    user.app.session.say("")  # messages fade, and a picture may take longer
    await user.sees("? help")


def _compare(name: str, pictures: Pictures) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    shown = "\n".join(pictures.lines()) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8")
    stored = path.read_text(encoding="utf-8")
    for one, other in zip(stored.splitlines(), shown.splitlines(), strict=False):
        assert other == one, f"{path.name} has another line; look at the screens, then make snapshots"
    assert shown == stored, f"{path.name} has another length; look at the screens, then make snapshots"
