"""Reading a stream of Go ``encoding/gob`` values as its bytes arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from am_telemetry.formats.errors import FormatError, GobError
from am_telemetry.formats.gob_types import Interface, TypeDef, TypeTable
from am_telemetry.formats.gob_wire import read_int, read_uint

__all__ = ["MAX_MESSAGE", "GobDecoder", "GobError", "Interface", "TypeDef", "decode_all"]

MAX_MESSAGE: Final = 8 * 1024 * 1024
MAX_EMPTY: Final = 100
"""Empty messages in a row; encoders write none."""


class GobDecoder:
    """Feed it bytes in pieces of any size, and take the values that are complete.

    A pure function of the bytes fed so far, as from one encoder: types stay known. After a ``GobError`` the stream
    cannot be read further, and every later call raises the same error. Not thread-safe.

    Args:
        max_message: the longest message that is read, in bytes.
        expect: called with the type of each value before the value is decoded; refuses it with a ``FormatError``.
    """

    def __init__(
        self, *, max_message: int = MAX_MESSAGE, expect: Callable[[TypeTable, int], None] | None = None
    ) -> None:
        self._types = TypeTable()
        self._buf = bytearray()
        self._base = 0
        self._max = max_message
        self._empty = 0
        self._expect = expect
        self._error: FormatError | None = None

    @property
    def pending(self) -> int:
        """Bytes that were fed and belong to a message that is not complete."""
        return len(self._buf)

    @property
    def offset(self) -> int:
        """Bytes of the stream that were consumed."""
        return self._base

    @property
    def types(self) -> TypeTable:
        return self._types

    def feed(self, data: bytes) -> None:
        self._buf += data

    def values(self) -> Iterator[Any]:
        """The values completed by now, in order; ends when more bytes are needed."""
        while True:
            message = self._next_message()
            if message is None:
                return
            is_value, value = self._read(message)
            if is_value:
                yield value

    def _next_message(self) -> tuple[bytes, int] | None:
        """The next message that holds something, and the offset of its first byte."""
        if self._error is not None:
            raise self._error
        while self._buf:
            try:
                size, start = read_uint(bytes(self._buf[:9]), 0)
            except IndexError:
                return None
            except GobError as error:
                self._fail(error.moved(self._base))
            if size > self._max:
                self._fail(GobError(f"a message of {size:,} bytes; at most {self._max:,} are read", self._base))
            end = start + size
            if end > len(self._buf):
                return None
            payload = bytes(self._buf[start:end])
            del self._buf[:end]
            self._base += end
            if payload:
                self._empty = 0
                return payload, self._base - size
            self._empty += 1
            if self._empty > MAX_EMPTY:
                self._fail(GobError("nothing but empty messages", self._base))
        return None

    def _read(self, message: tuple[bytes, int]) -> tuple[bool, Any]:
        """Whether the message is a value (and not a type definition), and the value."""
        payload, base = message
        types = self._types
        types.reset_budget()
        try:
            type_id, pos = read_int(payload, 0)
            is_value = type_id >= 0
            if is_value:
                if self._expect is not None:
                    self._expect(types, type_id)
                value, pos = types.value_decoder(type_id, pos)(payload, pos)
            else:
                value, pos = None, types.define(-type_id, payload, pos)
            if pos != len(payload):
                self._fail(GobError(f"{len(payload) - pos:,} bytes left over in a message", base + pos))
        except GobError as error:
            if error is self._error:
                raise
            self._fail(error.moved(base))
        except FormatError as error:
            self._fail(error)
        except IndexError:
            self._fail(GobError("a message shorter than its contents", base + len(payload)))
        except RecursionError:
            self._fail(GobError("values nested too deeply", base))
        return is_value, value

    def _fail(self, error: FormatError) -> NoReturn:
        self._error = error
        raise error


def decode_all(data: bytes, *, max_message: int = MAX_MESSAGE) -> list[Any]:
    """Every value of a complete stream; raises ``GobError`` when it ends inside a message."""
    decoder = GobDecoder(max_message=max_message)
    decoder.feed(data)
    values = list(decoder.values())
    if decoder.pending:
        raise GobError("the data end inside a message", len(data))
    return values
