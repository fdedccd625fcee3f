"""The fields of one JSON object from outside, taken out one by one with the type they have to have."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final, Self, TypeVar, cast

_T = TypeVar("_T")
_MAX: Final = 2**63 - 1
_MAX_TICK: Final = 2**48
"""Sums of ticks have to fit a column."""


class WrongFieldError(Exception):
    """A field is missing, or not what it should be. The message names it."""


class Fields:
    """See the module. All methods raise :class:`WrongFieldError`."""

    __slots__ = ("values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The object in a line."""
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:  # the latter for brackets nested by the thousand
            raise WrongFieldError(f"not JSON ({_brief(error)})") from error
        if type(value) is not dict:
            raise WrongFieldError("not a JSON object")
        return cls(cast("dict[str, Any]", value))

    def number(self, key: str, low: int = 0) -> int:
        """A whole number from ``low`` up."""
        value = self.values.get(key)
        if type(value) is int and low <= value <= _MAX:
            return value
        raise self._wrong(key, f"a number from {low} up")

    def signed(self, key: str) -> int:
        """A whole number of 64 bits."""
        return self.number(key, -_MAX - 1)

    def text(self, key: str) -> str:
        """A text."""
        value = self.values.get(key)
        if type(value) is str:
            return value
        raise self._wrong(key, "a text")

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self.values.get(key)
        if type(value) is bool:
            return value
        raise self._wrong(key, "true or false")

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """One of some texts."""
        value = self.text(key)
        if value in allowed:
            return value
        raise self._wrong(key, f"one of {', '.join(allowed)}")

    def optional(self, key: str, read: Callable[[str], _T]) -> _T | None:
        """What ``read`` gives; None where the field is missing or null."""
        return None if self.values.get(key) is None else read(key)

    def list_of(self, key: str, kind: type[_T], *, required: bool = True) -> list[_T]:
        """A list of things of one type; an empty one where it is missing and not required."""
        value = self.values.get(key)
        if value is None and not required:
            return []
        if type(value) is list and all(type(part) is kind for part in value):
            return cast("list[_T]", value)
        raise self._wrong(key, f"a list of {kind.__name__}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.list_of(key, str))

    def ticks(self, key: str) -> tuple[int, ...]:
        """A list of small whole numbers."""
        values = self.list_of(key, int)
        if all(0 <= value <= _MAX_TICK for value in values):
            return tuple(values)
        raise self._wrong(key, "a list of numbers that can be ticks")

    def sequence(self, key: str, length: int) -> list[Any]:
        """A list of a certain length."""
        value = self.values.get(key)
        if type(value) is list and len(value) == length:
            return value
        raise self._wrong(key, f"a list of {length}")

    def pairs(self, key: str) -> Iterator[tuple[Any, Any]]:
        """A list of lists of two."""
        for pair in self.list_of(key, list):
            if len(pair) != 2:
                raise self._wrong(key, "a list of pairs")
            yield pair[0], pair[1]

    def mapping(self, key: str) -> dict[str, Any]:
        """An object."""
        value = self.values.get(key)
        if type(value) is dict:
            return cast("dict[str, Any]", value)
        raise self._wrong(key, "an object")

    def inner(self, key: str) -> Fields:
        """The fields of an object inside."""
        return Fields(self.mapping(key))

    def objects(self, key: str) -> Iterator[Fields]:
        """The fields of each object in a list."""
        for value in self.list_of(key, dict):
            yield Fields(value)

    def known(self, key: str, defined: Container[int]) -> int:
        """A handle that was defined before."""
        value = self.values.get(key)
        if type(value) is int and value in defined:
            return value
        raise WrongFieldError(f"{key} {_shown(value)} was not defined before")

    def new(self, key: str, defined: Container[int]) -> int:
        """A handle that was not."""
        value = self.number(key)
        if value in defined:
            raise WrongFieldError(f"{key} {value} was defined before")
        return value

    def _wrong(self, key: str, wanted: str) -> WrongFieldError:
        if key not in self.values:
            return WrongFieldError(f"{key} is missing")
        return WrongFieldError(f"{key} is {_shown(self.values[key])}, not {wanted}")


def _shown(value: object) -> str:
    text = ascii(value) if not isinstance(value, (list, dict)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _brief(error: Exception) -> str:
    return str(error).split(":", 1)[0].split("(", 1)[0].strip() or type(error).__name__
