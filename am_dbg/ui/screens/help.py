"""Help: keys of the focused pane first, then all others, then the signs of the panes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from am_dbg.ui.actions import ACTIONS, EVERYWHERE, Action, Group, Pane
from am_dbg.ui.keymap import DEFAULT_KEYMAP, Keymap
from am_dbg.ui.screens.dialog import Dialog
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import matrix, rain, rain_lines, step_strip, strip
from am_dbg.viewmodels.spans import Line, Role, Span, pad, width

_PANE_TEXTS: Final[dict[Pane, tuple[str, tuple[str, ...]]]] = {
    Pane.PINNED: (
        "Pinned machines",
        (
            "The machines that were pinned (*), side by side: what each was like at the moment that all panes show,",
            "and what it had done last by then. Enter or a click on a row looks at that machine, at the same moment.",
            "A click on #18 goes to that transition. * on a row releases it. The log (m) can show all of them.",
        ),
    ),
    Pane.MACHINES: (
        "Machines",
        (
            "Every run of every machine, children below their parents. All rows show the moment at which the cursor",
            "of the selected machine stands: walk through one machine and watch the others change.",
            "Enter or a click selects a machine. Type to search: letters that follow each other quickly are one word,",
            "Backspace takes one back, Esc ends the search.",
        ),
    ),
    Pane.SCHEMA: (
        "Schema",
        (
            "The states of the selected machine with their ticks: odd means active. Enter opens a state to show its",
            "properties and relations. The row under the cursor is the selected state; H and L then jump to the",
            "transitions that concern it, on any machine that has a state of that name; ^ and & only to where it",
            "became active, $ and % to all it took part in. ; keeps it selected while the cursor goes on to further",
            "states, and so does a click with Ctrl; jumps then stop at each of them. Esc clears all.",
            "Ctrl+S, or a click on the group in the title, chooses which states are shown: those of a group, active",
            "ones, ones that ever took part. The selected ones always are.",
            "Type to search for a state. While stepping, states that take part are on top (O), opened as far as their",
            "relations matter, and lines lead from a relation to the state that it names.",
        ),
    ),
    Pane.LOG: (
        "Log",
        (
            "What happened, transition by transition. The lines of the current transition are marked. ↑ ↓ move a row",
            "cursor, Enter or a click goes to the transition of a row, Shift+← and Shift+→ scroll sideways.",
            "States, handlers and machines are links: click on one, or press Enter again in a row of the current",
            "transition to follow its names one after the other. 0 to 5 choose how much is shown of this machine.",
            "m shows one log of all machines, or of the pinned ones (*), merged by time.",
        ),
    ),
    Pane.MATRIX: (
        "Matrix",
        (
            "The steps of the current transition: each row is a state that something was done to, each column the",
            "state it came from; steps without a second state stand on the diagonal. Beside the names: whether the",
            "state was active before and after, and the ticks it gained. Every kind of step has a number, and the",
            "sums add them up. ↑ ↓ select a state, Shift+← and Shift+→ scroll the columns, U shows all states.",
        ),
    ),
    Pane.RAIN: (
        "Rain",
        (
            "One line for each visible transition, one column for each state, the newest at the bottom. ↑ ↓ move",
            "through the transitions, Shift+← and Shift+→ select a state, a click does both. Type to search for a",
            "state. States that were never active or called are left out until U brings them back.",
        ),
    ),
    Pane.READER: (
        "Reader",
        (
            "What is pending after the current transition: who waits for what and since when, contexts of states,",
            "pipes between machines. Where the transition came from, up to the first cause, and what it led to.",
            "Enter or a click follows an entry, [ leads back. Headings fold their section, E all of them. Moving onto",
            "an entry selects its first state. R shows and hides the reader.",
        ),
    ),
    Pane.STRIP: (
        "Timeline",
        (
            "All visible transitions of the machine from left to right; the higher a cell, the more of them in the",
            "same time. Click or drag to go there, turn the wheel for single steps, with Ctrl for ten. Where the",
            "pointer rests, a note tells what the cell stands for.",
        ),
    ),
    Pane.STEPS: (
        "Steps",
        (
            "The steps of the next transition from left to right, shown while stepping and in tall windows. ← and →",
            "go by steps here, Home and End to before and after all of them, and Space plays them. Click, drag or turn",
            "the wheel likewise.",
        ),
    ),
}

_SIGNS: Final[dict[Pane, tuple[tuple[str, Role, str], ...]]] = {
    Pane.PINNED: (
        ("+", Role.ADDED, "became active with its last transition by then"),
        ("−", Role.REMOVED, "became inactive with it"),
        ("✓", Role.ACCEPTED, "its last transition was accepted"),
        ("✕", Role.CANCELED, "it was canceled"),
        ("E", Role.ERROR, "an error state is active at this moment"),
        ("R", Role.ACTIVE, "Ready is active at this moment"),
    ),
    Pane.MACHINES: (
        ("▸", Role.CURSOR, "the selected machine, also bold and underlined"),
        ("R", Role.ACTIVE, "Ready is active at this moment"),
        ("S", Role.ACTIVE, "Start is active, Ready is not"),
        ("E", Role.ERROR, "an error state is active at this moment"),
        ("e", Role.ERROR_RECENT, "an error among the 100 transitions before"),
        ("*", Role.CURSOR, "pinned"),
        ("96+", Role.TEXT, "transitions up to this moment; + means that later ones exist"),
        ("●", Role.ACTIVE, "the program is connected"),
        ("○", Role.DIM, "the program is gone"),
    ),
    Pane.SCHEMA: (
        ("●", Role.ACTIVE, "active"),
        ("○", Role.INACTIVE, "inactive"),
        ("+", Role.ADDED, "activated by the current transition"),
        ("−", Role.REMOVED, "deactivated by it"),
        ("~", Role.CALLED, "entered again by it"),
        ("✕", Role.CANCELED, "called by it in vain"),
        ("A  M", Role.MULTI, "auto state, multi state"),
        ("▌", Role.HIGHLIGHT, "is, belongs to or refers to a selected state"),
        ("◆", Role.HIGHLIGHT, "stays selected (;)"),
        ("Name", Role.CALLED, "underlined: named by the mutation"),
        ("›", Role.CURSOR, "while stepping: what the last step was about"),
        ("*  *2", Role.PREFIX, "while stepping: one handler, or two, were called for it"),
        ("!", Role.ERROR, "while stepping: it made the transition fail"),
    ),
    Pane.LOG: (
        ("›", Role.CURSOR, "the current transition"),
        ("▐", Role.CURSOR, "selected to be copied"),
        ("+", Role.ADDED, "states were added"),
        ("−", Role.REMOVED, "states were only removed"),
        ("~", Role.CALLED, "states were entered again"),
        ("!", Role.ERROR, "an error, or a handler that failed"),
        ("✕", Role.CANCELED, "canceled"),
        ("·", Role.EMPTY, "without effect"),
        ("…", Role.QUEUED, "only queued"),
    ),
    Pane.MATRIX: (
        ("○→●", Role.ADDED, "activated; ●→○ deactivated"),
        *(
            (sign, Role.KEY, f"{matrix.MEANINGS[kind]} ({matrix.NUMBERS.get(kind, 1)})")  # type: ignore[call-overload]  # relations, by name, are all one kind of step
            for kind, sign in matrix.SIGNS.items()
            if kind != "rel"
        ),
        ("Name", Role.CALLED, "underlined: named by the mutation"),
    ),
    Pane.RAIN: (
        *((drop.value, rain_lines.ROLES[drop], words) for drop, words in rain.MEANINGS.items()),
        ("1  c", Role.CALLED, "underlined: named by the mutation"),
        (rain_lines.LOST_SIGN, Role.ERROR_RECENT, "transitions were lost before this one"),
        (rain_lines.RESTORED_SIGN, Role.DIM, "the machine went on from a snapshot before this one"),
        ("+−~!✕·…", Role.TEXT, "before the number: the signs of the log"),
    ),
    Pane.READER: (
        ("▾ ▸", Role.DIM, "an open section, a folded one"),
        ("✓", Role.ACCEPTED, "came true, or expired as it should"),
        ("✕", Role.CANCELED, "ended otherwise; behind a machine: it is gone"),
        ("▶", Role.CURSOR, "still running"),
        ("─add→", Role.KEY, "a pipe, with the mutation at its end"),
    ),
    Pane.STRIP: (
        (strip.CURSOR_MARK, Role.CURSOR, "the current transition"),
        (strip.BARS[0::3], Role.ACCEPTED, "slow to fast: transitions per time"),
        (strip.BOOKMARK, Role.KEY, "a bookmark (B)"),
        (strip.MARK, Role.KEY, "the mark (M)"),
        (strip.ERROR_MARK, Role.ERROR, "an error among them"),
        (strip.LOST_MARK, Role.ERROR_RECENT, "transitions were lost before one of them"),
        (strip.CANCELED_MARK, Role.CANCELED, "a canceled one among them"),
        (strip.REMOVED_MARK, Role.DIM, "earlier ones were removed to save space"),
    ),
    Pane.STEPS: tuple((sign, role, words) for sign, role, words in step_strip.LEGEND),
}


class HelpScreen(Dialog):
    """Everything that keys and signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q,enter,space", "close", "Close", show=False),
    ]

    def __init__(self, pane: Pane, keys: Keymap = DEFAULT_KEYMAP) -> None:
        super().__init__(_HelpView(pane, keys))

    def wanted_size(self) -> tuple[int, int]:
        return 112, 200


