"""What a gob stream says comes out as it went in, however the bytes are cut."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.formats.gob import GobDecoder, Interface, decode_all
from tests.formats.gob_encoder import Array, Encoder, Map, Opaque, Slice, Struct

POINT = Struct("Point", [("X", "int"), ("Y", "int")])

PLAIN = st.sampled_from(["bool", "int", "uint", "float", "bytes", "string", "complex"])
BASIC_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "uint": st.integers(0, 2**64 - 1),
    "float": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=300),
    "string": st.text(max_size=50),
    "complex": st.complex_numbers(allow_nan=False, allow_infinity=False),
}


def kinds() -> st.SearchStrategy[Any]:
    return st.recursive(
        PLAIN | st.builds(Opaque, st.just("Time")),
        lambda inner: (
            st.builds(Slice, inner)
            | st.builds(Map, st.sampled_from(["string", "int", "uint"]), inner)
            | st.builds(Array, inner, st.integers(0, 3))
            | st.builds(
                lambda parts: Struct("S", [(f"F{i}", part) for i, part in enumerate(parts)]),
                st.lists(inner, max_size=4),
            )
        ),
        max_leaves=6,
    )


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, str):
        return BASIC_VALUES[kind]
    if isinstance(kind, Opaque):
        return st.binary(max_size=20)
    if isinstance(kind, Slice):
        return st.lists(values_of(kind.element), max_size=4)
    if isinstance(kind, Array):
        return st.lists(values_of(kind.element), min_size=kind.length, max_size=kind.length)
    if isinstance(kind, Map):
        return st.dictionaries(values_of(kind.key), values_of(kind.element), max_size=3)
    return st.fixed_dictionaries({}, optional={name: values_of(part) for name, part in kind.fields})


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, list[Any]]:
    kind = draw(kinds())
    return kind, draw(st.lists(values_of(kind), min_size=1, max_size=3))


@given(typed_values(), st.integers(1, 40))
@settings(max_examples=150)
def test_any_values_of_any_type_survive_in_pieces_of_any_size(typed: tuple[Any, list[Any]], size: int) -> None:
    """Several values of one type, fed in pieces, come out equal, in order and completely."""
    kind, values = typed
    encoder = Encoder()
    stream = b"".join(encoder.value(kind, value) for value in values)
    decoder = GobDecoder()
    seen: list[Any] = []
    for start in range(0, len(stream), size):
        decoder.feed(stream[start : start + size])
        seen += decoder.values()
    assert seen == values
    assert decoder.pending == 0
    assert decoder.offset == len(stream)


def test_the_bytes_of_the_format_description_are_read_as_it_says() -> None:
    """The example of Go's documentation: a Point{22, 33} with its type definition."""
    stream = bytes.fromhex(
        "1fff81 03 01 01 05 506f696e74 01ff82 00 01 02 01 01 58 01 04 00 01 01 59 01 04 00 00 00 07 ff82 01 2c 01 42 00"
    )
    assert decode_all(stream) == [{"X": 22, "Y": 33}]


@pytest.mark.parametrize(
    ("kind", "encoded", "value"),
    [
        ("uint", "03 06 00 07", 7),
        ("uint", "05 06 00 fe 01 00", 256),
        ("int", "03 04 00 05", -3),
        ("float", "05 08 00 fe 31 40", 17.0),
        ("string", "05 0c 00 02 68 69", "hi"),
        ("bytes", "05 0a 00 02 00 ff", b"\x00\xff"),
        ("bool", "03 02 00 01", True),
    ],
)
def test_basic_values_at_the_top_are_preceded_by_a_zero(kind: str, encoded: str, value: object) -> None:
    """Hand-written bytes of basic values."""
    assert decode_all(bytes.fromhex(encoded)) == [value], kind


def test_not_a_number_and_infinities_survive() -> None:
    """Special doubles keep their bits."""
    encoder = Encoder()
    values = decode_all(encoder.value(Slice("float"), [math.nan, math.inf, -math.inf, -0.0]))[0]
    assert math.isnan(values[0])
    assert values[1:3] == [math.inf, -math.inf]
    assert math.copysign(1, values[3]) == -1


def test_text_that_is_not_utf8_is_shown_with_replacement_characters() -> None:
    """Go strings may hold any bytes; the decoder returns text."""
    assert decode_all(Encoder().value("string", b"a\xffb".decode("utf-8", "surrogateescape"))) == ["a�b"]


def test_interface_values_carry_the_name_of_their_type() -> None:
    """Nil, a basic value, and a struct that is defined inside the interface value itself."""
    holder = Struct("Holder", [("A", "interface"), ("B", "interface"), ("C", "interface"), ("D", "interface")])
    value = {"A": None, "B": ("int", "int", -5), "C": ("main.Point", POINT, {"X": 1}), "D": ("main.Point", POINT, {})}
    decoded = decode_all(Encoder().value(holder, value))
    assert decoded == [
        {
            "A": None,
            "B": Interface("int", -5),
            "C": Interface("main.Point", {"X": 1}),
            "D": Interface("main.Point", {}),
        }
    ]


def test_types_that_contain_themselves_are_read() -> None:
    """A linked list and a tree."""
    node = Struct("Node")
    node.fields = [("Value", "int"), ("Next", node), ("Children", Slice(node))]
    value = {"Value": 1, "Next": {"Value": 2, "Next": {"Value": 3}}, "Children": [{"Value": 4}, {}]}
    assert decode_all(Encoder().value(node, value)) == [value]


def test_empty_messages_are_skipped() -> None:
    """A message of no bytes separates nothing."""
    assert decode_all(b"\0" + Encoder().value("int", 1) + b"\0\0") == [1]
