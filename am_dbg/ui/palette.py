"""The command palette: every action with its key, every machine, every state of the selected machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from am_dbg.ui.actions import ACTIONS
from am_dbg.ui.keymap import printed_keys
from am_dbg.viewmodels.spans import clean

if TYPE_CHECKING:
    from textual.app import App

    from am_dbg.ui.app import DebuggerApp

MAX_HITS: Final = 100
"""Hits of one kind that are worth showing; more letters narrow them down."""


class _Command(NamedTuple):
    name: str
    help: str
    run: Callable[[], None]


class _Commands(Provider):
    """Matches what its subclass offers."""

    @property
    def debugger(self) -> DebuggerApp:
        """The app this palette belongs to."""
        return cast("DebuggerApp", self.app)

    def commands(self) -> Iterator[_Command]:
        """What there is to choose from. Names are text from outside, already cleaned."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        for command in _first(self.commands()):
            yield DiscoveryHit(Content(command.name), command.run, text=command.name, help=command.help or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        found = ((matcher.match(command.name), command) for command in self.commands())
        best = sorted(((score, c) for score, c in found if score > 0), key=lambda pair: (-pair[0], pair[1].name))
        for score, command in best[:MAX_HITS]:
            yield Hit(score, Content(command.name), command.run, text=command.name, help=command.help or None)


class ActionProvider(_Commands):
    """The actions of the registry."""

    def commands(self) -> Iterator[_Command]:
        app = self.debugger
        for action in ACTIONS:
            if action.palette:
                yield _Command(
                    action.title,
                    f"{printed_keys(action)}   {action.description}",
                    lambda action=action: app.run_action_by_id(action.id),  # type: ignore[misc]  # bound at once
                )


class MachineProvider(_Commands):
    """All machine runs."""

    def commands(self) -> Iterator[_Command]:
        app = self.debugger
        for listed in app.session.order:

            def select(machine_id: int = listed.machine_id) -> None:
                app.session.select_machine(machine_id)
                app.main.paint_soon()

            yield _Command(clean(listed.label, 80), "machine", select)


class StateProvider(_Commands):
    """The states of the selected machine."""

    def commands(self) -> Iterator[_Command]:
        app = self.debugger
        timeline = app.session.timeline
        for name in timeline.schema.names if timeline is not None else ():

            def select(name: str = name) -> None:
                app.session.select_state(name)
                app.main.paint_soon()

            yield _Command(clean(name, 80), "state of this machine", select)


def open_palette(app: App[Any]) -> None:
    """Everything: actions, machines, states."""
    providers = [ActionProvider, MachineProvider, StateProvider]
    app.push_screen(CommandPalette(providers, placeholder="A command, a machine or a state …"))


def open_finder(app: App[Any]) -> None:
    """The palette with names only: machines and states."""
    app.push_screen(CommandPalette([MachineProvider, StateProvider], placeholder="A machine or a state …"))


def _first(commands: Iterator[_Command]) -> Iterator[_Command]:
    for count, command in enumerate(commands):
        if count >= MAX_HITS:
            return
        yield command
