"""The primitive values of Go's ``encoding/gob``: functions of (buffer, position) to (value, next position).

A position past the end of the buffer raises ``IndexError``, which callers read as "more bytes are needed"; anything
that no further byte could repair raises ``GobError``. The format is described in the documentation of Go's package.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

from am_telemetry.formats.errors import GobError

Decoder: TypeAlias = Callable[[bytes, int], tuple[Any, int]]

_DOUBLE = struct.Struct("<d")


def read_uint(buf: bytes, pos: int) -> tuple[int, int]:
    """An unsigned integer: one byte below 128, else a negated byte count and that many bytes, highest first."""
    first = buf[pos]
    if first < 128:
        return first, pos + 1
    size = 256 - first
    if size > 8:
        raise GobError("an integer of more than 8 bytes", pos)
    end = pos + 1 + size
    if end > len(buf):
        raise IndexError
    return int.from_bytes(buf[pos + 1 : end], "big"), end


def read_int(buf: bytes, pos: int) -> tuple[int, int]:
    """A signed integer: the lowest bit says whether the rest is complemented."""
    value, pos = read_uint(buf, pos)
    return (~(value >> 1) if value & 1 else value >> 1), pos


def read_bool(buf: bytes, pos: int) -> tuple[bool, int]:
    value, pos = read_uint(buf, pos)
    return value != 0, pos


def read_float(buf: bytes, pos: int) -> tuple[float, int]:
    """An IEEE 754 double whose bytes were reversed, so that small round numbers are short."""
    value, pos = read_uint(buf, pos)
    return _DOUBLE.unpack(value.to_bytes(8, "big"))[0], pos


def read_complex(buf: bytes, pos: int) -> tuple[complex, int]:
    real, pos = read_float(buf, pos)
    imaginary, pos = read_float(buf, pos)
    return complex(real, imaginary), pos


def read_bytes(buf: bytes, pos: int) -> tuple[bytes, int]:
    size = buf[pos]
    if size < 128:
        pos += 1
    else:
        size, pos = read_uint(buf, pos)
    end = pos + size
    if end > len(buf):
        raise IndexError
    return buf[pos:end], end


def read_string(buf: bytes, pos: int) -> tuple[str, int]:
    """Text. Go does not insist on valid UTF-8; what is not becomes U+FFFD."""
    size = buf[pos]
    if size < 128:
        pos += 1
    else:
        size, pos = read_uint(buf, pos)
    end = pos + size
    if end > len(buf):
        raise IndexError
    return buf[pos:end].decode("utf-8", "replace"), end


def read_uints(buf: bytes, pos: int) -> tuple[list[int], int]:
    """A slice of unsigned integers. Bytes below 128 stand for themselves, so a run of them is taken at once."""
    count, pos = read_uint(buf, pos)
    end = pos + count
    if end > len(buf):
        raise IndexError
    run = buf[pos:end]
    if run.isascii():
        return list(run), end
    values = []
    for _ in range(count):
        value, pos = read_uint(buf, pos)
        values.append(value)
    return values, pos
