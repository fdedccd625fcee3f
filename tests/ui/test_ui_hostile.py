"""Text from outside is text: it never styles, moves or clears anything, in no pane."""

from __future__ import annotations

import re

import pytest

from tests.support.memory_recording import MemoryRecording
from tests.ui.conftest import Screen
from tests.ui.recordings import HOSTILE_NAMES, hostile

# What the app itself sends: cursor moves, styles, modes, its own title, keyboard protocol.
_OURS = re.compile(rb"\x1b\[[0-9;?<>$]*[A-Za-z]|\x1b\]22;[a-z]+\x07|\x1b\]2;am-dbg[^\x1b\x07]*\x1b\\|\r?\n")


def foreign_sequences(received: bytes) -> bytes:
    """What is left of the control characters after taking out our own sequences."""
    return bytes(byte for byte in _OURS.sub(b"", received) if byte < 0x20 or byte == 0x7F)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_names_and_logs_are_shown_harmlessly_in_every_pane(screen: Screen, size: tuple[int, int]) -> None:
    async with screen(hostile(), size) as user:
        user.press("5", "E")
        for _ in HOSTILE_NAMES:
            user.press("right", "right", "J", "ctrl+down")
            await user.settled(0.05)
        user.press("tab", "down", "down", "tab", "shift+right", "down", "down", "enter")
        await user.settled()
        text = user.terminal.text
        assert "pwned" not in user.terminal.screen.title
        assert text.count("│") + text.count("┃") > size[1], "the frames are still there"
        received = bytes(user.terminal.received)
        assert foreign_sequences(received) == b""
        for invisible in ("\u202e", "\u200b", "\x9b"):
            assert invisible.encode() not in received


async def test_markup_is_shown_as_it_was_written(screen: Screen) -> None:
    async with screen(hostile(), (160, 50)) as user:
        await user.sees("[red]danger[/red]")
        user.press("F")
        await user.sees("Show")
        user.press("escape")
        await user.not_sees("Space next")
        user.press(":")
        await user.sees("A command, a machine")
        user.type("danger")
        await user.sees("[red]danger[/red]")


async def test_hostile_messages_in_dialogs_and_footer_stay_text(screen: Screen) -> None:
    async with screen(hostile(), (120, 30), failure=lambda: "[red]\x1b[2J\u202edisk") as user:
        await user.sees("✕ ", "[red]␛[2J")
        user.press("@")
        await user.sees("Go to")
        user.type("[blink]x[/blink]").press("enter")
        await user.sees("[blink]")
        assert foreign_sequences(bytes(user.terminal.received)) == b""


async def test_rows_of_wide_characters_keep_their_width(screen: Screen) -> None:
    recording = MemoryRecording()
    machine = recording.machine("漢" * 100, ["Exception", "字" * 50])
    machine.add("字" * 50)
    async with screen(recording, (100, 30)) as user:
        await user.sees("漢")
        for y in range(1, 25):
            row = user.terminal.screen.buffer[y]
            assert row[99].data in "│╮╯┃┓┛█", f"row {y} ends with {row[99].data!r}"
