"""Items as they are written to the spool: complete in themselves, whatever was sent before."""

from __future__ import annotations

from pathlib import Path

from am_telemetry.sending.identity import Session, hello
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.items import Item, Machine, settle
from am_telemetry.sending.known import Known
from am_telemetry.sending.retention import MAX_BYTES, Encode
from am_telemetry.sending.spool import Place, Spool
from am_telemetry.settings import Settings


class ItemSpooler:
    """Writes items of a session to its spool. Not thread-safe."""

    def __init__(self, spool: Spool, encode: Encode, schemas: SchemaTable) -> None:
        self.machines: dict[int, Machine] = {}
        """Where machines stand after everything that was written."""
        self.spool = spool
        self._encode = encode
        self._schemas = schemas

    def append(self, item: Item) -> Place | None:
        """See :class:`am_telemetry.sending.retention.Spooler`."""
        known = Known(self, self._schemas, announce_all=False)
        definitions = self._encode(known.lacking(item), self._schemas.handles)
        settle(self.machines, item, self._schemas)
        return self.spool.append(item.first_seq, item.last_seq, definitions + item.frame)

    def read(self, place: Place) -> bytes | None:
        """See :class:`am_telemetry.sending.retention.Spooler`."""
        return self.spool.read(place)

    def acknowledged(self, upto_seq: int) -> None:
        """See :class:`am_telemetry.sending.retention.Spooler`."""
        self.spool.acknowledged(upto_seq)


def open_spooler(settings: Settings, session: Session, schemas: SchemaTable, encode: Encode) -> ItemSpooler:
    """The spool of a new session, in the folder that the settings name."""
    first = hello(session, settings, 1, MAX_BYTES)
    spool = Spool(Path(settings.spool), session.id, first, sync=settings.spool_sync)
    return ItemSpooler(spool, encode, schemas)