class _HelpView(LineView):
    def __init__(self, pane: Pane, keys: Keymap) -> None:
        super().__init__(id="help-view")
        self._pane = pane
        self._keys = keys
        self._lines: list[Line] = []
        self._for_width = -1

    def title(self, width: int) -> Line:
        return (Span("Help", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        return (Span("↑↓ scroll  Esc close", Role.DIM),)

    def row_count(self) -> int:
        self._lay_out()
        return len(self._lines)

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        return self._lines[first : first + count]

    def _lay_out(self) -> None:
        if self._for_width != self.inner_width:
            self._for_width = self.inner_width
            self._lines = help_lines(self._pane, self.inner_width, self._keys)


def help_lines(pane: Pane, columns: int, keys: Keymap = DEFAULT_KEYMAP) -> list[Line]:
    """The help text for a focused pane, wrapped to a width."""
    lines: list[Line] = [()]
    for shown in (pane, *(other for other in Pane if other is not pane)):
        title, text = _PANE_TEXTS[shown]
        lines.append(_heading(title + (" – where you are" if shown is pane else "")))
        lines += [(Span("  " + part, Role.TEXT),) for part in _wrap(" ".join(text), columns - 4)]
        for sign, role, meaning in _SIGNS[shown]:
            parts = _wrap(meaning, columns - 14)
            underline = sign in ("Name", "1  c")
            lines.append((Span("    " + pad(sign, 8), role, bold=True, underline=underline), Span(parts[0], Role.DIM)))
            lines += [(Span(" " * 12 + part, Role.DIM),) for part in parts[1:]]
        lines.append(())
        if shown is pane:
            lines += _key_lines(columns, keys)
    return lines


def _key_lines(columns: int, keymap: Keymap) -> list[Line]:
    lines: list[Line] = []
    for group in Group:
        lines.append(_heading(group.value))
        levels = [action for action in ACTIONS if action.group is group and action.handler == "set_log_level"]
        for action in ACTIONS:
            if action.group is group and action.argument is None:
                keys = keymap.printed(action) or "no key"
                lines += _action_lines(keys, action.description + _only_in(action), columns)
        if levels:
            names = ", ".join(a.title.rpartition(": ")[2] for a in levels)
            lines += _action_lines("0 … 5", f"How much of the log is shown: {names}.", columns)
        lines.append(())
    return lines


def _action_lines(keys: str, text: str, columns: int) -> list[Line]:
    indent = 24
    parts = _wrap(text, columns - indent - 6)
    first: Line = (Span("    " + pad(keys, indent - 2), Role.KEY, bold=True), Span("  " + parts[0], Role.TEXT))
    return [first, *((Span(" " * (indent + 4) + part, Role.TEXT),) for part in parts[1:])]


def _only_in(action: Action) -> str:
    if action.where == EVERYWHERE:
        return ""
    return f" (Only in: {', '.join(_PANE_TEXTS[pane][0] for pane in Pane if pane in action.where)}.)"


def _heading(text: str) -> Line:
    return (Span("  "), Span(text, Role.TITLE, bold=True, underline=True))


def _wrap(text: str, columns: int) -> list[str]:
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(joined) > max(16, columns):
            lines.append(word)
        else:
            lines[-1] = joined
    return lines
