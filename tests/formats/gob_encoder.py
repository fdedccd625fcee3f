"""A small encoder of Go's ``encoding/gob``, so that tests can write what they read.

Types are described by the classes below, basic kinds by their names. Values are what the decoder returns: dictionaries
for structs (fields that are missing are zero and left out), lists, dictionaries for maps, bytes for opaque types.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

BASIC = {"bool": 1, "int": 2, "uint": 3, "float": 4, "bytes": 5, "string": 6, "complex": 7, "interface": 8}


@dataclass(eq=False)
class Struct:
    name: str
    fields: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Slice:
    element: Any
    name: str = ""


@dataclass(eq=False)
class Array:
    element: Any
    length: int


@dataclass(eq=False)
class Map:
    key: Any
    element: Any


@dataclass(eq=False)
class Opaque:
    name: str


def uint(value: int) -> bytes:
    if value < 128:
        return bytes([value])
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([256 - len(data)]) + data


def sint(value: int) -> bytes:
    return uint((~value << 1) | 1 if value < 0 else value << 1)


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    return uint(len(data)) + data


def number(value: float) -> bytes:
    return uint(int.from_bytes(struct.pack("<d", value), "big"))


def message(body: bytes) -> bytes:
    return uint(len(body)) + body


class Encoder:
    """One stream: types are numbered from 64 and sent before the first value that needs them."""

    def __init__(self) -> None:
        self._ids: dict[int, int] = {}
        self._kept: list[Any] = []

    def value(self, kind: Any, value: Any) -> bytes:
        """The messages of one value, type definitions first."""
        definitions: list[bytes] = []
        type_id = self.type_id(kind, definitions)
        body = sint(type_id) + (b"" if isinstance(kind, Struct) else b"\0") + self.encode(kind, value)
        return b"".join(message(part) for part in definitions) + message(body)

    def type_id(self, kind: Any, definitions: list[bytes]) -> int:
        if isinstance(kind, str):
            return BASIC[kind]
        if id(kind) in self._ids:
            return self._ids[id(kind)]
        number = self._ids[id(kind)] = 64 + len(self._ids)
        self._kept.append(kind)
        name = getattr(kind, "name", "")
        common = b"\1" + (b"\1" + text(name) if name else b"") + (b"\1" if name else b"\2") + sint(number) + b"\0"
        place = len(definitions)
        if isinstance(kind, Struct):
            fields = b"".join(
                b"\1" + text(field_name) + b"\1" + sint(self.type_id(field_kind, definitions)) + b"\0"
                for field_name, field_kind in kind.fields
            )
            body = b"\3" + common + (b"\1" + uint(len(kind.fields)) + fields if kind.fields else b"") + b"\0\0"
        elif isinstance(kind, Slice):
            body = b"\2" + common + b"\1" + sint(self.type_id(kind.element, definitions)) + b"\0\0"
        elif isinstance(kind, Array):
            element = sint(self.type_id(kind.element, definitions))
            body = b"\1" + common + b"\1" + element + b"\1" + sint(kind.length) + b"\0\0"
        elif isinstance(kind, Map):
            key = sint(self.type_id(kind.key, definitions))
            body = b"\4" + common + b"\1" + key + b"\1" + sint(self.type_id(kind.element, definitions)) + b"\0\0"
        else:
            body = b"\5" + common + b"\0\0"
        definitions.insert(place, sint(-number) + body)
        return number

    def encode(self, kind: Any, value: Any) -> bytes:
        if isinstance(kind, str):
            return self._basic(kind, value)
        if isinstance(kind, Struct):
            return self._struct(kind, value)
        if isinstance(kind, Slice | Array):
            return uint(len(value)) + b"".join(self.encode(kind.element, one) for one in value)
        if isinstance(kind, Map):
            pairs = [self.encode(kind.key, k) + self.encode(kind.element, v) for k, v in value.items()]
            return uint(len(value)) + b"".join(pairs)
        return uint(len(value)) + bytes(value)

    def _struct(self, kind: Struct, value: dict[str, Any]) -> bytes:
        parts, last = [], -1
        for index, (name, field_kind) in enumerate(kind.fields):
            if name in value:
                parts += [uint(index - last), self.encode(field_kind, value[name])]
                last = index
        return b"".join(parts) + b"\0"

    def _basic(self, kind: str, value: Any) -> bytes:
        if kind == "interface":
            return self._interface(value)
        if kind == "complex":
            return number(value.real) + number(value.imag)
        if kind == "bytes":
            return uint(len(value)) + bytes(value)
        encoders = {"bool": lambda v: uint(int(v)), "int": sint, "uint": uint, "float": number, "string": text}
        return bytes(encoders[kind](value))

    def _interface(self, value: tuple[str, Any, Any] | None) -> bytes:
        """None, or (registered name, type, value)."""
        if value is None:
            return b"\0"
        name, kind, inner = value
        definitions: list[bytes] = []
        type_id = self.type_id(kind, definitions)
        body = (b"" if isinstance(kind, Struct) else b"\0") + self.encode(kind, inner)
        head = b"".join(part + uint(0) for part in definitions) + sint(type_id)
        return text(name) + head + uint(len(body)) + body
