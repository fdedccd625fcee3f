"""The driver for byte streams: what goes to the far end, what may come from it, and what is left when it is over."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from am_dbg.remote import _textual
from am_dbg.remote.colors import downgrade
from am_dbg.remote.driver import RemoteApp
from am_dbg.remote.pen import Pen
from am_dbg.remote.terminal import MAX_SIZE, clamp, color_system_of
from tests.ui.terminal_user import Emulator, at_terminal


class _Probe(App[None]):
    CSS = "Static { color: #ff8800; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static("hello", id="text")

    def on_key(self, event: object) -> None:
        self.keys.append(event.key)  # type: ignore[attr-defined]  # a Key event
        self.query_one("#text", Static).update(" ".join(self.keys[-4:]))


class _Typing(App[None]):
    def compose(self) -> ComposeResult:
        yield Input()


async def test_a_lone_escape_arrives_after_the_escape_delay() -> None:
    async with at_terminal(_Probe()) as user:
        await user.sees("hello")
        user.press("escape")
        await user.sees("escape")


async def test_keys_typed_before_the_app_is_ready_are_not_lost() -> None:
    app, terminal = _Probe(), Emulator((40, 10))
    remote = RemoteApp(app, terminal)
    remote.feed(b"x")
    task = asyncio.ensure_future(remote.run())
    while "x" not in app.keys:
        await asyncio.sleep(0.01)
    app.exit()
    await task


async def test_the_terminal_is_restored_at_the_end() -> None:
    terminal = Emulator((40, 10))
    app = _Probe()
    task = asyncio.ensure_future(RemoteApp(app, terminal).run())
    while not terminal.text.strip():
        await asyncio.sleep(0.01)
    app.exit()
    assert await task == 0
    for mode in (b"?1049", b"?1000", b"?1003", b"?1006", b"?2004"):
        on, off = terminal.received.find(b"\x1b[" + mode + b"h"), terminal.received.rfind(b"\x1b[" + mode + b"l")
        assert 0 <= on < off, mode
    assert terminal.received.rstrip().endswith(b"\x1b[?25h")


async def test_a_crash_is_reported_to_its_own_terminal_after_the_screen_is_restored() -> None:
    class Crashing(_Probe):
        def on_key(self, event: object) -> None:
            raise RuntimeError("that key is too much")

    terminal = Emulator((80, 24))
    remote = RemoteApp(Crashing(), terminal)
    task = asyncio.ensure_future(remote.run())
    while not terminal.text.strip():
        await asyncio.sleep(0.01)
    remote.feed(b"x")
    assert await asyncio.wait_for(task, 10) == 1
    report = bytes(terminal.received).rpartition(b"\x1b[?25h")[2]
    assert b"that key is too much" in report


async def test_apps_ending_in_another_order_leave_the_standard_streams_alone() -> None:
    streams = (sys.stdout, sys.stderr)
    async with at_terminal(_Probe()) as first:
        second = RemoteApp(_Probe(), Emulator((40, 10)))
        task = asyncio.ensure_future(second.run())
        while not second.terminal.text.strip():  # type: ignore[attr-defined]  # an Emulator
            await asyncio.sleep(0.01)
        first.app.exit()
        await first.until("the end of the first", lambda: not first.app.is_running)
        second.app.exit()
        await task
    assert (sys.stdout, sys.stderr) == streams


async def test_a_closed_app_is_not_kept_in_memory() -> None:
    async def one_visit() -> weakref.ref[App[None]]:
        async with at_terminal(_Probe()) as user:
            user.press("a", "escape", "\x1b[97;1u")
            await user.sees("a")
            return weakref.ref(user.app)

    gone = await one_visit()
    for _ in range(50):
        gc.collect()
        if gone() is None:
            break
        await asyncio.sleep(0.01)
    assert gone() is None


@pytest.mark.parametrize(
    "attack",
    [
        b"\x1b[97;1;99999999999u",
        b"\x1b[<0;99999999999;5M",
        b"\x1b[48;200;500;2000;5000t",
        b"\x1b[<0;0;0M",
        b"\xff\xfe\x80",
    ],
    ids=["huge code point", "click far away", "resize report", "click at nought", "broken utf-8"],
)
async def test_hostile_input_is_dropped_and_the_next_key_works(attack: bytes) -> None:
    async with at_terminal(_Probe(), (100, 20)) as user:
        await user.sees("hello")
        user.remote.feed(attack)
        user.press("z")
        await user.sees("z")
        assert user.app.size == (100, 20)


async def test_an_endless_paste_is_given_up() -> None:
    async with at_terminal(_Typing()) as user:
        await user.settled()
        user.remote.feed(b"\x1b[200~")
        for _ in range(11):
            user.remote.feed(b"x" * 100_000)
        user.press("y", "z")
        await user.sees("yz")


async def test_resizing_follows_the_transport_within_limits() -> None:
    async with at_terminal(_Probe(), (60, 20)) as user:
        await user.sees("hello")
        user.resize(100, 30)
        await user.until("the new size", lambda: user.app.size == (100, 30))
        user.remote.resize(100_000, 100_000)
        await user.until("the largest size", lambda: user.app.size == MAX_SIZE)


async def test_nothing_is_painted_for_a_slow_far_end_until_it_has_caught_up() -> None:
    async with at_terminal(_Probe()) as user:
        await user.sees("hello")
        await user.settled()
        driver = user.remote.driver
        assert driver is not None
        driver.pause()
        written = len(user.terminal.received)
        user.press("a", "b", "c")
        await user.until("the keys to arrive", lambda: user.app.keys[-3:] == ["a", "b", "c"])
        await user.settled()
        assert len(user.terminal.received) - written < 100
        driver.resume()
        await user.sees("a b c")


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\x1b[", b"\x1b[<0;1;1M", b"\x1b[200~", b"\x1b]", b"\x1b"])))
@settings(max_examples=60)
def test_the_input_parser_survives_any_bytes(chunks: list[bytes]) -> None:
    parser = _textual.InputParser()
    for chunk in chunks:
        parser.feed(chunk.decode("utf-8", "replace"))
        parser.tick()
    parser.reset()
    assert [message.key for message in parser.feed("q")] == ["q"]  # type: ignore[attr-defined]  # a Key event


def test_colors_become_the_nearest_ones_a_terminal_has() -> None:
    red = b"\x1b[1;38;2;255;0;0;48;2;0;0;0mX\x1b[0m"
    assert downgrade(red, "truecolor") == red
    assert downgrade(red, "256") == b"\x1b[1;38;5;196;48;5;16mX\x1b[0m"
    assert downgrade(red, "standard") == b"\x1b[1;91;40mX\x1b[0m"
    assert downgrade(red, "none") == b"\x1b[1mX\x1b[0m"
    assert downgrade(b"\x1b[38;2;1;2;3mX", "none") == b"X"


async def test_a_terminal_without_colors_receives_none() -> None:
    async with at_terminal(_Probe(), color_system="none") as user:
        await user.sees("hello")
        assert not re.search(rb"\x1b\[[0-9;]*\b[34]8;[0-9;]*m", bytes(user.terminal.received))


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_downgrading_touches_nothing_but_color_sequences(data: bytes) -> None:
    bare = re.sub(rb"\x1b\[[0-9;]*m", b"", data)
    for system in ("256", "standard", "none"):
        assert re.sub(rb"\x1b\[[0-9;]*m", b"", downgrade(data, system)) == bare  # type: ignore[arg-type]  # a literal


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm"}, "standard"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
    ],
)
def test_the_environment_of_the_client_decides_its_colors(environment: dict[str, str], expected: str) -> None:
    assert color_system_of(environment) == expected


def test_sizes_are_clamped() -> None:
    assert clamp(0, -5) == (1, 1)
    assert clamp(10**9, 10**9) == MAX_SIZE


class TestPrivateNames:
    """Canaries: when one of these fails, Textual has changed and ``am_dbg/remote/_textual.py`` must follow."""

    def test_the_parser_has_the_methods_that_are_used(self) -> None:
        from textual._xterm_parser import XTermParser

        parser = XTermParser()
        assert [message.key for message in parser.feed("a")] == ["a"]  # type: ignore[attr-defined]  # a Key event
        assert list(parser.tick()) == []
        assert parser.is_eof is False

    async def test_the_app_has_the_attributes_that_are_replaced(self) -> None:
        app = _Probe()
        for name in ("console", "error_console", "_capture_stdout", "_capture_stderr", "driver_class", "_driver"):
            assert hasattr(app, name), name


_STYLES = st.builds(
    Style,
    color=st.sampled_from([None, "#ff0000", "#00ff00"]),
    bgcolor=st.sampled_from([None, "#0000ff"]),
    bold=st.sampled_from([None, True]),
    dim=st.sampled_from([None, True]),
    underline=st.sampled_from([None, True]),
    reverse=st.sampled_from([None, True]),
)


@given(st.lists(st.tuples(st.sampled_from(["a", "bc", " ", "   ", "x y"]), st.none() | _STYLES), max_size=12))
@settings(max_examples=150)
def test_a_pen_draws_the_same_as_styles_spelled_out_in_full(pieces: list[tuple[str, Style | None]]) -> None:
    pen = Pen()
    short, full = Emulator((60, 2)), Emulator((60, 2))
    short.write(("".join(pen.write(text, style) for text, style in pieces) + pen.lift()).encode())
    spelled = (style.render(text, color_system=ColorSystem.TRUECOLOR) if style else text for text, style in pieces)
    full.write("".join(spelled).encode())
    for column in range(60):
        one, other = short.screen.buffer[0][column], full.screen.buffer[0][column]
        if one.data == " " and not (one.reverse or other.reverse or one.underscore or other.underscore):
            assert (one.data, one.bg) == (other.data, other.bg)
        else:
            assert one == other
    assert short.screen.cursor.attrs == full.screen.cursor.attrs
