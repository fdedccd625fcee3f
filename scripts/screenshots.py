"""Draw the pictures in ``screenshots/``: scenes of the debugger on a deterministic recording, as SVG, and the one
that pages show also as PNG.

usage: python scripts/screenshots.py [--check] [SCENE …]

With --check nothing is written, and pictures that no longer show what the debugger looks like end it with exit code 1.
The PNG needs ``resvg-py`` and the font DejaVu Sans Mono; without them only the SVG is written.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["TZ"] = "UTC"
time.tzset()

from am_dbg.session import Session  # noqa: E402 - after the time zone and the path are set
from am_dbg.ui.app import DebuggerApp  # noqa: E402
from am_dbg.ui.themes import CONTRAST, DARK, LIGHT  # noqa: E402
from tests.support.memory_recording import MemoryRecording  # noqa: E402
from tests.ui.recordings import shop  # noqa: E402

OUT = ROOT / "screenshots"
FONT = "DejaVu Sans Mono"


@dataclass(frozen=True)
class Scene:
    """One picture."""

    name: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 36)
    theme: str = DARK
    recorded: bool = True
    png: bool = False


_ORDERS = ("down", "down", "enter", "home", "J", "J")
SCENES = (
    Scene("main", _ORDERS, png=True),
    Scene("main-light", _ORDERS, theme=LIGHT),
    Scene("main-contrast", _ORDERS, theme=CONTRAST),
    Scene("main-80x24", _ORDERS, size=(80, 24)),
    Scene("main-200x60", _ORDERS, size=(200, 60)),
    Scene("schema", (*_ORDERS, "tab", "E", "c", "o", "n", "n", "e", "c", "t", "e", "d")),
    Scene("filters", (*_ORDERS, "F")),
    Scene("palette", (*_ORDERS, "colon")),
    Scene("help", (*_ORDERS, "question_mark")),
    Scene("welcome", recorded=False),
)


async def draw(scene: Scene) -> str:
    """Play a scene and return its SVG."""
    recording = shop(length=400) if scene.recorded else MemoryRecording()
    app = DebuggerApp(
        Session(recording, live=not scene.recorded),
        listen=None if scene.recorded else "localhost:6831",
        plain=False,
    )
    async with app.run_test(size=scene.size) as pilot:
        app.theme = scene.theme
        await pilot.pause()
        for key in scene.keys:
            await pilot.press(key)
        app.main.end_search()
        await pilot.pause(0.2)
        app.main.sync_status()
        await pilot.pause(0.1)
        return app.export_screenshot(title="am-dbg", simplify=True)


def self_contained(svg: str) -> str:
    """Without references to fonts on the net."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
    return svg.replace("Fira Code", FONT)


def save(scene: Scene, svg: str) -> None:
    """Write the picture."""
    (OUT / f"{scene.name}.svg").write_text(svg, encoding="utf-8")
    if not scene.png:
        return
    try:
        import resvg_py
    except ImportError:
        print("no PNG: resvg-py is not installed", file=sys.stderr)
        return
    data = resvg_py.svg_to_bytes(svg_string=svg, font_family=FONT, monospace_family=FONT, zoom=2)
    (OUT / f"{scene.name}.png").write_bytes(bytes(data))


def is_stale(scene: Scene, svg: str) -> bool:
    """Whether the picture of a scene is missing, or shows something else than the debugger does now."""
    path = OUT / f"{scene.name}.svg"
    return not path.exists() or path.read_text(encoding="utf-8") != svg


def main(arguments: list[str]) -> int:
    """Draw the named scenes, or all; or check that they were drawn."""
    check = "--check" in arguments
    wanted = [argument for argument in arguments if argument != "--check"]
    unknown = set(wanted) - {scene.name for scene in SCENES}
    if unknown:
        print(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SCENES)}")
        return 2
    OUT.mkdir(exist_ok=True)
    stale = 0
    for scene in SCENES:
        if wanted and scene.name not in wanted:
            continue
        svg = self_contained(asyncio.run(draw(scene)))
        if not check:
            save(scene, svg)
            print(f"screenshots/{scene.name}.svg")
        elif is_stale(scene, svg):
            stale += 1
            print(f"screenshots/{scene.name}.svg is out of date: make shots", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
