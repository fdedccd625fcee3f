"""From what people type or paste to a place in the recording, and back."""

from __future__ import annotations

import difflib
import re
from typing import Final

from am_dbg.session.session import Session
from am_dbg.session.timefmt import parse_rfc3339, parse_time_of_day
from am_dbg.session.urls import MachineUrl, UrlError, format_url, parse_url
from am_telemetry.store.reading import Recording

SCAN_LIMIT: Final = 5_000
"""Transitions that are read one by one in search of an id that does not tell its number."""


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
        number = find_transition(session.recording, machine.id, url.transition_id)
        if number is None:
            session.say(f"{url.machine} has no transition with the id {url.transition_id}")
            return False
    session.select_machine(machine.id)
    if number is not None:
        session.go_to_number(number)
    elif url.machine_time is not None:
        session.go_to_machine_time(url.machine_time)
    elif url.at_ns is not None:
        session.go_to_time(url.at_ns)
    elif url.queue_tick is not None:
        _go_to_queue_tick(session, machine.id, url.queue_tick)
    if url.state:
        session.select_state(url.state)
    return True


def find_transition(recording: Recording, machine_id: int, transition_id: str) -> int | None:
    """The number of the transition with an id, or None.

    Ids of Python machines end with the transition's own count in hexadecimal, which is found by bisection; others are
    looked for one by one among the first ``SCAN_LIMIT`` transitions.
    """
    count = recording.timeline(machine_id).count
    if re.fullmatch(r"[0-9a-f]{16}", transition_id):
        sequence = int(transition_id[8:], 16)
        low, high = 1, min(count, sequence)
        while low < high:
            middle = (low + high) // 2
            if recording.transition(machine_id, middle).sequence < sequence:
                low = middle + 1
            else:
                high = middle
        if 1 <= low <= count and recording.transition(machine_id, low).transition_id == transition_id:
            return low
    for number in range(1, min(count, SCAN_LIMIT) + 1):
        if recording.transition(machine_id, number).transition_id == transition_id:
            return number
    return None


def _go_to_queue_tick(session: Session, machine_id: int, queue_tick: int) -> None:
    """Queue ticks grow with the transitions; only prepended mutations have none (0) and count as their neighbour."""
    recording = session.recording
    low, high = 0, recording.timeline(machine_id).count

    def reached(number: int) -> bool:
        while number > 0:
            tick = recording.transition(machine_id, number).queue_tick
            if tick:
                return tick >= queue_tick
            number -= 1
        return False

    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    session.go_to_number(low)


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
