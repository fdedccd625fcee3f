"""Reading one huge gob value piece by piece, in bounded memory.

A dump is a single value, and its message can hold gigabytes. ``GobStream`` keeps a window of the message, decodes one
part at a time and, where a part does not fit, doubles the window and decodes that part again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from am_telemetry.formats.errors import GobError
from am_telemetry.formats.gob import MAX_EMPTY
from am_telemetry.formats.gob_types import TypeTable
from am_telemetry.formats.gob_wire import Decoder, read_int, read_uint

FIRST_WINDOW: Final = 64 * 1024
MAX_PART: Final = 8 * 1024 * 1024
MAX_DEFINITION: Final = 1024 * 1024


class GobStream:
    """One value from a source of byte chunks.

    Args:
        read: returns the next bytes, an empty result at the end of the data.

    Not thread-safe. All methods raise ``GobError`` when the data are wrong or end too early.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.types = TypeTable()
        self._source = read
        self._buf = b""
        self._pos = 0
        self._base = 0
        self._message_left = 0
        """Bytes of the current message that are not in the window yet."""
        self._spare = b""
        """Bytes of the source beyond the current message."""

    @property
    def offset(self) -> int:
        """Bytes of the stream that were consumed."""
        return self._base + self._pos

    def begin(self) -> int:
        """Take in the type definitions up to the value; returns the type of the value."""
        while True:
            self._begin_message()
            self.types.reset_budget()
            type_id: int = self._take(read_int)
            if type_id >= 0:
                return type_id
            if self._message_left > MAX_DEFINITION:
                raise GobError("a type definition that is too long", self.offset)
            self._take(lambda buf, pos: (None, self.types.define(-type_id, buf, pos)))  # noqa: B023  # called at once
            self._end_message()

    def items(self, type_id: int, split: Collection[str]) -> Iterator[tuple[str, Any]]:
        """The parts of a value that is a struct or a slice of structs.

        Yields (field, value) for every field that was sent; a field named in ``split`` comes as one pair per element of
        its slice. After the last field of each struct comes ``("", None)``.
        """
        known = self.types.get(type_id)
        if known is not None and known.kind == "struct":
            yield from self._struct(type_id, split)
        elif known is not None and known.kind == "slice":
            if self._take(read_uint):
                raise GobError("a value without its leading zero", self.offset)
            for _ in range(self._count()):
                yield from self._struct(known.element, split)
        else:
            raise GobError("neither a struct nor a slice of structs", self.offset)
        self._end_message()

    def finish(self) -> None:
        """Nothing may follow the value. Raises ``GobError`` when something does."""
        if self._spare or self._source():
            raise GobError("something else after the value", self.offset)

    def _struct(self, type_id: int, split: Collection[str]) -> Iterator[tuple[str, Any]]:
        known = self.types.get(type_id)
        if known is None or known.kind != "struct":
            raise GobError("a slice of something else than structs", self.offset)
        index = -1
        while step := self._take(read_uint):
            index += step
            if index >= len(known.fields):
                raise GobError(f"field {index} of {known.name}, which has {len(known.fields)}", self.offset)
            name, field_type = known.fields[index]
            inner = self.types.get(field_type)
            if name in split and inner is not None and inner.kind == "slice":
                decode = self.types.decoder(inner.element, self.offset)
                for _ in range(self._count()):
                    yield name, self._take(decode)
            else:
                yield name, self._take(self.types.decoder(field_type, self.offset))
        yield "", None

    def _count(self) -> int:
        """The length of a slice; each element takes a byte at least, so a length that cannot be is found at once."""
        count: int = self._take(read_uint)
        if count > len(self._buf) - self._pos + self._message_left:
            raise GobError(f"a slice of {count:,} elements in fewer bytes", self.offset)
        return count

    def _take(self, decode: Decoder) -> Any:
        """Decode one part at the current position, with as much of the message as it needs."""
        while True:
            self.types.reset_budget()
            try:
                value, self._pos = decode(self._buf, self._pos)
            except IndexError:
                self._widen()
            except GobError as error:
                raise error.moved(self._base) from None
            except RecursionError:
                raise GobError("values nested too deeply", self.offset) from None
            else:
                return value

    def _widen(self) -> None:
        """Drop what was consumed from the window, and double the rest."""
        rest = self._buf[self._pos :]
        if not self._message_left:
            raise GobError("a message shorter than its contents", self.offset + len(rest))
        if len(rest) >= MAX_PART:
            raise GobError(f"a single record of more than {MAX_PART:,} bytes", self.offset)
        self._base += self._pos
        self._pos = 0
        more = self._pull(min(self._message_left, max(FIRST_WINDOW, len(rest)), MAX_PART - len(rest)))
        self._message_left -= len(more)
        self._buf = rest + more

    def _begin_message(self) -> None:
        head = b""
        empty = 0
        while True:
            byte = self._pull(1)
            head += byte
            try:
                self._message_left, _ = read_uint(head, 0)
            except IndexError:
                continue
            except GobError as error:
                raise error.moved(self.offset) from None
            self._base = self.offset + len(head)
            self._buf, self._pos = b"", 0
            if self._message_left:
                return
            head = b""
            empty += 1
            if empty > MAX_EMPTY:
                raise GobError("nothing but empty messages", self.offset)

    def _end_message(self) -> None:
        left = len(self._buf) - self._pos + self._message_left
        if left:
            raise GobError(f"{left:,} bytes left over in a message", self.offset)

    def _pull(self, size: int) -> bytes:
        """Exactly ``size`` bytes of the source."""
        chunks = [self._spare]
        have = len(self._spare)
        while have < size:
            chunk = self._source()
            if not chunk:
                raise GobError("the data end in the middle of a value", self.offset + len(self._buf) + have)
            chunks.append(chunk)
            have += len(chunk)
        data = b"".join(chunks)
        self._spare = data[size:]
        return data[:size]
