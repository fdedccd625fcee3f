"""Addresses of machines and moments: ``mach://orders/#96?run=2&state=Ready``.

==========================  ============================================================
``mach://ID``               the machine; its id is percent-encoded
``mach://ID/#96``           transition number 96 (as the cursor counts); a plain ``#96`` works too
``mach://ID/#96/5``         after its fifth step
``mach://ID/t412``          where the machine time is 412; ``?t=412`` is read too
``mach://ID/9f0c3a…``       the transition with this id
``mach://ID/9f0c3a…/5``     its step number 5
``?run=2``                  the second run of that machine id
``?at=2023-11-14T…Z``       a moment (RFC 3339, nanoseconds); it is read as a part of the path too
``?q=17``                   queue tick 17
``?state=Ready,Start``      the selected states, the main one first
``?group=Download``         the group of states that is shown
``?view=rain``              which panes are shown
``?filter=auto,canceled``   which kinds of transitions are hidden; ``?filter=none``: all are shown
``?session=shop.db``        the session file, for the command line
==========================  ============================================================

Of several places in time, the first one in this order counts: number, transition id, machine time, moment, queue tick.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from am_dbg.timefmt import parse_rfc3339, rfc3339

SCHEME: Final = "mach://"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_NO_FILTER: Final = "none"
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]")


class UrlError(ValueError):
    """The text is not a machine URL; the message says why."""


@dataclass(frozen=True, slots=True)
class MachineUrl:
    """A machine, and optionally where to look at it. At most one of the places in time is normally set."""

    machine: str
    number: int | None = None
    machine_time: int | None = None
    transition_id: str = ""
    step: int | None = None
    """Only together with a number or a transition id."""
    run: int | None = None
    at_ns: int | None = None
    queue_tick: int | None = None
    states: tuple[str, ...] = ()
    """The selected states; the first one is the main one."""
    group: str = ""
    view: str = ""
    hidden: tuple[str, ...] | None = None
    """Kinds of transitions that are hidden; None says nothing about filters."""
    session: str = ""
    """Path or name of a session file."""


def format_url(url: MachineUrl) -> str:
    """The URL as text."""
    text = SCHEME + _quote(url.machine)
    if url.number is not None:
        text += f"/#{url.number}" + ("" if url.step is None else f"/{url.step}")
    elif url.machine_time is not None:
        text += f"/t{url.machine_time}"
    elif url.transition_id:
        text += "/" + _quote(url.transition_id) + ("" if url.step is None else f"/{url.step}")
    query: list[str] = []
    if url.at_ns is not None:
        query.append("at=" + rfc3339(url.at_ns))
    if url.queue_tick is not None:
        query.append(f"q={url.queue_tick}")
    if url.run is not None:
        query.append(f"run={url.run}")
    if url.states:
        query.append("state=" + ",".join(map(_quote, url.states)))
    if url.group:
        query.append("group=" + _quote(url.group))
    if url.view:
        query.append("view=" + _quote(url.view))
    if url.hidden is not None:
        query.append("filter=" + (",".join(_quote(kind) for kind in url.hidden) or _NO_FILTER))
    if url.session:
        query.append("session=" + _quote(url.session))
    return text + ("?" + "&".join(query) if query else "")


def parse_url(text: str) -> MachineUrl:
    """Read a machine URL; the scheme may be left out.

    Raises:
        UrlError: with a message for the user.
    """
    rest = text.strip()
    if "://" in rest.split("/#")[0]:
        scheme, _, rest = rest.partition("://")
        if scheme.lower() != "mach":
            raise UrlError(f"machine URLs begin with mach://, not {scheme}://")
    path, _, query = rest.partition("?")
    path, hash_sign, numbered = path.partition("#")
    machine, *places = path.removesuffix("/").split("/")
    fields: dict[str, Any] = {"machine": _unquote(machine)}
    if not fields["machine"]:
        raise UrlError("the machine id is missing: mach://ID")
    if hash_sign:
        if places:
            raise UrlError("give a transition number or a transition id, not both")
        number, *places = numbered.removesuffix("/").split("/")
        fields["number"] = _integer(number, "a transition number follows #")
        _read_step(places, fields)
    elif places:
        _read_place(places[0], fields)
        if len(places) > 1 and "transition_id" not in fields:
            raise UrlError("a step belongs to a transition: mach://ID/TRANSITION/STEP")
        _read_step(places[1:], fields)
    _read_query(query, fields)
    return MachineUrl(**fields)


def _read_place(place: str, fields: dict[str, Any]) -> None:
    if re.fullmatch(r"t[0-9]{1,18}", place):
        fields["machine_time"] = int(place[1:])
        return
    if _MOMENT.match(place):
        with contextlib.suppress(ValueError):  # then it is an id that looks like one
            fields["at_ns"] = parse_rfc3339(_unquote(place))
            return
    fields["transition_id"] = _unquote(place)


def _read_step(places: list[str], fields: dict[str, Any]) -> None:
    if len(places) > 1:
        raise UrlError("too many parts: mach://ID/TRANSITION/STEP; write / inside an id as %2F")
    if places:
        fields["step"] = _integer(places[0], "the step is a number")


def _read_query(query: str, fields: dict[str, Any]) -> None:
    for item in filter(None, query.split("&")):
        key, _, value = item.partition("=")
        if key == "at":
            try:
                fields["at_ns"] = parse_rfc3339(_unquote(value))
            except ValueError as error:
                raise UrlError(str(error)) from error
        elif key == "q":
            fields["queue_tick"] = _integer(value, "q is a queue tick")
        elif key == "t":
            fields["machine_time"] = _integer(value, "t is a machine time")
        elif key == "run":
            fields["run"] = _integer(value, "run is a number")
        elif key == "state":
            fields["states"] = tuple(_unquote(name) for name in value.split(",") if name)
        elif key in ("group", "view", "session"):
            fields[key] = _unquote(value)
        elif key == "filter":
            kinds = [] if value == _NO_FILTER else value.split(",")
            fields["hidden"] = tuple(_unquote(kind) for kind in kinds if kind)
        # Unknown keys belong to newer versions; the place is still the right one without them.


def _integer(text: str, meaning: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise UrlError(f"{meaning}: {text!r}")
    return int(text)


def _quote(text: str) -> str:
    quoted = quote(text, safe="", errors="surrogatepass")
    # "t412" is a machine time and "none" no filter, so what looks like one hides its first letter; so does a moment.
    if re.fullmatch(r"t[0-9]{1,18}", quoted) or quoted == _NO_FILTER or _MOMENT.match(quoted):
        return f"%{ord(quoted[0]):02X}" + quoted[1:]
    return quoted


def _unquote(text: str) -> str:
    return unquote(text, errors="surrogatepass" if _may_hold_surrogates(text) else "replace")


def _may_hold_surrogates(text: str) -> bool:
    try:
        unquote(text, errors="surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
