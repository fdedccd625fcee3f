"""Log lines taken apart: prefix, states, arguments. What a machine did not log is told from its pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from am_dbg.session.targets import ChangeLog, SelectState
from am_dbg.viewmodels.describe import cancel_reason, is_canceled, state_spans
from am_dbg.viewmodels.log_names import NO_MACHINES, Found, MachineNames, handler_state, handlers_in, machines_in
from am_dbg.viewmodels.spans import TEXT_LIMIT, Line, Role, Span, clean
from am_telemetry.facts import PatternFact
from am_telemetry.store.records import PatternRecord

_PREFIX: Final = re.compile(r"\[[^\]\s]{1,60}\]")
_ARGUMENT: Final = re.compile(r"(?<![^\s(,])([A-Za-z_][\w.-]*)=([^\s)]*)")
_WORD: Final = re.compile(r"\w+")
_NAMES_LIMIT: Final = 2_000


@lru_cache(maxsize=64)
def _words(names: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str]]:
    """The names, and what finds candidates for them: whole words, so that Ready is not found inside ReadyToGo.

    Ordinary names are looked up word by word, because trying hundreds of alternatives at each character is slow; only
    names with other characters in them are alternatives of the pattern, the longest first.
    """
    odd = sorted((name for name in names[:_NAMES_LIMIT] if name and not _WORD.fullmatch(name)), key=len, reverse=True)
    boundary = rf"(?<!\w)(?:{'|'.join(map(re.escape, odd))})(?!\w)|" if odd else ""
    return frozenset(filter(None, names)), re.compile(boundary + _WORD.pattern)


def parse(
    text: str,
    names: tuple[str, ...],
    called: Iterable[str] = (),
    machines: MachineNames = NO_MACHINES,
    *,
    count: bool = True,
) -> Line:
    """One log entry as a line: the prefix apart, names as links, states with their sign, arguments as key and value.

    Args:
        text: as logged; of several physical lines the first is shown and the others are counted.
        names: states of the machine; they are recognised as whole words, or as what a handler is called after.
        called: names of the called states, which are underlined.
        machines: machines that the text may name.
        count: whether to tell how many physical lines follow.
    """
    first, more = first_line(text)
    spans = list(parse_line(first, names, called, machines))
    if more and count:
        hint = f"  (+{more} {'line' if more == 1 else 'lines'})"
        spans.append(Span(hint, Role.DIM, target=ChangeLog("traces")))
    return tuple(spans)


def parse_line(
    first: str, names: tuple[str, ...], called: Iterable[str] = (), machines: MachineNames = NO_MACHINES
) -> Line:
    """One physical line of an entry, its first one. Arguments as for ``parse``."""
    spans: list[Span] = []
    rest = first
    left_out = max(0, len(rest) - TEXT_LIMIT)
    if prefix := _PREFIX.match(first):
        known, _ = _words(names)
        named = next((s for word in _WORD.findall(prefix[0]) if (s := handler_state(word, known))), "")
        spans.append(Span(clean(prefix[0]), Role.PREFIX, target=SelectState(named) if named else None))
        rest = first[prefix.end() :]
        left_out = max(0, len(rest) - TEXT_LIMIT)
    linked = list(machines_in(first[:TEXT_LIMIT], machines)) if machines is not NO_MACHINES else []
    offset = len(first) - len(rest)
    inside = [Found(f.start - offset, f.end - offset, f.target) for f in linked if f.start >= offset]
    spans.extend(_body(rest[:TEXT_LIMIT], names, frozenset(called), inside))
    if left_out:
        spans.append(Span(f"… (+{left_out})", Role.DIM))
    return tuple(spans)


def first_line(text: str) -> tuple[str, int]:
    """The first physical line of an entry, and how many follow."""
    stripped = text.strip("\r\n")
    end = stripped.find("\n")
    if end < 0:
        return stripped, 0
    return stripped[:end].rstrip("\r"), stripped.count("\n", end)


def _body(text: str, names: tuple[str, ...], called: frozenset[str], linked: Iterable[Found] = ()) -> list[Span]:
    known, words = _words(names)
    found: list[tuple[int, int, list[Span]]] = []
    for part in linked:
        shown = Span(clean(text[part.start : part.end]), Role.LINK, underline=True, target=part.target)
        found.append((part.start, part.end, [shown]))
    taken = [(start, end) for start, end, _ in found]

    def is_taken(start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in taken)

    for match in _ARGUMENT.finditer(text):
        if not is_taken(match.start(), match.end()):
            found.append((match.start(), match.end(), [_key(match[1]), Span(clean(match[2]), Role.VALUE)]))
    taken = [(start, end) for start, end, _ in found]
    for match in words.finditer(text):
        if match[0] not in known or is_taken(match.start(), match.end()):
            continue
        name = match[0]
        sign = text[match.start() - 1] if match.start() else ""
        removed = sign in ("-", "−") and (match.start() < 2 or not text[match.start() - 2].isalnum())
        added = sign == "+"
        role = Role.REMOVED if removed else Role.ADDED if added else Role.ACTIVE
        start = match.start() - (removed or added)
        # Without colour the sign tells an added state from a removed one, and bold a state from other words.
        written = ("+" if added else "-" if removed else "") + clean(name)
        span = Span(written, role, bold=not removed, underline=name in called, target=SelectState(name))
        found.append((start, match.end(), [span]))
    for part in handlers_in(text, known, is_taken):
        found.append(
            (part.start, part.end, [Span(clean(text[part.start : part.end]), Role.ACTIVE, target=part.target)])
        )
    out: list[Span] = []
    position = 0
    for start, end, pieces in sorted(found, key=lambda item: item[0]):
        if start < position:
            continue
        if start > position:
            out.append(Span(clean(text[position:start])))
        out.extend(pieces)
        position = end
    if position < len(text):
        out.append(Span(clean(text[position:])))
    return out


def _key(name: str) -> Span:
    return Span(clean(name) + "=", Role.KEY)


def summary(record: PatternRecord) -> Line:
    """What a transition did, for transitions without log lines of their own."""
    fact, schema = record.fact, record.schema
    called = state_spans(schema, fact.called, Role.CALLED)
    asked = (Span(f" {fact.mutation} ", Role.DIM), *called)
    reason = cancel_reason(record)
    why = (Span(" · ", Role.CANCELED), *_reason(reason, schema.names)) if reason else ()
    if fact.queued:
        return (Span("[queued]", Role.PREFIX), *asked)
    if fact.check:
        answer = Span(" · yes" if fact.accepted else " · no", Role.ACCEPTED if fact.accepted else Role.CANCELED)
        return (Span("[check]", Role.PREFIX), *asked, answer, *why)
    if is_canceled(fact):
        return (Span("[cancel]", Role.PREFIX), *asked, *why)
    if not fact.deltas:
        return (Span("[empty]", Role.PREFIX), *asked)
    return (Span("[state:auto]" if fact.auto else "[state]", Role.PREFIX), *_changes(record))


def _reason(reason: str, names: tuple[str, ...]) -> Line:
    """Why it was refused; the states and handlers in it are links."""
    spans = _body(reason, names, frozenset())
    return tuple(replace(span, role=Role.CANCELED, underline=span.target is not None) for span in spans)


def _changes(record: PatternRecord) -> Line:
    fact, schema = record.fact, record.schema
    again = tuple(s for s, ticks in fact.deltas if ticks and s not in fact.added and s not in fact.removed)
    spans: list[Span] = []
    for states, role, sign in (
        (fact.added, Role.ADDED, "+"),
        (again, Role.CALLED, "~"),
        (fact.removed, Role.REMOVED, "−"),
    ):
        if states:
            spans += [Span(" "), *state_spans(schema, states, role, sign)]
    return tuple(spans)


def gutter(fact: PatternFact, error: bool) -> Span:
    """The sign at the left edge: ``!`` error, ``✕`` canceled, ``+`` states added, ``−`` only removed, ``·`` neither."""
    if error:
        return Span("! ", Role.ERROR, bold=True)
    if is_canceled(fact) or (fact.check and not fact.accepted):
        return Span("✕ ", Role.CANCELED, bold=True)
    if fact.queued:
        return Span("… ", Role.QUEUED)
    if fact.added:
        return Span("+ ", Role.ADDED, bold=True)
    if fact.removed:
        return Span("− ", Role.REMOVED, bold=True)
    return Span("~ ", Role.CALLED) if fact.deltas else Span("· ", Role.EMPTY)
