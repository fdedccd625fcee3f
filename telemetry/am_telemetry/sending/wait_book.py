"""What is pending in the machines of a process, as the sender thread knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from am_telemetry.batch import Batch
from am_telemetry.facts import OmissionFact
from am_telemetry.sending.drafts import Dropped
from am_telemetry.sending.retention import WAITS
from am_telemetry.sending.ring import Track
from am_telemetry.sending.wait_notes import Began, Listed, Listing, WaitEnds, WaitHappening
from am_telemetry.waits import WaitEnded, WaitsStanding

COST: Final = 48
"""Bytes of a beginning or an end, about."""
MAX_TEXTS: Final = 16_384
"""Bytes that the words of one are taken to have at most, as long ones are cut."""
MAX_OPEN: Final = 50_000
"""Pending things of one machine; further ones are not told."""


@dataclass(slots=True)
class _Page:
    """One machine."""

    track: Track
    open: dict[int, Began] = field(default_factory=dict)
    since_listing: set[int] = field(default_factory=set)
    """What began or ended while the machine was being asked."""
    sequence: int = 0
    """Of the last happening."""


class WaitBook:
    """Keeps what is pending, so that it can be told again. Not thread-safe.

    Args:
        dropped: where losses are counted.
    """

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._pages: dict[int, _Page] = {}

    def take(self, batch: Batch, track: Track, item: WaitHappening, at_ns: int, offset: int) -> int:
        """Put a happening into a batch.

        Args:
            batch: being filled.
            track: the machine's.
            item: what was noted.
            at_ns: when, by the monotonic clock.
            offset: from there to the wall clock.

        Returns:
            What it adds to the batch, in bytes.
        """
        page = self._page(track)
        if isinstance(item, Began):
            return self._begin(batch, track, page, item, offset)
        if isinstance(item, WaitEnds):
            # Also of what is not known to have begun: the list may have been made between the end and this.
            page.since_listing.add(item.ident)
            page.open.pop(item.ident, None)
            page.sequence = max(page.sequence, item.sequence)
            batch.waits.ended.append(WaitEnded(track.handle, item.ident, item.sequence, at_ns + offset, item.reason))
            return COST
        if isinstance(item, Listing):
            page.since_listing.clear()
            return 0
        return self._listed(batch, track, page, item, at_ns, offset)

    def tell_again(self, batch: Batch, track: Track, at_ns: int, offset: int) -> int:
        """Put everything that is pending in a machine into a batch; returns the bytes of it.

        Args:
            batch: being filled.
            track: the machine's.
            at_ns: the present, by the wall clock.
            offset: from the monotonic clock to it.
        """
        page = self._pages.get(track.handle)
        return 0 if page is None else self._stand(batch, track, page, at_ns, offset)

    def track(self, handle: int) -> Track | None:
        """The machine of that handle, if anything was ever pending in it."""
        page = self._pages.get(handle)
        return None if page is None else page.track

    def close(self, track: Track) -> None:
        """The machine is gone, and with it whatever was pending."""
        self._pages.pop(track.handle, None)

    def _page(self, track: Track) -> _Page:
        page = self._pages.get(track.handle)
        if page is None:
            page = self._pages[track.handle] = _Page(track)
        return page

    def _begin(self, batch: Batch, track: Track, page: _Page, wait: Began, offset: int) -> int:
        page.since_listing.add(wait.ident)
        page.sequence = max(page.sequence, wait.sequence)
        if wait.ident in page.open:
            return 0
        if len(page.open) >= MAX_OPEN:
            self._omit(batch, track, wait.sequence, 1, "too many")
            return COST
        page.open[wait.ident] = wait
        batch.waits.begun.append(wait.begun(track.handle, offset))
        return _cost(wait)

    def _listed(self, batch: Batch, track: Track, page: _Page, item: Listed, at_ns: int, offset: int) -> int:
        if item.lost:
            self._omit(batch, track, item.sequence, item.lost, "buffer full")
        touched, page.since_listing = page.since_listing, set()
        kept = {ident: wait for ident, wait in page.open.items() if ident in touched}
        for wait in item.waits[:MAX_OPEN]:
            if wait.ident not in touched:
                # What was told before keeps the moment at which it began.
                kept[wait.ident] = page.open.get(wait.ident, wait)
        page.open = kept
        page.sequence = max(page.sequence, item.sequence)
        return self._stand(batch, track, page, at_ns + offset, offset)

    def _stand(self, batch: Batch, track: Track, page: _Page, at_ns: int, offset: int) -> int:
        batch.waits.begun += [wait.begun(track.handle, offset) for wait in page.open.values()]
        batch.waits.standing.append(WaitsStanding(track.handle, page.sequence, at_ns, tuple(page.open)))
        return COST + sum(map(_cost, page.open.values()))

    def _omit(self, batch: Batch, track: Track, sequence: int, count: int, reason: str) -> None:
        self._dropped.omit(WAITS, count)
        batch.omissions.append(OmissionFact(track.handle, sequence, sequence, WAITS, count, reason))


def _cost(wait: Began) -> int:
    texts = len(wait.text) + len(wait.peer) + sum(map(len, wait.states))
    return COST + min(texts, MAX_TEXTS) + (64 if wait.origin else 0)
