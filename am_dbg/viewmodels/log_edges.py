"""The lower edge of the log pane, the marks of selected rows, and the links of a row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from am_dbg.session.log_options import LogScope, LogTimes
from am_dbg.session.targets import ChangeLog, GoToMachine, GoToSource, GoToTransition, SelectState, SetMode, Target
from am_dbg.session.view import Mode, SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.log import LogModel, LogRow
from am_dbg.viewmodels.log_columns import SELECTED_SIGN
from am_dbg.viewmodels.spans import Line, Role, Span, clean, line_width

_TIMES: Final = {
    LogTimes.SECOND: "seconds",
    LogTimes.MINUTE: "minutes",
    LogTimes.EACH: "each, ms",
    LogTimes.RELATIVE: "relative",
    LogTimes.OFF: "no times",
}
_SCOPES: Final = {LogScope.MACHINE: "1 machine", LogScope.PINNED: "pinned", LogScope.ALL: "all"}


def lower(session: SessionView, model: LogModel, shown: Sequence[LogRow], columns_left: int, width: int) -> Line:
    """What is below the window, how far it is scrolled sideways, and the options; a click on one changes it."""
    parts: list[Line] = []
    if session.machine is None:
        return ()
    if shown and (news := _news(session, model, shown[-1])):
        parts.append(news)
    if model.columns.is_merged and model.merged.corrected:
        parts.append((Span(f"≈ {thousands(model.merged.corrected)} clocks put right", Role.KEY),))
    if columns_left:
        parts.append((Span(f"→ {columns_left} columns", Role.DIM),))
    options = session.log
    parts += [
        (_option(_SCOPES[options.scope], "scope", is_on=options.scope is not LogScope.MACHINE),),
        (_option(_TIMES[options.times], "times", is_on=False),),
        (_option(f"[{'x' if options.wrap else ' '}] wrap", "wrap", is_on=options.wrap),),
        (_option(f"[{'x' if options.traces else ' '}] traces", "traces", is_on=options.traces),),
    ]
    line: Line = ()
    for part in parts:
        joined = (*line, *((Span("  "),) if line else ()), *part)
        if line_width(joined) > width:
            break
        line = joined
    return line


def _option(label: str, option: str, *, is_on: bool) -> Span:
    return Span(label, Role.VALUE if is_on else Role.DIM, bold=is_on, target=ChangeLog(option))  # type: ignore[arg-type]  # the options, by name


def _news(session: SessionView, model: LogModel, last: LogRow) -> Line:
    """How many transitions are below the window of a log that grows and is not followed."""
    machine = session.machine
    if session.mode is Mode.TAIL or machine is None or not machine.connected or not last.number:
        return ()
    behind = model.order.behind(last.position.place)
    if behind == 0:
        return ()
    text = "↓ more" if behind is None else f"↓ {thousands(behind)} more"
    return (Span(text, Role.LINK, underline=True, target=SetMode("tail")),)


def as_selected(line: Line, lead: int) -> Line:
    """A row with a mark in its gutter, so that the selection is not told by colour alone."""
    if not lead:
        return line
    gutter = line[lead - 1]
    mark = Span(SELECTED_SIGN, Role.CURSOR, bold=True)
    kept = () if len(gutter.text) < 2 else (replace(gutter, text=gutter.text[:-1]),)
    return (*line[: lead - 1], *kept, mark, *line[lead:])


def with_states(line: Line, selected: Collection[str]) -> Line:
    """A row with the selected states that it names marked as such."""
    if not selected or not any(isinstance(span.target, SelectState) for span in line):
        return line
    return tuple(
        replace(span, bold=True, band=True)
        if isinstance(span.target, SelectState) and span.target.name in selected
        else span
        for span in line
    )


def links(line: Line) -> list[Target]:
    """What a row names, in order, each once."""
    found = [span.target for span in line if isinstance(span.target, SelectState | GoToMachine | GoToSource)]
    return list(dict.fromkeys(found))


def link_name(target: Target) -> str:
    """What a link leads to, for a message."""
    match target:
        case SelectState(name):
            return f"state {clean(name, 60)}"
        case GoToMachine(name) | GoToSource(name):
            return f"machine {clean(name, 60)}"
        case GoToTransition(_, number):
            return f"#{number}"
        case _:
            return "link"
