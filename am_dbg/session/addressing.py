"""From what people type or paste to a place in the recording, and back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from am_dbg.session import lookup
from am_dbg.session.filters import DEFAULT_FILTERS, Filter, FilterSet
from am_dbg.session.layout import Layout
from am_dbg.session.session import Session
from am_dbg.session.urls import MachineUrl, UrlError, format_url, parse_url
from am_dbg.timefmt import parse_local_time, parse_rfc3339, parse_time_of_day
from am_telemetry.store.records import MachineRecord

_RELATIVE: Final = re.compile(r"([+-][0-9]{1,12}) ?(ns|us|µs|ms|s|m|h|d|)", re.ASCII)
_UNITS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9,
}  # fmt: skip
_ONLY: Final = "only-"
"""Before a kind of transitions in a URL that are all that is shown."""


def address(session: Session) -> str:
    """The URL of the place the session shows, short, or an empty string before there is a machine."""
    place = _place(session)
    return "" if place is None else format_url(place)


def shared_address(session: Session) -> str:
    """A URL to hand to others, or an empty string before there is a machine.

    It names the transition by its id where there is one, which holds in every recording of the same program, and what
    is shown in another way than by default: selected states, group, panes and filters.
    """
    place = _place(session)
    if place is None:
        return ""
    record = session.transition(place.number or 0)
    filters = session.filters
    return format_url(
        MachineUrl(
            place.machine,
            number=None if record is not None and record.transition_id else place.number,
            transition_id="" if record is None else record.transition_id,
            step=place.step,
            run=place.run,
            states=session.states,
            group=filters.group,
            view="" if session.layout is Layout.TREE_LOG else session.layout.value,
            hidden=None if filters.selection[:2] == DEFAULT_FILTERS.selection[:2] else _spelled_filters(filters),
        )
    )


def go_to(session: Session, text: str) -> bool:
    """Go where the text says.

    It may be ``#96``, ``96``, ``96/5`` (after step 5), ``+100`` or ``-100`` transitions, ``+5s`` or ``-2m`` from the
    cursor, ``t412``, ``q17``, ``12:03:07.5``, the same with a day before it (``2025-01-31 12:03``), a day alone, an
    RFC 3339 moment, or a machine URL.

    Returns whether there was such a place; when not, ``session.message`` says why and nothing else has changed.
    """
    wanted = text.strip()
    numbered = re.fullmatch(r"#?([0-9]{1,18})(?:/([0-9]{1,9}))?", wanted)
    if numbered:
        number, step = numbered.groups()
        if step is None:
            session.go_to_number(int(number))
        else:
            session.go_to_step(int(number), int(step))
        return True
    by = _RELATIVE.fullmatch(wanted)
    if by and not session.runs(wanted):
        count = int(by[1])
        if by[2]:
            session.go_by_time(count * _UNITS[by[2]])
        else:
            session.go_by(count)
        return True
    counted = re.fullmatch(r"([tq])([0-9]{1,18})", wanted)
    if counted and not session.runs(wanted):
        if counted[1] == "t":
            session.go_to_machine_time(int(counted[2]))
        else:
            _go_to_queue_tick(session, int(counted[2]))
        return True
    moment = _moment(session, wanted)
    if moment is not None:
        session.go_to_time(moment)
        return True
    if re.fullmatch(r"[0-9][0-9:.Tt -]*", wanted) and ":" in wanted and not session.runs(wanted):
        session.say(f"{wanted} is no time of day; write it like 12:03, 12:03:07.5 or 2025-01-31 12:03")
        return False
    try:
        url = parse_url(wanted)
    except UrlError as error:
        session.say(str(error))
        return False
    return go_to_url(session, url)


def go_to_url(session: Session, url: MachineUrl) -> bool:
    """Go to a machine URL. Returns whether its machine, run and transition id exist in the recording."""
    runs = session.runs(url.machine)
    if not runs:
        names = [machine.name for machine in session.recording.machines]
        session.say(f"there is no machine {url.machine!r} here{nearest(url.machine, names)}")
        return False
    if url.run is not None:
        runs = [run for run in runs if run.run == url.run]
        if not runs:
            session.say(f"{url.machine} has {len(session.runs(url.machine))} run(s), not {url.run}")
            return False
    machine, number = runs[-1], url.number
    if url.transition_id and number is None:
        found = _by_id(session, runs, url.transition_id)
        if found is None:
            session.say(f"{url.machine} has no transition with the id {url.transition_id}")
            return False
        machine, number = found
    _show(session, url)
    session.select_machine(machine.id)
    _move(session, url, number)
    if url.states:
        moved = session.message
        session.select_states(url.states)
        missing = next(filter(None, (_missing_state(session, name) for name in url.states)), "")
        if missing or moved:
            session.say(missing or moved)
    return True


def is_recorded(session: Session, url: MachineUrl) -> bool:
    """Whether the machine of a URL, its run and the transition it names by number or id are there by now."""
    runs = [run for run in session.runs(url.machine) if url.run in (None, run.run)]
    if url.number:
        return any(session.recording.timeline(run.id).count >= url.number for run in runs)
    if url.transition_id:
        return _by_id(session, runs, url.transition_id) is not None
    return bool(runs)


def nearest(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'x' or 'y'?``, or nothing when no name is like it."""
    known = list(dict.fromkeys(names))
    near = difflib.get_close_matches(name, known, n=3) or [n for n in known if name.casefold() in n.casefold()][:3]
    return f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else ""


