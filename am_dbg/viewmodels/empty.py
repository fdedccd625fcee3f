"""What a pane says when it has nothing to show: why that is so, and what to do next."""

from __future__ import annotations

from am_dbg.session.filters import FILTER_TITLES, LOG_LEVELS, hidden_counts
from am_dbg.session.targets import ClearFilters, ClearQuery, SetLogLevel, ToggleFilter
from am_dbg.session.view import SessionView
from am_dbg.timefmt import thousands
from am_dbg.viewmodels.spans import Line, Role, Span, clean

Lines = tuple[Line, ...]

BLANK: Line = (Span(""),)


def text(session: SessionView, listen: str | None = None) -> Lines:
    """The explanation that fits the session, or nothing when there are visible transitions.

    Args:
        listen: ``host:port`` on which telemetry is accepted, None when nothing listens (an opened file).
    """
    machine = session.machine
    if machine is None:
        return _welcome(listen) if listen else _empty_recording(session)
    if not session.count:
        return _no_transitions(clean(machine.name, 60), machine.connected)
    return () if session.visible else _all_hidden(session)


def log_is_off(session: SessionView) -> Lines:
    """Instead of the log at level 0."""
    rows: list[Line] = [
        _title("The log is off"),
        BLANK,
        (_dim("It is at level "), _key("0"), _dim(". Choose what to show:")),
        BLANK,
    ]
    for level, name in list(enumerate(LOG_LEVELS))[1:]:
        target = SetLogLevel(level)
        rows.append((Span(f"  {level}  ", Role.KEY, bold=True, target=target), Span(name, Role.LINK, target=target)))
    return tuple(rows)


def several_hidden(machines: int) -> Lines:
    """Instead of the log of several machines when filters leave nothing of it."""
    if not machines:
        return (
            _title("No machine is pinned"),
            BLANK,
            (_dim("Press "), _key("*"), _dim(" to pin the selected machine.")),
        )
    return (
        _title(f"Nothing to show of {thousands(machines)} machines"),
        BLANK,
        _say("They have done nothing yet, or filters hide all of it."),
        BLANK,
        _way_out(),
    )


def _way_out() -> Line:
    return (
        Span("Press ", Role.DIM),
        _key("F"),
        _dim(" to choose filters, or "),
        Span("show everything", Role.LINK, underline=True, target=ClearFilters()),
        _dim("."),
    )


def address_setting(listen: str) -> str:
    """What ``AM_DBG_ADDR`` must be for a program on this computer to reach the address."""
    return "1" if listen in ("localhost:6831", "127.0.0.1:6831") else listen


def _welcome(listen: str) -> Lines:
    setting = address_setting(listen)
    return (
        _title("Waiting for machines"),
        BLANK,
        _say(f"Listening on {clean(listen, 100)}. Start your program like this:"),
        BLANK,
        _code(f"AM_DBG_ADDR={clean(setting, 100)} python app.py"),
        BLANK,
        _say("with these two lines where it begins:"),
        BLANK,
        _code("import am_telemetry"),
        _code("am_telemetry.init()"),
        BLANK,
        _dim_line("Nothing at hand? In another terminal run am-dbg demo."),
        (_dim("Looking for something recorded? "), _key("Ctrl+O"), _dim(" lists the sessions.")),
    )


def _empty_recording(session: SessionView) -> Lines:
    return (
        _title("This recording is empty"),
        BLANK,
        _say(f"{clean(session.recording.label, 200)} holds no machines."),
        _say("Choose another session with Ctrl+O, or run am-dbg to record a new one."),
    )


def _no_transitions(name: str, connected: bool) -> Lines:
    if connected:
        return (
            _title(f"{name} has not done anything yet"),
            BLANK,
            _say("It is connected. Its first mutation will appear here by itself."),
        )
    return (
        _title(f"{name} never did anything"),
        BLANK,
        _say("It went away without a single transition. Select another machine in the list."),
    )


def _all_hidden(session: SessionView) -> Lines:
    timeline = session.timeline
    counts = {} if timeline is None else hidden_counts(timeline, session.filters)
    rows: list[Line] = [
        _title(f"All {thousands(session.size)} transitions are hidden by filters"),
        BLANK,
    ]
    for kind, count in counts.items():
        if count:
            target = ToggleFilter(kind)
            rows.append(
                (
                    Span(f"{thousands(count):>9}  ", Role.VALUE, target=target),
                    Span(FILTER_TITLES[kind], Role.LINK, underline=True, target=target),
                )
            )
    query = session.filters.query
    if query is not None:
        rows.append((_dim("Only what matches is shown: "), Span(clean(query.text, 200), Role.VALUE)))
        rows.append((Span("Show what does not match as well", Role.LINK, underline=True, target=ClearQuery()),))
    rows += [
        BLANK,
        _way_out(),
    ]
    return tuple(rows)


def _title(words: str) -> Line:
    return (Span(words, Role.TITLE, bold=True),)


def _say(words: str) -> Line:
    return (Span(words),)


def _code(words: str) -> Line:
    return (Span("    " + words, Role.VALUE, bold=True),)


def _key(name: str) -> Span:
    return Span(name, Role.KEY, bold=True)


def _dim(words: str) -> Span:
    return Span(words, Role.DIM)


def _dim_line(words: str) -> Line:
    return (_dim(words),)
