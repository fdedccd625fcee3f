"""Type definitions of a gob stream, compiled into decoders.

Every type becomes one closure over the closures of its parts, so decoding a value looks nothing up. Structs become
dictionaries of the fields that were sent (gob leaves out zero values), slices and arrays lists, maps dictionaries,
types with an encoding of their own (such as ``time.Time``) bytes, interface values ``Interface``.

Hostile input cannot exhaust anything: element counts are checked against the bytes that are left before anything is
built, the number of elements per value is budgeted, types nest to a limited height, and only types that contain
themselves, and interfaces, can nest deeper; these count their depth.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, Literal, NamedTuple

from am_telemetry.formats.errors import GobError
from am_telemetry.formats.gob_wire import (
    Decoder,
    read_bool,
    read_bytes,
    read_complex,
    read_float,
    read_int,
    read_string,
    read_uint,
    read_uints,
)

MAX_TYPES: Final = 2000
MAX_FIELDS: Final = 1000
MAX_HEIGHT: Final = 24
MAX_DEPTH: Final = 24
MAX_ELEMENTS: Final = 2_000_000

FIRST_USER_ID: Final = 64
_UINT: Final = 3
_WIRE_TYPE: Final = 16

Kind = Literal["struct", "slice", "array", "map", "opaque"]


class Interface(NamedTuple):
    """A value sent through a Go interface, and the name its type was registered under."""

    type: str
    value: Any


class Field(NamedTuple):
    name: str
    type: int


class TypeDef(NamedTuple):
    """One type as the stream defines it; ``fields`` for structs, ``element`` for lists and maps, ``key`` for maps."""

    kind: Kind
    name: str
    fields: tuple[Field, ...] = ()
    element: int = 0
    key: int = 0
    length: int = -1


_BASIC: Final[dict[int, Decoder]] = {
    1: read_bool,
    2: read_int,
    _UINT: read_uint,
    4: read_float,
    5: read_bytes,
    6: read_string,
    7: read_complex,
}

_BUILT_IN: Final[dict[int, TypeDef]] = {
    _WIRE_TYPE: TypeDef(
        "struct",
        "wireType",
        (
            Field("ArrayT", 17),
            Field("SliceT", 19),
            Field("StructT", 20),
            Field("MapT", 23),
            Field("GobEncoderT", 24),
            Field("BinaryMarshalerT", 24),
            Field("TextMarshalerT", 24),
        ),
    ),
    17: TypeDef("struct", "arrayType", (Field("CommonType", 18), Field("Elem", 2), Field("Len", 2))),
    18: TypeDef("struct", "CommonType", (Field("Name", 6), Field("Id", 2))),
    19: TypeDef("struct", "sliceType", (Field("CommonType", 18), Field("Elem", 2))),
    20: TypeDef("struct", "structType", (Field("CommonType", 18), Field("Field", 22))),
    21: TypeDef("struct", "fieldType", (Field("Name", 6), Field("Id", 2))),
    22: TypeDef("slice", "[]fieldType", element=21),
    23: TypeDef("struct", "mapType", (Field("CommonType", 18), Field("Key", 2), Field("Elem", 2))),
    24: TypeDef("struct", "gobEncoderType", (Field("CommonType", 18),)),
}


def _type_def(wire: dict[str, Any], offset: int) -> TypeDef:
    """The definition inside a decoded ``wireType``, of which exactly one field is set."""
    if len(wire) != 1:
        raise GobError("a type definition without exactly one kind", offset)
    ((which, body),) = wire.items()
    name = body.get("CommonType", {}).get("Name", "")
    if which == "StructT":
        fields = tuple(Field(f.get("Name", ""), f.get("Id", 0)) for f in body.get("Field", ()))
        if len(fields) > MAX_FIELDS:
            raise GobError(f"a struct of {len(fields)} fields", offset)
        return TypeDef("struct", name, fields)
    if which == "SliceT":
        return TypeDef("slice", name, element=body.get("Elem", 0))
    if which == "ArrayT":
        return TypeDef("array", name, element=body.get("Elem", 0), length=body.get("Len", 0))
    if which == "MapT":
        return TypeDef("map", name, element=body.get("Elem", 0), key=body.get("Key", 0))
    return TypeDef("opaque", name)


class TypeTable:
    """The types of one stream. Not thread-safe; one stream has one reader."""

    def __init__(self) -> None:
        self._defs: dict[int, TypeDef] = dict(_BUILT_IN)
        self._compiled: dict[int, Decoder] = {}
        self._height: dict[int, int] = {}
        self._open: set[int] = set()
        self._depth = 0
        self._left = MAX_ELEMENTS

    def reset_budget(self) -> None:
        """Start a new value: its elements and its depth are counted from zero."""
        self._left = MAX_ELEMENTS
        self._depth = 0

    def get(self, type_id: int) -> TypeDef | None:
        """The definition of a composite type, None for basic kinds and unknown ids."""
        return self._defs.get(type_id)

    def name(self, type_id: int) -> str:
        """The name a composite type was declared with, empty when it has none."""
        found = self._defs.get(type_id)
        return found.name if found is not None else ""

    def user_types(self) -> list[int]:
        """Ids of the types the stream has defined so far, in order of definition."""
        return [type_id for type_id in self._defs if type_id >= FIRST_USER_ID]

    def define(self, type_id: int, buf: bytes, pos: int) -> int:
        """Take in the definition of ``type_id`` at ``pos``; returns the position after it."""
        if type_id < FIRST_USER_ID:
            raise GobError(f"a definition of the reserved type {type_id}", pos)
        start = pos
        wire, pos = self.decoder(_WIRE_TYPE, start)(buf, pos)
        found = _type_def(wire, start)
        known = self._defs.get(type_id)
        if known is not None and known != found:
            raise GobError(f"two definitions of type {type_id}", start)
        if known is None and len(self._defs) >= MAX_TYPES:
            raise GobError(f"more than {MAX_TYPES} types", start)
        self._defs[type_id] = found
        return pos

    def decoder(self, type_id: int, offset: int = 0) -> Decoder:
        """The decoder of a type, compiled on first use."""
        return self._basic(type_id) or self._compiled.get(type_id) or self._compile(type_id, offset)

    def value_decoder(self, type_id: int, offset: int = 0) -> Decoder:
        """The decoder of a value that stands alone: all but structs are preceded by a zero byte."""
        decode = self.decoder(type_id, offset)
        known = self._defs.get(type_id)
        if known is not None and known.kind == "struct":
            return decode

        def single(buf: bytes, pos: int) -> tuple[Any, int]:
            mark, pos = read_uint(buf, pos)
            if mark:
                raise GobError("a value without its leading zero", pos)
            return decode(buf, pos)

        return single

    def _basic(self, type_id: int) -> Decoder | None:
        return self._interface if type_id == 8 else _BASIC.get(type_id)

    def _part(self, type_id: int, offset: int) -> tuple[Decoder, int]:
        """The decoder of a part of a type being compiled, and its height."""
        if type_id in self._open:
            return self._recursive(type_id), 0
        decode = self.decoder(type_id, offset)
        return decode, self._height.get(type_id, 0)

    def _recursive(self, type_id: int) -> Decoder:
        """A type met inside itself: looked up when a value needs it, with its depth counted."""

        def nested(buf: bytes, pos: int) -> tuple[Any, int]:
            self._enter(pos)
            value, pos = self._compiled[type_id](buf, pos)
            self._depth -= 1
            return value, pos

        return nested

    def _enter(self, pos: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise GobError(f"values nested deeper than {MAX_DEPTH}", pos)

    def _compile(self, type_id: int, offset: int) -> Decoder:
        found = self._defs.get(type_id)
        if found is None:
            raise GobError(f"a value of the undefined type {type_id}", offset)
        if len(self._open) >= MAX_HEIGHT:
            raise GobError(f"types nested deeper than {MAX_HEIGHT}", offset)
        self._open.add(type_id)
        try:
            decode, height = self._build(found, offset)
        finally:
            self._open.discard(type_id)
        if height >= MAX_HEIGHT:
            raise GobError(f"types nested deeper than {MAX_HEIGHT}", offset)
        self._height[type_id] = height + 1
        self._compiled[type_id] = decode
        return decode

    def _build(self, found: TypeDef, offset: int) -> tuple[Decoder, int]:
        if found.kind == "opaque":
            return read_bytes, 0
        if found.kind == "struct":
            parts = [self._part(field.type, offset) for field in found.fields]
            fields = [(field.name, part[0]) for field, part in zip(found.fields, parts, strict=True)]
            return _struct(found.name, fields), max((part[1] for part in parts), default=0)
        element, height = self._part(found.element, offset)
        if found.kind == "map":
            key, key_height = self._part(found.key, offset)
            return self._map(key, element), max(height, key_height)
        return self._list(element, found.length), height

    def _list(self, element: Decoder, length: int) -> Decoder:
        if element is read_uint and length < 0:
            return read_uints

        def sequence(buf: bytes, pos: int) -> tuple[list[Any], int]:
            count, pos = read_uint(buf, pos)
            self._charge(count, len(buf), pos)
            if length >= 0 and count != length:
                raise GobError(f"an array of {count} elements instead of {length}", pos)
            values = []
            for _ in range(count):
                value, pos = element(buf, pos)
                values.append(value)
            return values, pos

        return sequence

    def _map(self, key: Decoder, element: Decoder) -> Decoder:
        def mapping(buf: bytes, pos: int) -> tuple[dict[Any, Any], int]:
            count, pos = read_uint(buf, pos)
            self._charge(2 * count, len(buf), pos)
            values = {}
            for _ in range(count):
                name, pos = key(buf, pos)
                value, pos = element(buf, pos)
                values[_hashable(name)] = value
            return values, pos

        return mapping

    def _charge(self, count: int, size: int, pos: int) -> None:
        """Refuse ``count`` elements that cannot be there (each takes a byte at least) or are too many."""
        if count > size - pos:
            raise IndexError
        self._left -= count
        if self._left < 0:
            raise GobError(f"a value of more than {MAX_ELEMENTS:,} elements", pos)

    def _interface(self, buf: bytes, pos: int) -> tuple[Interface | None, int]:
        """A type name (empty for nil), definitions that are new, the type's id, the value's size and the value."""
        name, pos = read_string(buf, pos)
        if not name:
            return None, pos
        type_id, pos = read_int(buf, pos)
        while type_id < 0:
            pos = self.define(-type_id, buf, pos)
            _, pos = read_uint(buf, pos)
            type_id, pos = read_int(buf, pos)
        size, pos = read_uint(buf, pos)
        end = pos + size
        if end > len(buf):
            raise IndexError
        self._enter(pos)
        value, pos = self.value_decoder(type_id, pos)(buf, pos)
        self._depth -= 1
        if pos != end:
            raise GobError("an interface value that does not fill its size", pos)
        return Interface(name, value), pos


def _struct(name: str, fields: list[tuple[str, Decoder]]) -> Decoder:
    known = len(fields)

    def record(buf: bytes, pos: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        index = -1
        while True:
            step = buf[pos]
            pos += 1
            if not step:
                return values, pos
            if step >= 128:
                step, pos = read_uint(buf, pos - 1)
                if not step:
                    return values, pos
            index += step
            if index >= known:
                raise GobError(f"field {index} of {name or 'a struct'}, which has {known}", pos)
            field, decode = fields[index]
            values[field], pos = decode(buf, pos)

    return record


def _hashable(key: Any) -> Hashable:
    """Map keys that Go compares by content and Python cannot hash, as their text."""
    try:
        hash(key)
    except TypeError:
        return repr(key)
    return key  # type: ignore[no-any-return]  # proved hashable above
