"""What a log text names: machines, handlers, and transitions of other machines, as links."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple

from am_dbg.session.targets import GoToMachine, GoToSource, SelectState, Target

_TOKEN: Final = re.compile(r"""[^\s()\[\]{}<>,;"'=]+""")
_PIPED: Final = re.compile(r"\[pipe-(?:in|out)(?::\w+)?\] .{0,4000}? (?:from|to) (.+)\Z", re.DOTALL)
_DROPPED: Final = re.compile(r"\[(?:pipe:gc|dispose|import)\] (\S+)")
_SOURCE: Final = re.compile(r"\[source\] (.+)/([^/\s]*)/(\d+)\s*\Z")
_HANDLER: Final = re.compile(r"\b[A-Za-z_]\w*\b")
_SUFFIXES: Final = ("Enter", "Exit", "State", "End")
_ANY: Final = "Any"
_SHORTEST: Final = 3
"""Machine ids with fewer characters are words of many other things, and links only where a machine is expected."""


class Found(NamedTuple):
    """A part of a text that leads somewhere."""

    start: int
    end: int
    target: Target


class MachineNames:
    """The ids of all machines of a recording."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._sorted = sorted(set(names))
        self._known = frozenset(self._sorted)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def meant(self, text: str) -> str:
        """The machine that a text names in full, or as the only one that begins like it; empty when there is none."""
        if text in self._known:
            return text
        first = bisect_left(self._sorted, text)
        matches = [name for name in self._sorted[first : first + 2] if text and name.startswith(text)]
        return matches[0] if len(matches) == 1 else ""


NO_MACHINES: Final = MachineNames()


def machines_in(text: str, machines: MachineNames) -> Iterator[Found]:
    """The machines that a text names.

    Where a machine is expected, as in ``[pipe-in:add] Ready from shop``, the beginning of its id is enough. Elsewhere
    a word must be the whole id.
    """
    if source := _SOURCE.match(text):
        name = machines.meant(source[1])
        if name:
            yield Found(source.start(1), source.end(3), GoToSource(name, 0, source[2]))
            return
    for expected in (_PIPED.match(text), _DROPPED.match(text)):
        if expected and (name := machines.meant(expected[1].strip())):
            yield Found(expected.start(1), expected.start(1) + len(expected[1].rstrip()), GoToMachine(name))
            return
    for match in _TOKEN.finditer(text):
        word = match[0]
        if word not in machines:
            word = word.rstrip(".:!?")
        if len(word) >= _SHORTEST and word in machines:
            yield Found(match.start(), match.start() + len(word), GoToMachine(word))


def handler_state(word: str, names: Collection[str]) -> str:
    """The state at which a handler's name begins, empty when the word is no handler of these states.

    ``ReadyEnter`` belongs to ``Ready``, ``StartReady`` (from one state to the other) to ``Start``.
    """
    for suffix in (*_SUFFIXES, _ANY):
        if word.endswith(suffix) and word[: -len(suffix)] in names:
            return word[: -len(suffix)]
    if word.startswith(_ANY) and word[len(_ANY) :] in names:
        return word[len(_ANY) :]
    for end in range(len(word) - 1, 0, -1):
        if word[end].isupper() and word[:end] in names and word[end:] in names:
            return word[:end]
    return ""


def handlers_in(text: str, names: Collection[str], is_taken: Callable[[int, int], bool]) -> Iterator[Found]:
    """The handlers that a text names, with their states."""
    for match in _HANDLER.finditer(text):
        word = match[0]
        if len(word) > 2 and word not in names and not is_taken(match.start(), match.end()):
            state = handler_state(word, names)
            if state:
                yield Found(match.start(), match.end(), SelectState(state))
