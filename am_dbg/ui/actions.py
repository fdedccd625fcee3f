"""Everything a person can do, declared once.

Key bindings, the footer, the help screen, the command palette and the documentation are all derived from ``ACTIONS``.
A key is written the way Textual names it; ``am_dbg.ui.keymap`` turns it into what is printed on a keyboard.
"""

from __future__ import annotations

from typing import Final

from am_dbg.ui.action import EVERYWHERE, LOG_ONLY, SIDEWAYS, Action, Group, Pane
from am_dbg.ui.moving_actions import MOVING_ACTIONS

__all__ = ["ACTIONS", "BY_ID", "EVERYWHERE", "THEME_TITLES", "Action", "Group", "Pane", "footer_actions"]

THEME_TITLES: Final = {
    "dark": "dark", "light": "light", "contrast": "high contrast", "ansi": "the sixteen of the terminal",
}  # fmt: skip
"""What people call the themes, in the order in which a key goes through them, and in words."""


def _move(name: str, title: str, description: str, *keys: str, **more: object) -> Action:
    return Action(f"move.{name}", title, description, keys, Group.PANES, f"move_{name}", palette=False, **more)  # type: ignore[arg-type]  # keywords of Action


ACTIONS: Final[tuple[Action, ...]] = (
    *MOVING_ACTIONS,
    _move("up", "Row up", "Move the row cursor up; in the rain, that is the transition before.", "up"),
    _move("down", "Row down", "Move the row cursor down; in the rain, that is the transition after.", "down"),
    _move("page_up", "Page up", "One page up.", "pageup", "alt+p"),
    _move("page_down", "Page down", "One page down.", "pagedown", "alt+n"),
    _move(
        "left", "To the left", "Scroll log or matrix to the left; in the rain, select the state before.", "shift+left",
        where=SIDEWAYS,
    ),
    _move(
        "right", "To the right", "Scroll log or matrix to the right; in the rain, select the state after.",
        "shift+right", where=SIDEWAYS,
    ),
    _move("enter", "Choose", "Select the machine, open or close the state, go to the transition of the row.", "enter"),
    Action(
        "panes.next", "Next pane", "Move the focus to the next pane.", ("tab",), Group.PANES, "next_pane",
        footer="Tab pane", palette=False,
    ),
    Action(
        "panes.previous", "Previous pane", "Move the focus to the pane before.",
        ("shift+tab",), Group.PANES, "previous_pane", palette=False,
    ),
    Action(
        "panes.wider", "Wider pane",
        "Give the focused pane more columns, at the cost of its neighbour. Frames can be dragged with the mouse.",
        ("ctrl+w",), Group.PANES, "widen_pane",
    ),
    Action(
        "panes.narrower", "Narrower pane", "Give the focused pane fewer columns.",
        ("ctrl+n",), Group.PANES, "narrow_pane",
    ),
    Action(
        "panes.reset", "Usual widths of panes", "Undo all changes of the widths of panes.",
        ("ctrl+u",), Group.PANES, "reset_panes",
    ),
    Action(
        "panes.default", "Back to the machines",
        "End a search, leave the steps, clear the selected states, then move the focus to the list of machines.",
        ("escape",), Group.PANES, "escape", palette=False,
    ),
    Action(
        "state.keep", "Keep the state selected",
        "Let it stay selected while the row cursor goes on to others, or let it go again; a click with Ctrl does it "
        "too. Jumps stop at each of the selected states.",
        ("semicolon",), Group.PANES, "keep_state",
    ),
    Action(
        "state.clear", "Select no state", "Clear the selection; Esc does it too.",
        ("backslash",), Group.PANES, "clear_states",
    ),
    Action(
        "machine.next", "Next machine", "Select the machine below, at the same moment.",
        ("ctrl+down",), Group.PANES, "next_machine",
    ),
    Action(
        "machine.remove", "Put the machine away",
        "Take the machine of the row out of the list; the recording keeps it.",
        ("backspace", "alt+d"), Group.PANES, "put_machine_away", where=frozenset({Pane.MACHINES}),
    ),
    Action(
        "machine.bring-back", "Bring a machine back", "List the machine again that was put away last.",
        ("Z", "ctrl+z"), Group.PANES, "bring_machine_back",
    ),
    Action(
        "machine.ended", "Machines that have ended", "List them, or only the connected ones and the selected one.",
        ("number_sign",), Group.PANES, "toggle_ended",
    ),
    Action(
        "machine.previous", "Previous machine", "Select the machine above, at the same moment.",
        ("ctrl+up",), Group.PANES, "previous_machine",
    ),
    Action(
        "machine.detail", "More detail from this machine …",
        "Ask its program to tell more for a while (steps, values of arguments), or less; while it is connected.",
        ("ctrl+d",), Group.PANES, "ask_detail",
    ),
    Action(
        "machine.pin", "Pin or release the machine",
        "Pinned machines stand side by side on top, at the same moment; the log can show all of them together.",
        ("asterisk",), Group.PANES, "toggle_pin",
    ),
    Action(
        "view.next", "Next view",
        "Log, matrix or rain beside the schema, then matrix and rain with all the room, then the log again.",
        ("V", "alt+m"), Group.VIEW, "next_layout", footer="V view",
    ),
    Action("view.log", "Show the log", "Show the log beside the schema.", ("ctrl+g", "f6"), Group.VIEW, "show_log"),
    Action(
        "view.matrix", "Matrix on or off", "Which states the steps of the transition went from and to; again: the log.",
        ("ctrl+x", "f7"), Group.VIEW, "toggle_matrix",
    ),
    Action(
        "view.rain", "Rain on or off", "A line per transition and a column per state; again: the log.",
        ("ctrl+r", "f8", "alt+r"), Group.VIEW, "toggle_rain",
    ),
    Action(
        "view.reader", "Reader on or off",
        "What is pending (waits, contexts, pipes), where the transition came from, and what it led to.",
        ("R", "alt+o"), Group.VIEW, "toggle_reader", footer="R reader",
    ),
    Action(
        "view.untouched", "Untouched states",
        "In matrix and rain, show or hide the states that never had a part in anything.",
        ("U",), Group.VIEW, "toggle_untouched",
    ),
    Action(
        "view.states", "Group and states of the schema …",
        "Show the states of a group only, by its name on every machine that has it; leave out inactive or idle ones.",
        ("ctrl+s",), Group.VIEW, "choose_states",
    ),
    Action(
        "view.inactive", "Inactive states", "In the schema, show or hide states that are inactive at the cursor.",
        ("grave_accent",), Group.VIEW, "toggle_inactive_states",
    ),
    Action(
        "view.idle", "States that never took part",
        "In the schema, show or hide states that were never active and never called.",
        ("ctrl+e",), Group.VIEW, "toggle_idle_states",
    ),
    Action(
        "view.expand", "Expand or collapse all states",
        "Open every state of the schema, or close them all; in the reader its sections.",
        ("E", "alt+e"), Group.VIEW, "toggle_expand",
    ),
    Action(
        "view.lanes", "Activity lanes …",
        "When each state of the machine was active, or when each of the pinned machines did something, over time.",
        ("A",), Group.VIEW, "open_lanes", footer="A lanes",
    ),
    Action(
        "view.error", "Error and traceback …",
        "The whole error of this transition, with its traceback, to read and copy.",
        ("P",), Group.VIEW, "show_error",
    ),
    Action(
        "view.filters", "Filters …", "Choose which kinds of transitions are shown.",
        ("F", "alt+f"), Group.VIEW, "open_filters", footer="F filters",
    ),
    Action(
        "view.all", "Show every transition, or filter as before", "Switch all filters off, and on again.",
        ("equals_sign",), Group.VIEW, "toggle_all_filters",
    ),
    *(
        Action(
            f"view.level-{level}", f"Log level {level}: {name}",
            f"Show log lines of this machine up to level {level} ({name}).",
            (str(level),), Group.VIEW, "set_log_level", argument=level,
        )
        for level, name in enumerate(("nothing", "external", "changes", "ops", "decisions", "everything"))
    ),
    Action(
        "log.scope", "Log of one, pinned or all machines",
        "The log of the selected machine, or one log of the pinned machines, or of all, merged by time.",
        ("m",), Group.LOG, "change_log_scope", where=LOG_ONLY,
    ),
    Action(
        "log.times", "Times in the log",
        "Tell the time wherever the second or the minute changes, before each transition, relative to the cursor, "
        "or not at all.",
        ("t",), Group.LOG, "change_log_times", where=LOG_ONLY,
    ),
    Action(
        "log.wrap", "Wrap log lines", "Let long lines go on in the next row, or end at the edge.",
        ("w",), Group.LOG, "toggle_log_wrap", where=LOG_ONLY,
    ),
    Action(
        "log.traces", "Stack traces in the log",
        "Show the further lines of log entries and errors, or only count them.",
        ("s",), Group.LOG, "toggle_log_traces", where=LOG_ONLY,
    ),
    Action(
        "log.copy", "Copy log lines",
        "Send the whole entry at the row cursor, or the selected rows, to the clipboard of the terminal (OSC 52).",
        ("y",), Group.LOG, "copy_log_line", where=LOG_ONLY,
    ),
    Action(
        "log.select-up", "Select rows upwards",
        "Extend the selected rows by the one above; a click with Shift extends them to a row.",
        ("shift+up",), Group.LOG, "select_row_up", where=LOG_ONLY, palette=False,
    ),
    Action(
        "log.select-down", "Select rows downwards", "Extend the selected rows by the one below.",
        ("shift+down",), Group.LOG, "select_row_down", where=LOG_ONLY, palette=False,
    ),
    Action(
        "view.theme", "Other colours", "The next theme: dark, light, high contrast, the sixteen of the terminal.",
        ("ctrl+t", "f9"), Group.VIEW, "next_theme",
    ),
    *(
        Action(
            f"view.theme-{name}", f"Colours: {title}", f"Use the theme {name}.",
            (), Group.VIEW, "set_theme", argument=place,
        )
        for place, (name, title) in enumerate(THEME_TITLES.items())
    ),
    Action(
        "app.sessions", "Sessions …",
        "List the recorded sessions: look at another one, rename or delete one, import a recording.",
        ("ctrl+o",), Group.APP, "list_sessions", footer="^O sessions",
    ),
    Action(
        "app.trouble", "What is wrong with the recording …",
        "What is not stored, was lost or came incomplete, and what to do about it; a click on ✕ or ⚠ opens it too.",
        ("ctrl+k",), Group.APP, "show_trouble",
    ),
    Action(
        "app.export", "Export …",
        "Write the session, or some machines or a time of it, into a file, with values blanked out if need be.",
        ("X", "alt+s"), Group.APP, "open_export",
    ),
    Action(
        "app.help", "Help", "Explain the keys and signs of the screen.", ("question_mark", "f1"),
        Group.APP, "open_help", footer="? help",
    ),
    Action(
        "app.menu", "Menu of the row",
        "What can be done with the row under the cursor, with keys; a click with the right button does it too.",
        ("vertical_line",), Group.APP, "open_menu_at_cursor", palette=False,
    ),
    Action(
        "app.palette", "Command palette", "Search for anything: commands, machines, states.",
        ("ctrl+p", "colon"), Group.APP, "open_palette", footer=": palette", palette=False,
    ),
    Action("app.quit", "Quit", "Leave; what was recorded stays in the session file.", ("ctrl+q",), Group.APP, "quit"),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}


def footer_actions() -> list[Action]:
    """The actions named in the footer, most important first."""
    order = (
        "app.help", "time.previous", "jump.back", "jump.next-problem", "panes.next", "jump.find", "app.palette",
        "view.filters", "jump.problems", "step.previous", "step.inspect", "time.tail", "jump.causes",
        "view.next", "view.reader", "jump.history-back", "time.play", "jump.goto",
    )  # fmt: skip
    return [BY_ID[name] for name in order]
