"""From what people type or paste to a place in the recording, and back."""

from __future__ import annotations

import difflib
import re

from am_dbg.session import lookup
from am_dbg.session.session import Session
from am_dbg.session.urls import MachineUrl, UrlError, format_url, parse_url
from am_dbg.timefmt import parse_rfc3339, parse_time_of_day


def address(session: Session) -> str:
    """The URL of what the session shows, or an empty string before there is a machine."""
    machine = session.machine
    if machine is None:
        return ""
    several = len(session.runs(machine.name)) > 1
    return format_url(MachineUrl(machine.name, number=session.number, run=machine.run if several else None))


def go_to(session: Session, text: str) -> bool:
    """Go where the text says: ``#96``, ``96``, ``t412``, ``12:03:07.5``, an RFC 3339 moment, or a machine URL.

    Returns whether there was such a place; when not, ``session.message`` says why and nothing else has changed.
    """
    wanted = text.strip()
    if re.fullmatch(r"#?[0-9]{1,18}", wanted):
        session.go_to_number(int(wanted.lstrip("#")))
        return True
    if re.fullmatch(r"t[0-9]{1,18}", wanted):
        session.go_to_machine_time(int(wanted[1:]))
        return True
    moment = _moment(session, wanted)
    if moment is not None:
        session.go_to_time(moment)
        return True
    if re.fullmatch(r"[0-9][0-9:. ]*", wanted) and ":" in wanted and not session.runs(wanted):
        session.say(f"{wanted} is no time of day; write it like 12:03 or 12:03:07.5")
        return False
    try:
        url = parse_url(wanted)
    except UrlError as error:
        session.say(str(error))
        return False
    return go_to_url(session, url)


def go_to_url(session: Session, url: MachineUrl) -> bool:
    """Go to a machine URL. Returns whether its machine (and transition id) exist in the recording."""
    runs = session.runs(url.machine)
    if not runs:
        session.say(f"there is no machine {url.machine!r} here{_suggestion(session, url.machine)}")
        return False
    machine = runs[-1] if url.run is None else next((m for m in runs if m.run == url.run), None)
    if machine is None:
        session.say(f"{url.machine} has {len(runs)} run(s), not {url.run}")
        return False
    number = url.number
    if url.transition_id:
        number = lookup.by_id(session.recording, machine.id, url.transition_id)
        if number is None:
            session.say(f"{url.machine} has no transition with the id {url.transition_id}")
            return False
    session.select_machine(machine.id)
    if number is not None and url.step is not None:
        session.go_to_step(number, url.step)
    elif number is not None:
        session.go_to_number(number)
    elif url.machine_time is not None:
        session.go_to_machine_time(url.machine_time)
    elif url.at_ns is not None:
        session.go_to_time(url.at_ns)
    elif url.queue_tick is not None:
        session.go_to_number(lookup.by_queue_tick(session.recording, machine.id, url.queue_tick))
    if url.state:
        session.select_state(url.state)
    return True


def _moment(session: Session, text: str) -> int | None:
    for parse in (parse_rfc3339, lambda wanted: parse_time_of_day(wanted, session.moment)):
        try:
            return parse(text)
        except ValueError:
            continue
    return None


def _suggestion(session: Session, name: str) -> str:
    names = list({machine.name for machine in session.recording.machines})
    near = difflib.get_close_matches(name, names, n=1) or [n for n in names if name.casefold() in n.casefold()][:1]
    return f"; did you mean {near[0]!r}?" if near else ""
