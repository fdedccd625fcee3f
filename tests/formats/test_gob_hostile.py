"""Bytes of bad will end in one clear error: no hang, no recursion bomb, no flood of memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from am_telemetry.formats.errors import GobError
from am_telemetry.formats.gob import GobDecoder, decode_all
from am_telemetry.formats.gob_stream import GobStream
from tests.formats.gob_encoder import Encoder, Map, Opaque, Slice, Struct, message, sint, text, uint

STEP = Struct("Step", [("Type", "int"), ("To", "string"), ("Data", "interface")])
SAMPLE = Struct(
    "Sample",
    [("Clocks", Slice("uint")), ("Steps", Slice(STEP)), ("Args", Map("string", "string")), ("Time", Opaque("Time"))],
)
VALUE = {
    "Clocks": [1, 2, 300, 4],
    "Steps": [{"Type": 32, "To": "Ready"}, {"Type": 2, "Data": ("int", "int", 7)}],
    "Args": {"id": "7", "name": "Zażółć"},
    "Time": b"\1" + bytes(14),
}


def sample() -> bytes:
    return Encoder().value(SAMPLE, VALUE)


def stream_everything(data: bytes) -> list[Any]:
    """Read the first value piece by piece, as dumps are read."""
    chunks = [data[i : i + 7] for i in range(0, len(data), 7)]
    stream = GobStream(lambda: chunks.pop(0) if chunks else b"")
    return list(stream.items(stream.begin(), ("Steps", "Clocks")))


def refusal_of(reader: Callable[[bytes], object], data: bytes) -> GobError | None:
    """The documented error; any other one is the test's failure."""
    try:
        reader(data)
    except GobError as error:
        return error
    return None


@given(st.binary(max_size=400))
@settings(max_examples=300)
@example(b"\xff" * 40)
@example(b"\xf8" + b"\x7f" * 8)
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    """No other exception than the documented one, from either reader."""
    for reader in (decode_all, stream_everything):
        refusal = refusal_of(reader, data)
        assert refusal is None or (0 <= refusal.offset <= len(data) + 1 and refusal.message)


@given(st.data())
@settings(max_examples=300)
def test_a_good_stream_with_some_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    """Changed bytes reach deeper into the decoder than random ones."""
    stream = bytearray(sample())
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    for reader in (decode_all, stream_everything):
        refusal = refusal_of(reader, bytes(stream))
        assert refusal is None or refusal.message


def test_a_stream_cut_anywhere_is_incomplete_and_not_wrong() -> None:
    """Every prefix leaves the incremental decoder waiting, and makes the others say that the end is missing."""
    stream = sample()
    for end in range(len(stream)):
        decoder = GobDecoder()
        decoder.feed(stream[:end])
        assert list(decoder.values()) == []
        if decoder.pending:
            with pytest.raises(GobError):
                decode_all(stream[:end])
        with pytest.raises(GobError):
            stream_everything(stream[:end])


def test_both_readers_see_the_same_values() -> None:
    """Piece by piece or at once makes no difference."""
    whole = decode_all(sample())[0]
    parts = stream_everything(sample())
    assert [value for name, value in parts if name == "Clocks"] == whole["Clocks"]
    assert [value for name, value in parts if name == "Steps"] == whole["Steps"]
    assert [value for name, value in parts if name == "Args"] == [whole["Args"]]
    assert parts[-1] == ("", None)


def _definition(number: int, body: bytes) -> bytes:
    return message(sint(-number) + body)


def _slice_definition(number: int, element: int) -> bytes:
    return _definition(number, b"\2\1\2" + sint(number) + b"\0\1" + sint(element) + b"\0\0")


def _nested_list(depth: int) -> bytes:
    """``type L []L``, nested: two bytes of data for each level."""
    return _slice_definition(64, 64) + message(sint(64) + b"\0" + b"\1" * depth + b"\0")


