"""The debugger on an emulated terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from am_dbg.remote.terminal import ColorSystem
from am_dbg.session import Session
from am_dbg.session.finding import TextIndex
from am_dbg.ui.app import DebuggerApp
from am_telemetry.store.reading import Recording
from tests.ui.recordings import shop
from tests.ui.terminal_user import User, at_terminal

Screen = Callable[..., AbstractAsyncContextManager[User]]


@pytest.fixture
def screen() -> Screen:
    """``async with screen(recording, size, live=…, machine=…) as user``; by default the shop at 120×40."""

    @asynccontextmanager
    async def opened(
        recording: Recording | None = None,
        size: tuple[int, int] = (120, 40),
        *,
        live: bool = False,
        listen: str | None = None,
        machine: str = "",
        color_system: ColorSystem = "truecolor",
        failure: Callable[[], str] | None = None,
        open_index: Callable[[], TextIndex] | None = None,
    ) -> AsyncIterator[User]:
        session = Session(shop() if recording is None else recording, live=live)
        if machine:
            session.select_machine(next(listed.machine_id for listed in session.order if listed.label == machine))
        app = DebuggerApp(session, listen=listen, failure=failure, plain=color_system == "none", open_index=open_index)
        async with at_terminal(app, size, color_system) as user:
            await user.settled(0.05)
            yield user

    return opened
