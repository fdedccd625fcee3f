"""The names of a query against those of a recording: exactly, then in any case, then by their beginning."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from am_dbg.session.query_terms import Both, Either, Having, Negated, OfState, QueryError, Term, Within
from am_telemetry.store.reading import Recording


def named(term: Term, recording: Recording, states: Iterable[str] = ()) -> Term:
    """The query with each state spelled as in the recording.

    Args:
        states: names that win where a name may mean several, such as those of the machine that is looked at.

    Raises:
        QueryError: no machine has such a state, or the name may mean several; or no machine has such a name.
    """
    known: dict[str, None] = {}
    for schema in {id(s): s for s in (recording.timeline(m.id).schema for m in recording.machines)}.values():
        known.update(dict.fromkeys(schema.names))
    return _Names(list(known), list(states), [machine.name for machine in recording.machines]).spelled(term)


class _Names:
    def __init__(self, states: list[str], preferred: list[str], machines: list[str]) -> None:
        self._states = states
        self._preferred = preferred
        self._machines = machines

    def spelled(self, term: Term) -> Term:
        match term:
            case Both(parts):
                return Both(tuple(self.spelled(part) for part in parts))
            case Either(parts):
                return Either(tuple(self.spelled(part) for part in parts))
            case Negated(part):
                return Negated(self.spelled(part))
            case OfState():
                return replace(term, name=self._state(term.name, term.column))
            case Within() if term.state:
                return replace(term, state=self._state(term.state, term.column))
            case Having("machine", value, column) if not set("*?[") & set(value) and value not in self._machines:
                raise QueryError(f"there is no machine {value!r}", column, _near(value, self._machines))
            case _:
                return term

    def _state(self, name: str, column: int) -> str:
        if name in self._states:
            return name
        folded = name.casefold()
        for names in (self._preferred, self._states):
            for found in (
                [known for known in names if known.casefold() == folded],
                [known for known in names if known.casefold().startswith(folded)],
            ):
                if len(found) == 1:
                    return found[0]
                if found:
                    hint = f"it may mean {', '.join(found[:4])}" + (" and others" if len(found) > 4 else "")
                    raise QueryError(f"{name!r} is not clear", column, hint)
        raise QueryError(f"no machine has a state {name!r}", column, _near(name, self._states))


def _near(name: str, known: list[str]) -> str:
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, names, n=3) or [n for n in names if name.casefold() in n.casefold()][:3]
    return f"did you mean {' or '.join(near)}?" if near else "see / for what there is"