def _tower_of_types(height: int) -> bytes:
    definitions = b"".join(_slice_definition(64 + i, 65 + i) for i in range(height))
    return definitions + _slice_definition(64 + height, 2) + message(sint(64) + b"\0" + b"\1" * height + b"\0")


def _interfaces_in_interfaces(depth: int) -> bytes:
    inner = b"\0"
    for _ in range(depth):
        inner = text("x") + sint(8) + uint(len(inner) + 1) + b"\0" + inner
    return message(sint(8) + b"\0" + inner)


def _wide_struct(fields: int) -> bytes:
    parts = b"".join(b"\1" + text(f"F{i}") + b"\1" + sint(2) + b"\0" for i in range(fields))
    return _definition(64, b"\3\1\2" + sint(64) + b"\0\1" + uint(fields) + parts + b"\0\0")


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("nested lists", lambda: _nested_list(100_000)),
        ("a tower of types", lambda: _tower_of_types(1_500)),
        ("interfaces in interfaces", lambda: _interfaces_in_interfaces(2_000)),
        ("a count that cannot be", lambda: _slice_definition(64, 6) + message(sint(64) + b"\0" + uint(2**62))),
        ("a string longer than its message", lambda: message(sint(6) + b"\0" + uint(2**40) + b"abc")),
        ("empty messages", lambda: bytes(1_000_000)),
        ("a huge message", lambda: uint(2**40) + b"\4\0\2"),
        ("an undefined type", lambda: message(sint(99) + b"\0")),
        ("a reserved type", lambda: _slice_definition(20, 2)),
        ("a type redefined", lambda: _slice_definition(64, 2) + _slice_definition(64, 6)),
        ("two kinds in a definition", lambda: _definition(64, b"\2\1\0\0\1\1\0\0\0")),
        ("a wide struct", lambda: _wide_struct(5_000) + message(sint(64) + b"\0")),
        ("too many types", lambda: b"".join(_slice_definition(64 + i, 2) for i in range(3_000))),
        ("a field beyond the struct", lambda: _wide_struct(2) + message(sint(64) + b"\5\2\0")),
        ("bytes left over", lambda: message(sint(2) + b"\0\2\2")),
        ("an integer of nine bytes", lambda: message(sint(2) + b"\0\xf7" + bytes(9))),
        ("an array of another length", lambda: _array_of(3, b"\2\1\1")),
    ],
)
def test_each_attack_ends_in_an_error_soon_and_in_little_memory(what: str, data: Callable[[], bytes]) -> None:
    """Known ways to hurt a decoder of a self-describing format."""
    stream = data()
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(GobError):
            decode_all(stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000 + 50 * len(stream), what
    assert time.process_time() - began < 10, what


def _array_of(length: int, body: bytes) -> bytes:
    return _definition(64, b"\1\1\2" + sint(64) + b"\0\1" + sint(3) + b"\1" + sint(length) + b"\0\0") + message(
        sint(64) + b"\0" + body
    )


def test_a_value_cannot_have_millions_of_empty_elements() -> None:
    """Elements that take one byte each cost much more in memory, so their number is limited."""
    empty = Struct("Empty")
    encoder = Encoder()
    head = encoder.value(Slice(empty), [])
    with pytest.raises(GobError, match="elements"):
        decode_all(head + message(sint(64) + b"\0" + uint(5_000_000) + bytes(5_000_000)))


def test_after_an_error_the_stream_stays_unreadable() -> None:
    """The same error is raised again, so nobody reads garbage by trying once more."""
    decoder = GobDecoder()
    decoder.feed(message(sint(99) + b"\0") + Encoder().value("int", 1))
    errors = []
    for _ in range(2):
        with pytest.raises(GobError) as caught:
            list(decoder.values())
        errors.append(caught.value)
    assert errors[0] is errors[1]
    assert errors[0].offset >= 0
    assert "undefined type 99" in errors[0].message
