"""What a transition of a machine of another engine means, worked out from the states before and after it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from am_telemetry.adapters.attempt import Attempt
from am_telemetry.adapters.shape import Move, Shape
from am_telemetry.facts import StepFact
from am_telemetry.sending.arguments import MAX_ID, cut

EXCEPTION_INDEX: Final = 0
"""State that stands for exceptions, see :class:`am_telemetry.adapters.shape.Shape`."""
CHANGES: Final = 2
OPS: Final = 3
DECISIONS: Final = 4


def move_of(
    shape: Shape,
    attempt: Attempt,
    was: frozenset[int],
    active: frozenset[int],
    again: Collection[str],
    accepted: bool,
    canceled_by: str,
) -> Move:
    """Tell an attempt from the active states, with the steps and the log of every level.

    Args:
        shape: of the machine.
        attempt: that ends, or is interrupted by another one.
        was: indexes of the states that were active before.
        active: those that are now.
        again: names of the states that were left and entered again.
        accepted: whether a transition was made.
        canceled_by: what refused it.
    """
    names, index = shape.names, shape.index
    ticks = dict.fromkeys(was ^ active, 1)
    ticks.update((index[name], 2) for name in again if name in index and index[name] in was & active)
    entered, left = sorted(active - was), sorted(was - active)
    called = [index[name] for name in attempt.called if name in index]
    if not called and accepted and not attempt.again:
        # Where nobody says what was called, it is the innermost of what was entered, or what stayed.
        called = _innermost(shape, entered) or _innermost(shape, sorted(active))
    steps = [StepFact("called", target=state) for state in called]
    if accepted:
        steps += [StepFact("deactivate", target=state) for state in left]
        steps += [StepFact("activate", target=state) for state in entered]
        steps += [StepFact("activate", target=state, is_self=True) for state in sorted(ticks) if ticks[state] == 2]
    else:
        steps += [StepFact("cancel", target=state) for state in called]
    lines = [(CHANGES, f"[event] {cut(attempt.event, MAX_ID)}{' (continued)' if attempt.again else ''}")]
    if entered or left:
        changes = [*(f"+{names[i]}" for i in entered), *(f"-{names[i]}" for i in left)]
        lines.append((CHANGES, f"[state] {' '.join(changes)}"))
    if canceled_by:
        lines.append((OPS, f"[cancel] {attempt.event} by {cut(canceled_by, MAX_ID)}"))
    return Move(tuple(dict.fromkeys(called)), tuple(steps), tuple(lines), tuple(sorted(ticks.items())), active)


def failure(shape: Shape, was: frozenset[int]) -> Move:
    """Tell that user code has failed: the state for exceptions becomes active, or is entered again."""
    again = EXCEPTION_INDEX in was
    return Move(
        (EXCEPTION_INDEX,),
        (StepFact("called", target=EXCEPTION_INDEX), StepFact("activate", target=EXCEPTION_INDEX)),
        () if again else ((CHANGES, f"[state] +{shape.names[EXCEPTION_INDEX]}"),),
        ((EXCEPTION_INDEX, 2 if again else 1),),
        was | {EXCEPTION_INDEX},
    )


def _innermost(shape: Shape, states: list[int]) -> list[int]:
    """Those inside of which none of the others is, without the one for exceptions."""
    facts, names = shape.facts, shape.names
    outer = {name for state in states for name in facts[names[state]].require if names[state] in facts}
    return [state for state in states if names[state] not in outer and state != EXCEPTION_INDEX]
