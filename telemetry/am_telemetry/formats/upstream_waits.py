"""Waits, contexts and pipes of Go machines, which tell of them in log lines only (from the level of operations on).

A line about an end names what had begun, not which of several equal ones; the oldest is taken. Between versions the
lists of states are written with blanks, commas or brackets.
"""

from __future__ import annotations

import re
from typing import Final

from am_telemetry.waits import CONTEXT, PIPES, WaitBegun, WaitEnded, WaitFact, Waits

PREFIXES: Final = ("[when", "[ctx:", "[pipe")
MAX_OPEN: Final = 10_000
"""Of one machine; what begins beyond that is not told."""

_LINE: Final = re.compile(r"\[(?P<kind>[a-zA-Z-]+):(?P<action>[a-z]+)\] ?(?P<rest>[^\n]*)")
_PIPE: Final = re.compile(r"\[?(?P<states>[^\]]*?)\]? (?:to|from) (?P<peer>\S.*)")
_ARGUMENTS: Final = re.compile(r"(?P<state>\S+) ?(?P<rest>\(.*\))?")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_WAITS: Final = frozenset({"when", "whenNot", "whenTime", "whenArgs", "whenQuery", "whenQueue", CONTEXT})


class OpenWaits:
    """What is pending in one machine, as its lines tell."""

    __slots__ = ("_alike", "_last", "_open")

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, WaitFact] = {}
        self._alike: dict[object, dict[int, None]] = {}
        """What is pending by all that is known of it, and by kind and states alone; the oldest comes first."""

    def read(self, text: str, waits: Waits, machine: int, sequence: int, at_ns: int) -> None:
        """Take in a line.

        Args:
            text: begins with one of :data:`PREFIXES`; anything else about it may be wrong.
            waits: to which what it says is added.
            machine: handle.
            sequence: of the transition that wrote it, or before which it was written.
            at_ns: when that was.
        """
        match = _LINE.match(text)
        if match is None:
            return
        kind, action, rest = match["kind"], match["action"], match["rest"].strip()
        if kind == "pipe" and action == "gc":
            for ident in tuple(self._alike.get(_peer(rest), ())):
                self._end(ident, waits, machine, sequence, at_ns, "removed")
            return
        fact = _fact(kind, action, rest)
        if fact is None:
            return
        if kind in PIPES:
            if not self._alike.get(fact):
                self._begin(fact, waits, machine, sequence, at_ns)
        elif action == "new":
            self._begin(fact, waits, machine, sequence, at_ns)
        else:
            # Ticks are not always written in the same way in both lines, so the states alone may have to do.
            alike = self._alike.get(fact) or self._alike.get(_states(fact))
            if alike:
                reason = "expired" if kind == CONTEXT else "match"
                self._end(next(iter(alike)), waits, machine, sequence, at_ns, reason)

    def _begin(self, fact: WaitFact, waits: Waits, machine: int, sequence: int, at_ns: int) -> None:
        if len(self._open) < MAX_OPEN:
            self._last += 1
            self._open[self._last] = fact
            for key in _keys(fact):
                self._alike.setdefault(key, {})[self._last] = None
            waits.begun.append(WaitBegun(machine, self._last, sequence, at_ns, fact))

    def _end(self, ident: int, waits: Waits, machine: int, sequence: int, at_ns: int, reason: str) -> None:
        for key in _keys(self._open.pop(ident)):
            alike = self._alike[key]
            del alike[ident]
            if not alike:
                del self._alike[key]
        waits.ended.append(WaitEnded(machine, ident, sequence, at_ns, reason))


def _keys(fact: WaitFact) -> tuple[object, ...]:
    return (fact, _peer(fact.peer)) if fact.kind in PIPES else (fact, _states(fact))


def _states(fact: WaitFact) -> tuple[str, tuple[str, ...]]:
    return fact.kind, fact.states


def _peer(name: str) -> tuple[str, str]:
    return "pipe", name


def _fact(kind: str, action: str, rest: str) -> WaitFact | None:
    if kind in PIPES:
        pipe = _PIPE.fullmatch(rest)
        if pipe is None or action not in ("add", "remove"):
            return None
        return WaitFact(kind, _names(pipe["states"]), peer=pipe["peer"].strip(), mutation=action)
    if kind not in _WAITS or action not in ("new", "match") or (not rest and kind != "whenQuery"):
        return None
    if kind == "whenTime":
        # "A,B [3 5]" or "A,B 3 5"; the blank after a comma belongs to the names.
        names, _, ticks = rest.replace(", ", ",").partition(" ")
        return WaitFact(kind, _names(names), tuple(map(int, _NUMBER.findall(ticks))), rest)
    if kind == "whenArgs":
        match = _ARGUMENTS.match(rest)
        return WaitFact(kind, (match["state"],) if match else (), text=rest)
    if kind == "whenQueue":
        return WaitFact(kind, (), tuple(map(int, _NUMBER.findall(rest))), rest)
    if kind == "whenQuery":
        return WaitFact(kind, (), text=rest)
    names_of = _names(rest)
    return WaitFact(kind, names_of, text=" ".join(names_of))


def _names(text: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,\[\]]+", text.strip(" ,[]"))) if text.strip(" ,[]") else ()
