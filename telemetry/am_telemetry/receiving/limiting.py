"""What is recorded of a batch when a program sends more than its share; the rest is counted."""

from __future__ import annotations

import logging
from dataclasses import replace

from am_telemetry.batch import Batch
from am_telemetry.receiving.admission import Limits, Refusals

logger = logging.getLogger("am_telemetry.receiving.collector")


def limited(batch: Batch, known: set[int], limits: Limits, refusals: Refusals, who: str) -> Batch:
    """The batch without what exceeds the limits. What is left out shows as missing in the recording.

    Args:
        batch: not changed.
        known: handles of the machines that are recorded, kept up to date here.
        limits: how much is taken.
        refusals: counts what is not.
        who: names the program in log lines.
    """
    if limits.rows and len(batch) > limits.rows:
        refusals.count("transitions in batches too large", len(batch))
        logger.warning("%s sent %s transitions at once, which is too many", who, f"{len(batch):,}")
        batch = without_transitions(batch)
    ending = {closed.machine for closed in batch.closed}
    known -= ending
    if not batch.opened:
        return batch
    room = max(0, limits.machines - len(known)) if limits.machines else len(batch.opened)
    for handle, _, _ in batch.opened:
        if handle in known or handle in ending:
            continue
        if room:
            known.add(handle)
            room -= 1
    kept = [opened for opened in batch.opened if opened[0] in known or opened[0] in ending]
    if len(kept) == len(batch.opened):
        return batch
    refusals.count("machines too many", len(batch.opened) - len(kept))
    logger.warning("%s has more than %s machines; further ones are not recorded", who, f"{limits.machines:,}")
    return replace(batch, opened=kept)


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
