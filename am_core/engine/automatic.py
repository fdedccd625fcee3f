"""Automatic states: which ones are tried after a transition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from am_core.engine.enqueue import prepend
from am_core.engine.failures import Panic
from am_core.logs import EVERYTHING, OPS
from am_core.resolution.mutation import ADD, AutoRetry, Mutation
from am_core.resolution.relations import auto_candidates
from am_core.schemas.model import bits, mask_of

if TYPE_CHECKING:
    from am_core.resolution.transition import Transition


def schedule_auto(tx: Transition) -> None:
    """Queue the automatic mutation that follows a transition, if any."""
    machine, mutation = tx.machine, tx.mutation
    model, _, mask, _ = machine._now
    if not model.auto_mask & ~mask:
        return
    if machine._disposing or (mutation.type is ADD and mutation.called in tx.model.health):
        return
    if machine._refusing and machine.backoff():
        return
    panic = mutation.args.get("panic")
    failed_from = panic.failed_from if isinstance(panic, Panic) else None
    if failed_from and (tx.target_mask == tx.mask_before or mask in failed_from):
        # The same attempt from the same states would fail the same way, for ever.
        return
    if machine._log_level >= EVERYTHING:
        for i in bits(model.auto_mask & ~mask):
            if model.removed_by[i] & mask:
                blockers = model.mask_text(model.removed_by[i] & mask)
                machine._log(EVERYTHING, f"[auto:rel:remove] {model.names[i]} by {blockers}")
    called = tuple(auto_candidates(model, mask))
    if not called:
        return
    if machine._log_level >= OPS:
        machine._log(OPS, f"[auto] {model.text(called)}")
    if failed_from:
        prepend(machine, AutoRetry(called, mask_of(called), failed_from))
    else:
        prepend(machine, Mutation(ADD, called, mask_of(called), {}, is_auto=True))
