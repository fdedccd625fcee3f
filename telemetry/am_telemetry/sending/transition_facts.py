"""Facts of the engine's records: patterns, steps and errors of single transitions."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from am_telemetry.facts import ErrorFact, Flag, Mutation, PatternFact, RunningFact, StepFact
from am_telemetry.sending.arguments import MAX_ID, cut

if TYPE_CHECKING:
    from am_core.resolution.steps import Step
    from am_telemetry.sending.happenings import StillRunning

MAX_ERROR_TEXT: Final = 16_384
MAX_FRAMES: Final = 50
"""Of a traceback; the innermost ones, where the error came from."""

MUTATIONS: Final[tuple[Mutation, ...]] = ("add", "remove", "set")


def pattern_fact(
    mutation: int,
    called: tuple[int, ...],
    accepted: bool,
    auto: bool,
    check: bool,
    broken: bool,
    canceled_by: str,
    moved: tuple[int, ...],
    were_active: tuple[int, ...],
    steps: Iterable[Step] | None,
    handlers: Iterable[str] | None,
    *,
    detail: int,
) -> PatternFact:
    """Everything about a transition except its moment.

    Args:
        moved: ticks gained by state index, empty for none.
        were_active: for every state that gained ticks, 1 when it was active before.
        detail: as in the settings.
    """
    flags = Flag.ACCEPTED * accepted | Flag.AUTO * auto | Flag.CHECK * check | Flag.BROKEN * broken
    deltas = tuple((state, ticks) for state, ticks in enumerate(moved) if ticks)
    odd = [(state, was) for (state, ticks), was in zip(deltas, were_active, strict=True) if ticks % 2]
    told = detail >= 1
    return PatternFact(
        mutation=MUTATIONS[mutation],
        called=tuple(called) if told else (),
        flags=Flag(flags),
        deltas=deltas,
        added=tuple(state for state, was in odd if not was),
        removed=tuple(state for state, was in odd if was),
        steps=tuple(map(step_fact, steps or ())) if detail >= 2 else (),
        handlers=tuple(cut(str(name), MAX_ID) for name in handlers or ()) if told else (),
        canceled_by=cut(str(canceled_by), MAX_ID) if told else "",
    )


def running_fact(machine: int, item: StillRunning, noted_ns: int, offset: int, *, told: bool) -> RunningFact:
    """The fact for a transition that is not over.

    Args:
        machine: handle.
        item: what was seen of it, in monotonic time.
        noted_ns: when.
        offset: from monotonic to wall-clock time.
        told: whether names may be told.
    """
    return RunningFact(
        machine=machine,
        sequence=item.sequence,
        at_ns=item.started_ns + offset,
        noted_ns=noted_ns + offset,
        mutation=MUTATIONS[item.mutation],
        called=item.called if told else (),
        auto=item.auto,
        handler=cut(item.handler, MAX_ID) if told else "",
        timed_out=item.timed_out,
    )


def step_fact(step: Step) -> StepFact:
    """The fact for an engine step."""
    return StepFact(
        step.kind,
        step.source,
        step.target,
        step.relation,
        is_final=step.is_final,
        is_self=step.is_self,
        is_enter=step.is_enter,
    )


def error_fact(error: BaseException, with_traceback: bool) -> ErrorFact:
    """Type, message and, if wanted, the traceback of an exception; never raises."""
    try:
        message = cut(str(error), MAX_ERROR_TEXT)
    except Exception as failure:  # noqa: BLE001  # foreign code: the exception's own text fails
        message = f"<str failed with {type(failure).__name__}>"
    text = ""
    if with_traceback and error.__traceback__ is not None:
        try:
            text = "".join(traceback.format_exception(error, limit=-MAX_FRAMES))
        except Exception as failure:  # noqa: BLE001  # foreign code again
            text = f"<formatting failed with {type(failure).__name__}>"
        if len(text) > MAX_ERROR_TEXT:
            text = f"… {len(text) - MAX_ERROR_TEXT} characters cut …\n{text[-MAX_ERROR_TEXT:]}"
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return ErrorFact(cut(f"{module}{kind.__qualname__}", MAX_ID), message, text)
