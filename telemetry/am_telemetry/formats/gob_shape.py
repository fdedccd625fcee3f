"""Does a stream's own description of a type fit what the reader is going to rely on?

Checking the definition once makes checking every value needless. Fields the stream does not have, and fields nobody
here asks for, are fine: gob streams are meant to be read by programs of another version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.gob_types import TypeTable


@dataclass(frozen=True, slots=True)
class SliceOf:
    element: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with text keys."""

    element: Shape


@dataclass(frozen=True, slots=True)
class Basic:
    name: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type with an encoding of its own."""


Shape: TypeAlias = "Basic | SliceOf | MapOf | Opaque | dict[str, Shape]"

BOOL: Final = Basic("a truth value", (1,))
INT: Final = Basic("a whole number", (2, 3))
TEXT: Final = Basic("text", (6,))
INTERFACE: Final = Basic("an interface value", (8,))
OPAQUE: Final = Opaque()


def check_shape(types: TypeTable, type_id: int, shape: Shape, path: str) -> None:
    """Raise ``FormatError`` unless values of ``type_id`` have the shape; ``path`` names the place in the message."""
    if isinstance(shape, Basic):
        if type_id not in shape.ids:
            raise FormatError(f"{path} is not {shape.name}")
        return
    found = types.get(type_id)
    kind = found.kind if found is not None else "plain value"
    expected = _kinds(shape)
    if found is None or kind not in expected:
        raise FormatError(f"{path} is a {kind} instead of a {expected[0]}")
    if isinstance(shape, dict):
        for field in found.fields:
            if field.name in shape:
                check_shape(types, field.type, shape[field.name], f"{path}.{field.name}")
    elif isinstance(shape, SliceOf):
        check_shape(types, found.element, shape.element, f"{path}[]")
    elif isinstance(shape, MapOf):
        check_shape(types, found.key, TEXT, f"{path}[key]")
        check_shape(types, found.element, shape.element, f"{path}[]")


def _kinds(shape: dict[str, Shape] | SliceOf | MapOf | Opaque) -> tuple[str, ...]:
    if isinstance(shape, dict):
        return ("struct",)
    if isinstance(shape, SliceOf):
        return ("slice", "array")
    return ("map",) if isinstance(shape, MapOf) else ("opaque",)
