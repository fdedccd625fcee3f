"""One transition in words: what was asked for, what changed, and why it was refused."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from am_dbg.session.targets import SelectState
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.facts import NO_STATE, ErrorFact, PatternFact, SchemaFact, StepFact
from am_telemetry.store.records import PatternRecord

_FRAME: Final = re.compile(r'^ *File "([^"\n]+)", line ([0-9]{1,9})', re.MULTILINE)


def names(schema: SchemaFact, states: tuple[int, ...], limit: int = 8) -> list[str]:
    """The cleaned names of some states; beyond ``limit`` only how many more there are."""
    shown = [clean(schema.state_name(state)) for state in states[:limit]]
    return shown + ([f"… (+{len(states) - limit})"] if len(states) > limit else [])


def state_spans(schema: SchemaFact, states: tuple[int, ...], role: Role, sign: str = "", limit: int = 8) -> Line:
    """States separated by blanks, each with a sign before it and as a link."""
    spans: list[Span] = []
    for state in states[:limit]:
        name = schema.state_name(state)
        text = (" " if spans else "") + sign + clean(name)
        spans.append(Span(text, role, bold=True, target=SelectState(name) if state >= 0 else None))
    if len(states) > limit:
        spans.append(Span(f" … (+{len(states) - limit})", Role.DIM))
    return tuple(spans)


def is_canceled(fact: PatternFact) -> bool:
    """Refused, as opposed to accepted, a dry run, or a mere queue record."""
    return not (fact.accepted or fact.check or fact.queued)


def cancel_reason(record: PatternRecord) -> str:
    """Why a transition was refused, as precisely as its steps tell; empty when it was not or nobody knows."""
    fact = record.fact
    if not is_canceled(fact) and not (fact.check and not fact.accepted):
        return ""
    by = fact.canceled_by
    if by == "timeout":
        return "a handler took too long" + _last_handler(record)
    if by == "recover":
        return "a handler failed" + _last_handler(record)
    if by and by != "relations":
        return f"canceled by {clean(by)}"
    return _relation_reason(record) or ("refused by relations" if by else "")


def _relation_reason(record: PatternRecord) -> str:
    schema, fact = record.schema, record.fact
    called = set(fact.called)
    dropped = {step.target for step in fact.steps if step.kind == "cancel"}
    lost = {step.source for step in fact.steps if step.kind == "deactivate-passive" and step.source >= 0}
    for step in fact.steps:
        if _is(step, "require") and step.target in dropped and step.source in (called & lost or called):
            return f"Require {clean(schema.state_name(step.target))} is not active"
    for step in fact.steps:
        if _is(step, "remove") and step.target in called and step.target in dropped:
            return f"Removed by {clean(schema.state_name(step.source))}"
    canceled = next((step.target for step in fact.steps if step.kind == "cancel"), NO_STATE)
    return f"{clean(schema.state_name(canceled))} was refused" if canceled >= 0 else ""


def _is(step: StepFact, relation: str) -> bool:
    return step.kind == "rel" and step.relation == relation


def _last_handler(record: PatternRecord) -> str:
    handlers = record.fact.handlers
    return f": {clean(handlers[-1])}" if handlers else ""


def error_text(error: ErrorFact, limit: int = 200) -> str:
    """``ValueError: bad input``, cleaned, on one line."""
    return clean(f"{error.type}: {error.message}" if error.message else error.type, limit)


def error_place(error: ErrorFact) -> str:
    """``shop.py:41``: the innermost line of a Python traceback; empty when there is none."""
    frames = _FRAME.findall(error.traceback)
    if not frames:
        return ""
    path, line = frames[-1]
    return f"{clean(PurePath(path.replace(chr(92), '/')).name, 60)}:{line}"
