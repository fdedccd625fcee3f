"""The options of everything that opens the user interface, and opening it as the user wants it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from am_dbg.config.declarations import THEMES, VIEWS

if TYPE_CHECKING:
    from am_dbg.config.resolving import Config
    from am_dbg.session import Session
    from am_dbg.ui.app import DebuggerApp
    from am_dbg.ui.keymap import Keymap
    from am_dbg.ui.remembered import Remembered

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-v", "--view", type=click.Choice(VIEWS), help="What stands beside the machines.  [default: as it was left]"
    ),
    click.option("--theme", type=click.Choice(THEMES), help="Colours.  [default: as they were left]"),
    click.option("-r", "--reader/--no-reader", default=None, help="Show the reader.  [default: where there is room]"),
    click.option("--mouse/--no-mouse", default=True, help="Use the mouse; without, the terminal selects text."),
    click.option("--enable-mouse", is_flag=True, hidden=True, help="As --mouse, which is the default."),
    click.option(
        "-c", "--select-connected", is_flag=True, help="Select a new machine when it is the only connected one."
    ),
    click.option("--client-list", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Keep a text file with the ids of the machines."),
    click.option("--fresh", is_flag=True, help="Forget how the debugger was left, for this time."),
)  # fmt: skip


def view_options(command: Command) -> Command:
    """Add the options, which :func:`read_view_options` understands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How the debugger is to look."""

    keymap: Keymap
    view: str | None = None
    """None: as it was left; likewise the following."""
    theme: str | None = None
    log_level: int | None = None
    reader: bool | None = None
    mouse: bool = True
    select_connected: bool = False
    client_list: Path | None = None
    remember: bool = True
    fresh: bool = False
    notices: tuple[str, ...] = ()
    """What to tell the user at the start."""
    polled: Sequence[Callable[[], object]] = field(default=())
    """Called often while the debugger is open."""


def config_of_command() -> Config:
    """The settings that this run of the command line goes by."""
    from am_dbg.config.resolving import Config, load

    found = click.get_current_context().find_root().obj
    return found if isinstance(found, Config) else load()


def read_view_options(values: dict[str, Any]) -> ViewOptions:
    """Take the options of :func:`view_options` out of the parameters of a command."""
    from am_dbg.config.key_settings import own_keys
    from am_dbg.ui.keymap import build_keymap

    config = config_of_command()
    keymap, key_problems = build_keymap(config.value("keys.profile"), own_keys(config.file))
    count = len(config.problems) + len(key_problems)
    notices = [f"{count} problem{'s' if count > 1 else ''} in the settings: am-dbg config check"] if count else []
    values.pop("enable_mouse")
    return ViewOptions(
        keymap=keymap,
        view=values.pop("view"),
        theme=values.pop("theme"),
        log_level=config.value("ui.log_level"),
        reader=values.pop("reader"),
        mouse=values.pop("mouse"),
        select_connected=values.pop("select_connected"),
        client_list=values.pop("client_list"),
        remember=config.value("ui.remember"),
        fresh=values.pop("fresh"),
        notices=tuple(notices),
    )


def show(session: Session, options: ViewOptions, **more: Any) -> Path | None:
    """Open the user interface until it is closed. Returns the session file to look at next, None to leave.

    Args:
        session: what is looked at.
        options: how.
        more: further arguments of the app.
    """
    from am_dbg.ui.app import DebuggerApp
    from am_dbg.ui.remembered import Remembered, keep, recall, remembered_path

    path = remembered_path()
    remembered, notice = recall(path) if options.remember and not options.fresh else (None, "")
    remembered = remembered or Remembered()
    remembered.apply(session)
    _apply(session, options)
    colors = _colors(options, remembered.theme)
    app = DebuggerApp(session, keys=options.keymap, colors=colors, polled=_polled(session, options), **more)
    notices = [*options.notices, *([notice] if notice else [])]
    if notices:
        session.say(" · ".join(notices))
    wanted = app.run(mouse=options.mouse)
    if options.remember and (problem := keep(path, Remembered.of(session, _theme(app, options, remembered)))):
        click.echo(f"am-dbg: {problem}", err=True)
    return wanted


def colors_of(options: ViewOptions) -> str:
    """Name of the theme to begin with."""
    from am_dbg.ui.remembered import Remembered, recall, remembered_path

    remembered = recall(remembered_path())[0] if options.remember and not options.fresh else None
    return _colors(options, (remembered or Remembered()).theme)


def _colors(options: ViewOptions, remembered: str) -> str:
    from am_dbg.ui.themes import NAMES, fitting

    return NAMES[options.theme] if options.theme is not None else fitting(remembered, os.environ)


def _theme(app: DebuggerApp, options: ViewOptions, remembered: Remembered) -> str:
    """Colours that were chosen. Those that a terminal can do no better than were not."""
    from am_dbg.ui.themes import PLAIN

    begun_with = options.theme is None and app.theme == _colors(options, remembered.theme)
    return remembered.theme if app.theme == PLAIN or begun_with else app.theme


def _apply(session: Session, options: ViewOptions) -> None:
    from am_dbg.session.layout import Layout

    if options.view is not None:
        session.layout = Layout(options.view)
    if options.log_level is not None:
        session.filters = session.filters.with_level(options.log_level)
    if options.reader is not None:
        session.reader = options.reader


def _polled(session: Session, options: ViewOptions) -> list[Callable[[], object]]:
    calls = list(options.polled)
    if options.select_connected:
        calls.append(SelectConnected(session))
    if options.client_list is not None:
        calls.append(ClientList(session, options.client_list))
    return calls


class SelectConnected:
    """Selects a new machine when it is the only connected one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known = len(session.recording.machines)

    def __call__(self) -> None:
        machines = self._session.recording.machines
        fresh, self._known = machines[self._known :], len(machines)
        if fresh:
            connected = [machine.id for machine in machines if machine.connected]
            if len(connected) == 1 and connected[0] in {machine.id for machine in fresh}:
                self._session.select_machine(connected[0])


class ClientList:
    """Keeps a text file with the ids of the machines, one a line, the connected ones marked."""

    def __init__(self, session: Session, path: Path) -> None:
        self._session = session
        self._path = path
        self._version = -1
        self._text = ""
        self._failed = False

    def __call__(self) -> None:
        recording = self._session.recording
        if recording.version == self._version or self._failed:
            return
        self._version = recording.version
        text = "".join(_client_lines(self._session))
        if text == self._text:
            return
        try:
            self._path.write_text(text, "utf-8", errors="backslashreplace")
        except OSError as error:
            self._failed = True  # told once; the debugger goes on
            self._session.say(f"{self._path} cannot be written: {error.strerror or error}")
        self._text = text


def _client_lines(session: Session) -> Iterable[str]:
    from am_dbg.viewmodels.spans import clean

    for listed in session.order:
        machine = session.record(listed.machine_id)
        yield f"{'+' if machine.connected else '-'} {clean(listed.label, 1_000)}\n"