def _place(session: Session) -> MachineUrl | None:
    machine = session.machine
    if machine is None:
        return None
    run = machine.run if len(session.runs(machine.name)) > 1 else None
    inside = session.next_number if session.step else None
    if inside is not None:
        return MachineUrl(machine.name, number=inside, step=session.step, run=run)
    return MachineUrl(machine.name, number=session.number, run=run)


def _by_id(session: Session, runs: list[MachineRecord], transition_id: str) -> tuple[MachineRecord, int] | None:
    """The newest run that has a transition of that id, and its number."""
    for run in reversed(runs):
        number = lookup.by_id(session.recording, run.id, transition_id)
        if number is not None:
            return run, number
    return None


def _show(session: Session, url: MachineUrl) -> None:
    """The view and the filters of a URL; what this version does not know is left out."""
    if url.view in set(Layout):
        session.set_layout(Layout(url.view))
    if url.group:
        session.set_group(url.group)
    if url.hidden is not None:
        kinds = {_spelled(kind): kind for kind in Filter}
        hidden = frozenset(kinds[name] for name in url.hidden if name in kinds)
        named = {text.removeprefix(_ONLY) for text in url.hidden if text.startswith(_ONLY)}
        only = frozenset(kinds[name] for name in named & kinds.keys())
        session.set_filters(replace(session.filters, hidden=hidden, only=only))


def _move(session: Session, url: MachineUrl, number: int | None) -> None:
    if number is not None and url.step is not None:
        session.go_to_step(number, url.step)
    elif number is not None:
        session.go_to_number(number)
    elif url.machine_time is not None:
        session.go_to_machine_time(url.machine_time)
    elif url.at_ns is not None:
        session.go_to_time(url.at_ns)
    elif url.queue_tick is not None:
        _go_to_queue_tick(session, url.queue_tick)


def _go_to_queue_tick(session: Session, queue_tick: int) -> None:
    machine = session.machine
    if machine is None:
        return session.say("no machine is selected")
    return session.go_to_number(lookup.by_queue_tick(session.recording, machine.id, queue_tick))


def _missing_state(session: Session, name: str) -> str:
    timeline = session.timeline
    if timeline is None or name in timeline.schema.index:
        return ""
    return f"this machine has no state {name!r}{nearest(name, timeline.schema.names)}"


def _spelled_filters(filters: FilterSet) -> tuple[str, ...]:
    """What is hidden by its name, what alone is shown with a word before it."""
    return tuple(sorted(map(_spelled, filters.hidden))) + tuple(_ONLY + _spelled(kind) for kind in sorted(filters.only))


def _spelled(kind: Filter) -> str:
    return kind.value.replace(" ", "-")


def _moment(session: Session, text: str) -> int | None:
    for parse in (parse_rfc3339, lambda wanted: parse_time_of_day(wanted, session.moment), parse_local_time):
        try:
            return parse(text)
        except (ValueError, OverflowError):  # the latter at the edge of the calendar
            continue
    return None
