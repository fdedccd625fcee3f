"""No sequence of keys, clicks or bytes ends the app."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.ui.conftest import Screen
from tests.ui.recordings import hostile, shop
from tests.ui.terminal_user import KEYS

_TYPED = [
    *(name for name in KEYS if name != "ctrl+q"),
    *"VVUHLJKTEF012345,.?@/:azn-_xrq#",
    "\x1b[<0;40;20M\x1b[<0;40;20m", "\x1b[<0;5;5M", "\x1b[<32;60;37M", "\x1b[<0;60;37m", "\x1b[<65;50;10M",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
async def test_random_keys_leave_the_app_alive(screen: Screen, seed: int) -> None:
    rng = random.Random(seed)
    async with screen(hostile() if seed == 1 else shop(), rng.choice([(80, 24), (120, 40), (60, 16)])) as user:
        for step in range(160):
            user.press(rng.choice(_TYPED))
            if step % 20 == 0:
                await asyncio.sleep(0.005)
            if step % 50 == 25:
                user.resize(rng.randint(5, 180), rng.randint(3, 60))
        await user.settled()
        assert user.app.is_running
        assert " failed: " not in user.terminal.text
        user.resize(120, 40)
        while user.app.screen is not user.app.main:
            user.press("escape")
            await user.settled()
        user.press("f6")
        await user.sees("Machines", "Schema", "Log")


async def test_random_bytes_leave_the_app_alive(screen: Screen) -> None:
    rng = random.Random(5)
    pieces = [
        b"\x1b[",
        b"\x1b]",
        b"\x1b[<",
        b"\x1b[200~",
        b"\x1b[201~",
        b"9999999999",
        b";",
        b"M",
        b"u",
        b"\xff",
        b"\x00",
    ]
    async with screen() as user:
        for step in range(200):
            data = b"".join(rng.choice(pieces) for _ in range(rng.randint(1, 8))) + rng.randbytes(rng.randint(0, 6))
            user.remote.feed(data.replace(b"\x11", b"").replace(b"\x03", b""))
            if step % 50 == 0:
                await asyncio.sleep(0.005)
        await user.settled()
        assert user.app.is_running
