"""Items of the retention as frames of one connection, as many as may be under way. For the sender thread only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.items import Item
from am_telemetry.sending.pacing import Pacing
from am_telemetry.sending.retention import Encode, Retention

if TYPE_CHECKING:
    from am_telemetry.sending.known import Known
    from am_telemetry.sending.link import Link

WINDOW: Final = 32
"""Batches in flight, more if they are small."""
WINDOW_OF_SMALL: Final = 256
WINDOW_ROWS: Final = 8192
MAX_FRAME: Final = 3 * 1024 * 1024 + 512 * 1024
"""Bytes of the largest message that every hub takes, unless it says otherwise."""


class Framing:
    """Adds to items the definitions that an end of a connection lacks.

    Args:
        retention: where items come from.
        schemas: of this process.
        encode: makes bytes of definitions.
    """

    def __init__(self, retention: Retention, schemas: SchemaTable, encode: Encode) -> None:
        self._retention = retention
        self._schemas = schemas
        self._encode = encode
        self._max_frame = MAX_FRAME

    def limit(self, max_message: int) -> None:
        """A hub takes messages of so many bytes; 0 when it has not said."""
        self._max_frame = min(MAX_FRAME, max_message) if max_message else MAX_FRAME

    def frame(self, item: Item, known: Known) -> bytes:
        """An item as it is sent to an end that knows so much, and will know what is in it."""
        retention = self._retention
        stored = retention.stored_frame(item)
        if stored is not None:
            return stored
        if len(retention.frame_of(item)) + known.weight(item) > self._max_frame:
            retention.give_up(item, "too large")
        return self._encode(known.lacking(item), self._schemas.handles) + retention.frame_of(item)

    def send(self, link: Link, known: Known, pacing: Pacing) -> int:
        """Send what waits and fits; returns how many transitions were sent that never were before."""
        retention = self._retention
        sent = 0
        while self._has_room:
            item = retention.next_to_send()
            if item is None:
                break
            stored = retention.stored_frame(item)
            size = len(stored or retention.frame_of(item)) + (0 if stored else known.weight(item))
            if not pacing.permits(size, alone=not retention.in_flight):
                break
            frame = stored or self.frame(item, known)
            pacing.spend(len(frame))
            link.send(frame)
            if not item.was_sent:
                sent += item.transitions
            retention.mark_sent()
        return sent

    @property
    def _has_room(self) -> bool:
        retention = self._retention
        if retention.in_flight < WINDOW:
            return True
        return retention.in_flight < WINDOW_OF_SMALL and retention.rows_in_flight < WINDOW_ROWS
