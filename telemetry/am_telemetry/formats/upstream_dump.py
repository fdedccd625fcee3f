"""Recordings saved by the Go debugger: brotli around one gob value, a list of machines with their transitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import brotli

from am_telemetry.batch import Batch
from am_telemetry.formats.errors import FormatError, GobError
from am_telemetry.formats.gob_stream import GobStream
from am_telemetry.formats.upstream import Converter, Counts, OpenMachine
from am_telemetry.formats.upstream_shape import check_dump

_CHUNK: Final = 64 * 1024
_OUTPUT_LIMIT: Final = 64 * 1024
BATCH_SIZE: Final = 1024

NOT_BROTLI: Final = "it is not compressed with brotli"
_HINT: Final = "am-dbg imports recordings that the Go am-dbg exported (name.gob.br)"


class BrotliReader:
    """Decompresses a file in pieces of bounded size, however small the file is that would yield them.

    Args:
        file: opened for reading bytes; not closed here.
        consumed: told the number of compressed bytes read so far, whenever it grows.
    """

    def __init__(self, file: BinaryIO, consumed: Callable[[int], None]) -> None:
        self._file = file
        self._consumed = consumed
        self._read = 0
        self._decompressor = brotli.Decompressor()

    def __call__(self) -> bytes:
        """The next decompressed bytes, empty at the end.

        Raises:
            FormatError: the data are not brotli, or end too early.
        """
        engine = self._decompressor
        while not engine.is_finished():
            chunk = b""
            if engine.can_accept_more_data():
                try:
                    chunk = self._file.read(_CHUNK)
                except OSError as error:
                    raise FormatError(f"it cannot be read: {error.strerror or error}") from error
                self._read += len(chunk)
                self._consumed(self._read)
            try:
                data: bytes = engine.process(chunk, output_buffer_limit=_OUTPUT_LIMIT)
            except brotli.error as error:
                raise FormatError(NOT_BROTLI if self._read <= _CHUNK else "it is damaged", _HINT) from error
            if data:
                return data
            if not chunk and engine.can_accept_more_data():
                raise FormatError("it ends too early" if self._read else "it is empty", _HINT)
        return b""


class Dump:
    """One dump being read.

    Args:
        file: the compressed dump, opened for reading bytes.
        consumed: told the number of compressed bytes read so far.
    """

    def __init__(self, file: BinaryIO, consumed: Callable[[int], None]) -> None:
        self._source = BrotliReader(file, consumed)
        self._converter: Converter | None = None

    @property
    def counts(self) -> Counts:
        """What was read so far."""
        return self._converter.counts if self._converter is not None else Counts()

    @property
    def latest_ns(self) -> int:
        """The latest moment met so far, 0 before any."""
        return self._converter.latest_ns if self._converter is not None else 0

    def batches(self) -> Iterator[Batch]:
        """All records in batches of about a thousand transitions, machine after machine.

        Raises:
            FormatError: the file is not a dump, is damaged, or ends too early.
        """
        stream = GobStream(self._source)
        type_id = stream.begin()
        self._converter = converter = Converter(check_dump(stream.types, type_id))
        machine: OpenMachine | None = None
        for name, value in stream.items(type_id, ("MsgTxs",)):
            if name == "MsgStruct":
                machine = converter.open(value)
            elif name == "MsgTxs":
                converter.add(_known(machine, stream), value)
                if len(converter) >= BATCH_SIZE:
                    yield converter.take()
            elif not name:
                converter.close(_known(machine, stream))
                machine = None
        stream.finish()
        yield converter.take()


def _known(machine: OpenMachine | None, stream: GobStream) -> OpenMachine:
    if machine is None:
        raise GobError("transitions of a machine without a schema", stream.offset)
    return machine
