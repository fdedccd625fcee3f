"""What the context menu of each pane offers: actions of the registry, most wanted first."""

from __future__ import annotations

from typing import Final

from am_dbg.ui.actions import BY_ID, Action, Pane

_MOMENT: Final = (
    "jump.cause",
    "view.error",
    "step.inspect",
    "mark.bookmark",
    "mark.set",
    "jump.copy-address",
    "jump.history-back",
)
_MACHINE: Final = ("move.enter", "machine.pin", "machine.detail", "machine.remove", "machine.ended", "jump.problems")
_STATE: Final = (
    "jump.back",
    "jump.forward",
    "jump.back-active",
    "jump.forward-active",
    "state.keep",
    "state.clear",
    "view.states",
)

MENUS: Final[dict[Pane, tuple[str, ...]]] = {
    Pane.MACHINES: (*_MACHINE, "jump.copy-address", "app.export"),
    Pane.PINNED: ("move.enter", "machine.pin", "app.export"),
    Pane.SCHEMA: ("move.enter", *_STATE, "view.expand", "jump.find"),
    Pane.LOG: ("log.copy", *_MOMENT, "jump.find", "log.wrap", "log.traces", "log.times", "log.scope"),
    Pane.MATRIX: ("view.untouched", "step.inspect", *_STATE),
    Pane.RAIN: (*_MOMENT, *_STATE, "view.untouched"),
    Pane.READER: ("move.enter", "view.expand", *_MOMENT),
    Pane.STEPS: ("step.previous", "step.next", "step.inspect", "step.order", "time.play"),
    Pane.STRIP: ("time.play", "time.tail", "time.first", "time.last", "jump.goto", *_MOMENT, "view.filters"),
}


def menu_of(pane: Pane) -> tuple[Action, ...]:
    """The actions of a pane's menu, in order."""
    return tuple(BY_ID[name] for name in MENUS[pane])
