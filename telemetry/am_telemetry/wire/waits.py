"""Waits, contexts and pipes to protobuf and back, checked."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import accumulate

from am_proto import telemetry_pb2 as pb
from am_telemetry.waits import WaitBegun, WaitEnded, WaitFact, WaitOrigin, Waits, WaitsStanding
from am_telemetry.wire.columns import clean, deltas
from am_telemetry.wire.limits import MAX_ATTACHED, MAX_INT, MAX_NAME, WireError


def fill_waits(out: pb.Waits, waits: Waits) -> None:
    """Fill a message."""
    subjects: dict[WaitFact, int] = {}
    origins: dict[WaitOrigin, int] = {}
    begun, ended = waits.begun, waits.ended
    out.machine.extend(wait.machine for wait in begun)
    out.ident.extend(wait.ident for wait in begun)
    out.subject.extend(subjects.setdefault(wait.fact, len(subjects)) for wait in begun)
    out.sequence.extend(deltas([wait.sequence for wait in begun]))
    out.at_ns.extend(deltas([wait.at_ns for wait in begun]))
    found = [0 if wait.origin is None else 1 + origins.setdefault(wait.origin, len(origins)) for wait in begun]
    if origins:
        out.origin.extend(found)
    for fact in subjects:
        out.subjects.add(
            kind=clean(fact.kind),
            states=map(clean, fact.states),
            ticks=fact.ticks,
            text=clean(fact.text),
            peer=clean(fact.peer),
            peer_state=clean(fact.peer_state),
            mutation=clean(fact.mutation),
        )
    for origin in origins:
        out.origins.add(machine=clean(origin.machine), sequence=origin.sequence, handler=clean(origin.handler))
    reasons: dict[str, int] = {}
    out.ended_machine.extend(wait.machine for wait in ended)
    out.ended_ident.extend(wait.ident for wait in ended)
    out.ended_sequence.extend(deltas([wait.sequence for wait in ended]))
    out.ended_at_ns.extend(deltas([wait.at_ns for wait in ended]))
    out.ended_reason.extend(reasons.setdefault(wait.reason, len(reasons)) for wait in ended)
    out.reasons.extend(map(clean, reasons))
    for machine, sequence, at_ns, idents in waits.standing:
        out.standing.add(machine=machine, sequence=sequence, at_ns=at_ns, idents=idents)


def decode_waits(message: pb.Waits, machines: Container[int]) -> Waits:
    """What began and ended.

    Args:
        message: from outside.
        machines: handles of those that are open.

    Raises:
        WireError: columns differ in length, or something in them is unknown or out of range.
    """
    waits = Waits()
    _check_columns([message.machine, message.ident, message.subject, message.sequence, message.at_ns])
    _check_columns(
        [
            message.ended_machine,
            message.ended_ident,
            message.ended_sequence,
            message.ended_at_ns,
            message.ended_reason,
        ]
    )
    if len(message.origin) not in (0, len(message.machine)):
        raise WireError("the columns of waits differ in length")
    if message.machine:
        waits.begun = _begun(message, machines)
    if message.ended_machine:
        _check_places(message.ended_reason, len(message.reasons))
        reasons = [_name(reason) for reason in message.reasons]
        waits.ended = [
            WaitEnded(machine, ident, sequence, at_ns, reasons[reason])
            for machine, ident, sequence, at_ns, reason in zip(
                _known(message.ended_machine, machines),
                _numbers(message.ended_ident),
                _numbers(accumulate(message.ended_sequence)),
                _numbers(accumulate(message.ended_at_ns)),
                message.ended_reason,
                strict=True,
            )
        ]
    left = MAX_ATTACHED
    for entry in message.standing:
        left -= 1 + len(entry.idents)
        if left < 0:
            raise WireError("too many waits in one batch")
        (machine,) = _known([entry.machine], machines)
        sequence, at_ns, *idents = _numbers([entry.sequence, entry.at_ns, *entry.idents])
        waits.standing.append(WaitsStanding(machine, sequence, at_ns, tuple(idents)))
    return waits


def _begun(message: pb.Waits, machines: Container[int]) -> list[WaitBegun]:
    if max(len(message.subjects), len(message.origins)) > len(message.machine):
        raise WireError("there are more subjects than waits")
    facts = [_fact(subject) for subject in message.subjects]
    origins: list[WaitOrigin | None] = [None]
    for origin in message.origins:
        (sequence,) = _numbers([origin.sequence])
        origins.append(WaitOrigin(_name(origin.machine), sequence, _name(origin.handler)))
    _check_places(message.subject, len(facts))
    _check_places(message.origin, len(origins))
    return [
        WaitBegun(machine, ident, sequence, at_ns, facts[subject], origins[origin])
        for machine, ident, sequence, at_ns, subject, origin in zip(
            _known(message.machine, machines),
            _numbers(message.ident),
            _numbers(accumulate(message.sequence)),
            _numbers(accumulate(message.at_ns)),
            message.subject,
            message.origin or [0] * len(message.machine),
            strict=True,
        )
    ]


def _fact(message: pb.WaitSubject) -> WaitFact:
    if max(len(message.states), len(message.ticks)) > MAX_NAME:
        raise WireError("somebody waits for too many states")
    return WaitFact(
        kind=_name(message.kind),
        states=tuple([_name(state) for state in message.states]),
        ticks=tuple(_numbers(message.ticks)),
        text=_name(message.text),
        peer=_name(message.peer),
        peer_state=_name(message.peer_state),
        mutation=_name(message.mutation),
    )


def _check_columns(columns: Sequence[Sequence[int]]) -> None:
    count = len(columns[0])
    if count > MAX_ATTACHED or any(len(column) != count for column in columns):
        raise WireError("the columns of waits are too long, or differ in length")


def _check_places(places: Sequence[int], size: int) -> None:
    if places and max(places) >= size:
        raise WireError("a wait refers to something that is not in its batch")


def _name(text: str) -> str:
    if len(text) > MAX_NAME:
        raise WireError("the words of a wait are too long")
    return text


def _numbers(values: Iterable[int]) -> list[int]:
    numbers = list(values)
    if numbers and not 0 <= min(numbers) <= max(numbers) <= MAX_INT:
        raise WireError("a number of a wait is out of range")
    return numbers


def _known(handles: Iterable[int], machines: Container[int]) -> list[int]:
    found = list(handles)
    if any(handle not in machines for handle in set(found)):
        raise WireError("a wait belongs to an unknown machine")
    return found
