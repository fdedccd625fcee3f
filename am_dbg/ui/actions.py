"""Everything a person can do, declared once.

Key bindings, the footer, the help screen, the command palette and the documentation are all derived from ``ACTIONS``.
A key is written the way Textual names it; ``am_dbg.ui.keymap`` turns it into what is printed on a keyboard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Pane(StrEnum):
    """Where the keyboard focus can be. The value is the widget's id."""

    MACHINES = "machines"
    SCHEMA = "schema"
    LOG = "log"
    MATRIX = "matrix"
    RAIN = "rain"
    READER = "reader"
    STRIP = "strip"
    STEPS = "step-strip"
    PINNED = "pinned"


class Group(StrEnum):
    """Headings of the help screen, in order."""

    TIME = "Move in time"
    STEPS = "Inside a transition"
    JUMP = "Jump"
    MARKS = "Bookmarks and differences"
    PANES = "Panes and lists"
    VIEW = "What is shown"
    LOG = "The log"
    APP = "Application"


SIDEWAYS: Final = frozenset({Pane.LOG, Pane.MATRIX, Pane.RAIN, Pane.READER})
LOG_ONLY: Final = frozenset({Pane.LOG})
LISTS: Final = frozenset({Pane.MACHINES, Pane.SCHEMA})
EVERYWHERE: Final[frozenset[Pane]] = frozenset(Pane)
THEME_TITLES: Final = {
    "dark": "dark", "light": "light", "contrast": "high contrast", "ansi": "the sixteen of the terminal",
}  # fmt: skip
"""What people call the themes, in the order in which a key goes through them, and in words."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    id: str
    """Stable name, ``group.verb``; user key maps refer to it."""
    title: str
    """A few words, as the palette shows them."""
    description: str
    """One sentence for the help screen and the documentation."""
    keys: tuple[str, ...]
    """Default keys; all of them work."""
    group: Group
    handler: str
    """Name of the method of ``Controller`` that does it."""
    where: frozenset[Pane] = EVERYWHERE
    """Panes in which the keys work."""
    footer: str = ""
    """Key and label in the footer, apart by a space; empty to leave it out."""
    partner: str = ""
    """Id of the action to which the second of two keys in the footer belongs."""
    argument: int | None = None
    """Passed to the handler when present."""
    palette: bool = True
    """Whether the palette lists it; moves inside a list would be noise there."""


def _move(name: str, title: str, description: str, *keys: str, **more: object) -> Action:
    return Action(f"move.{name}", title, description, keys, Group.PANES, f"move_{name}", palette=False, **more)  # type: ignore[arg-type]  # keywords of Action


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "time.previous", "Previous transition", "Step back to the transition before, among those that are shown.",
        ("left", "comma"), Group.TIME, "previous_transition", footer="←→ move", partner="time.next",
    ),
    Action(
        "time.next", "Next transition", "Step forward to the transition after, among those that are shown.",
        ("right", "full_stop"), Group.TIME, "next_transition",
    ),
    Action(
        "time.first", "Initial structure", "Go to the moment before the first transition.",
        ("home",), Group.TIME, "first_transition",
    ),
    Action(
        "time.last", "Last transition", "Go to the newest transition that is shown.",
        ("end",), Group.TIME, "last_transition",
    ),
    Action(
        "time.play", "Play or pause",
        "Step forward by itself until the end or a key: two transitions a second, or as + - ~ say.",
        ("space",), Group.TIME, "toggle_play", footer="Space play",
    ),
    Action(
        "time.faster", "Play faster", "The next of the speeds up to a hundred times.", ("plus",), Group.TIME,
        "play_faster",
    ),
    Action(
        "time.slower", "Play slower", "The next of the speeds down to a tenth.", ("minus",), Group.TIME, "play_slower",
    ),
    Action(
        "time.real", "Play in real time", "Play with the gaps between transitions as they were, or evenly again.",
        ("tilde",), Group.TIME, "toggle_real_time",
    ),
    Action(
        "time.lock", "Lock the moment",
        "Look around on machines without leaving the moment that all panes show; selecting a machine leads back to it.",
        ("G",), Group.TIME, "toggle_lock",
    ),
    Action(
        "time.tail", "Follow the newest", "Stay at the end while new transitions arrive; any move by hand ends it.",
        ("T", "alt+v"), Group.TIME, "toggle_tail", footer="T tail",
    ),
    Action(
        "step.previous", "Previous step",
        "Undo a step; before the first step of a transition, go to the last one of the transition before.",
        ("less_than_sign", "alt+j"), Group.STEPS, "previous_step", footer="<> step", partner="step.next",
    ),
    Action(
        "step.next", "Next step",
        "One step into the next transition: what was called, what relations did, which handlers ran. "
        "After its last step, go to that transition.",
        ("greater_than_sign", "alt+k"), Group.STEPS, "next_step",
    ),
    Action(
        "step.inspect", "Steps …", "All steps of the transition as a table, and why it was refused; Enter goes to one.",
        ("I",), Group.STEPS, "inspect_steps", footer="I steps",
    ),
    Action(
        "step.order", "Touched states first",
        "While stepping, show the states that take part on top, or where they always are.",
        ("O",), Group.STEPS, "toggle_touched_first",
    ),
    Action(
        "jump.back", "Jump back",
        "With selected states: the last transition before that added, removed or called one. Otherwise 50 back.",
        ("H", "alt+h", "alt+left"), Group.JUMP, "jump_back", footer="H/L jump", partner="jump.forward",
    ),
    Action(
        "jump.forward", "Jump forward",
        "With selected states: the next transition that adds, removes or calls one. Otherwise 50 forward.",
        ("L", "alt+l", "alt+right"), Group.JUMP, "jump_forward",
    ),
    Action(
        "jump.back-active", "Back to where it became active",
        "The last transition before in which a selected state became active.",
        ("circumflex_accent", "ctrl+left"), Group.JUMP, "jump_back_to_activation",
    ),
    Action(
        "jump.forward-active", "Forward to where it becomes active",
        "The next transition in which a selected state becomes active.",
        ("ampersand", "ctrl+right"), Group.JUMP, "jump_forward_to_activation",
    ),
    Action(
        "jump.back-touched", "Back to where it took part",
        "The last transition before with a step that is about a selected state, even if nothing came of it.",
        ("dollar_sign",), Group.JUMP, "jump_back_to_touch",
    ),
    Action(
        "jump.forward-touched", "Forward to where it takes part",
        "The next transition with a step that is about a selected state, even if nothing comes of it.",
        ("percent_sign",), Group.JUMP, "jump_forward_to_touch",
    ),
    Action(
        "jump.next-problem", "Next problem", "The next error, cancellation or broken transition of this machine.",
        ("J",), Group.JUMP, "next_problem", footer="J/K problem", partner="jump.previous-problem",
    ),
    Action(
        "jump.previous-problem", "Previous problem", "The error, cancellation or broken transition before.",
        ("K",), Group.JUMP, "previous_problem",
    ),
    Action(
        "jump.problems", "Problems …", "Everything that went wrong on all machines, newest first; Enter goes there.",
        ("exclamation_mark",), Group.JUMP, "list_problems", footer="! problems",
    ),
    Action(
        "jump.why", "Why, or why not? …",
        "Why the selected state is active or not at this moment: who asked for it, and what refused.",
        ("W",), Group.JUMP, "explain", footer="W why",
    ),
    Action(
        "jump.causes", "Causes and effects …",
        "The chain of causes up to the first one, and what the transition led to, on all machines; Enter goes there.",
        ("C",), Group.JUMP, "show_causes", footer="C cause",
    ),
    Action(
        "jump.cause", "Go to the cause",
        "The transition, often of another machine, that caused this one; its name stands after ← in the line.",
        ("quotation_mark",), Group.JUMP, "go_to_cause",
    ),
    Action(
        "jump.history-back", "Back to where you were", "Return to where the last jump started, as in a browser.",
        ("left_square_bracket",), Group.JUMP, "go_back", footer="[] back", partner="jump.history-forward",
    ),
    Action(
        "jump.history-forward", "Forward again", "Undo a step back.",
        ("right_square_bracket",), Group.JUMP, "go_forward",
    ),
    Action(
        "jump.machine-back", "Back to another machine", "Return to the last place on another machine.",
        ("left_curly_bracket",), Group.JUMP, "go_back_elsewhere",
    ),
    Action(
        "jump.machine-forward", "Forward to another machine", "Go on to the next place on another machine.",
        ("right_curly_bracket",), Group.JUMP, "go_forward_elsewhere",
    ),
    Action(
        "jump.history", "Where you have been …", "The history of jumps, newest first; Enter returns to one.",
        ("ctrl+y",), Group.JUMP, "list_history",
    ),
    Action(
        "jump.goto", "Go to …", "Type a transition number, a machine time, a time of day or a machine address.",
        ("at",), Group.JUMP, "go_to", footer="@ go to",
    ),
    Action(
        "jump.copy-address", "Copy the address",
        "Send the address of this place to the clipboard of the terminal (OSC 52); paste such an address to go there.",
        ("Y",), Group.JUMP, "copy_address",
    ),
    Action(
        "jump.paste-address", "Go to the copied address",
        "Go where Y was pressed last. What the terminal itself pastes leads to its place as well.",
        ("ctrl+v",), Group.JUMP, "paste_address",
    ),
    Action(
        "jump.find", "Find …",
        "Type words: machines and states with such names are listed, and all places in logs, arguments and errors.",
        ("slash",), Group.JUMP, "find", footer="/ find",
    ),
    Action(
        "jump.query", "Query …",
        "Type what transitions are like, as in canceled & called:Ready: lists what matches, or shows nothing else.",
        ("Q",), Group.JUMP, "ask", footer="Q query",
    ),
    Action(
        "jump.next-hit", "Next hit", "The next place of the text that was looked for, on whatever machine it is.",
        ("right_parenthesis", "f3"), Group.JUMP, "next_hit",
    ),
    Action(
        "jump.previous-hit", "Previous hit", "The place of the text before.",
        ("left_parenthesis", "shift+f3"), Group.JUMP, "previous_hit",
    ),
    Action(
        "mark.bookmark", "Bookmark …",
        "Mark the transition at the cursor for later, with a title and a note. What is marked is never removed.",
        ("B",), Group.MARKS, "add_bookmark", footer="B bookmark",
    ),
    Action(
        "mark.bookmarks", "Bookmarks …", "All bookmarks of this session: go there, change or remove them.",
        ("apostrophe",), Group.MARKS, "list_bookmarks",
    ),
    Action(
        "mark.set", "Set the mark", "Remember the cursor, to compare another place with it; again: forget it.",
        ("M",), Group.MARKS, "set_mark",
    ),
    Action(
        "mark.compare", "What differs from the mark …",
        "States, ticks, queue, waits and pipes of this machine: at the marked moment, and at the cursor.",
        ("D",), Group.MARKS, "compare",
    ),
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
