"""What is recorded of a batch when a program sends more than its share; the rest is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from am_telemetry.batch import Batch
from am_telemetry.receiving.admission import Limits, Refusals

Complaint: TypeAlias = tuple[str, str]
"""One of few codes, and what to tell the program."""


def limited(batch: Batch, known: set[int], limits: Limits, refusals: Refusals) -> tuple[Batch, list[Complaint]]:
    """The batch without what exceeds the limits, and which they are.

    What is left out shows as missing in the recording.

    Args:
        batch: not changed.
        known: handles of the machines that are recorded, kept up to date here.
        limits: how much is taken.
        refusals: counts what is not.
    """
    complaints: list[Complaint] = []
    if limits.rows and len(batch) > limits.rows:
        refusals.count("transitions in batches too large", len(batch))
        complaints.append(
            (
                "batch",
                f"{len(batch):,} transitions in one message were left out, because this hub takes {limits.rows:,} "
                "(am-dbg --max-batch)",
            )
        )
        batch = without_transitions(batch)
    ending = {closed.machine for closed in batch.closed}
    known -= ending
    if not batch.opened:
        return batch, complaints
    room = max(0, limits.machines - len(known)) if limits.machines else len(batch.opened)
    for handle, _, _ in batch.opened:
        if handle in known or handle in ending:
            continue
        if room:
            known.add(handle)
            room -= 1
    kept = [opened for opened in batch.opened if opened[0] in known or opened[0] in ending]
    if len(kept) == len(batch.opened):
        return batch, complaints
    refusals.count("machines too many", len(batch.opened) - len(kept))
    complaints.append(
        (
            "machines",
            f"more than {limits.machines:,} machines at the same time; further ones are not recorded "
            "(am-dbg --max-machines)",
        )
    )
    return replace(batch, opened=kept), complaints


def without_transitions(batch: Batch) -> Batch:
    """The definitions of a batch, and what concerns whole machines."""
    return Batch(
        batch.first_seq,
        batch.last_seq,
        texts=batch.texts,
        schemas=batch.schemas,
        opened=batch.opened,
        patterns=batch.patterns,
        revised=batch.revised,
        gaps=batch.gaps,
        closed=batch.closed,
        late=batch.late,
        running=batch.running,
        omissions=batch.omissions,
        waits=batch.waits,
    )
