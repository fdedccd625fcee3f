"""Kinds of values, from TOML or from the text of an environment variable."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Value = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What values a setting takes."""

    name: str
    """As in the reference: ``size``, ``yes or no``."""
    read: Callable[[object], Value]
    """From a value of the file or the text of a variable. Raises :class:`ValueError` with words for the user."""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f'a text in quotes is wanted, not {shown(value)}; write "{value}"')


def _path(value: object) -> str:
    return str(Path(_text(value)).expanduser())


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"true or false is wanted, not {shown(value)}")


def _list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f'a list of texts is wanted, such as ["a", "b"], not {shown(value)}')


def _bytes(value: object) -> str:
    from am_telemetry.store.limits import parse_size

    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
    parse_size(text)
    return text


def _size(value: object) -> str:
    return value if isinstance(value, str) and value.strip().casefold() in _OFF else _bytes(value)


def _age(value: object) -> str:
    from am_telemetry.store.limits import parse_length

    text = _text(value)
    parse_length(text)
    return text


def _length(value: object) -> str:
    return value if isinstance(value, str) and value.strip().casefold() in _OFF else _age(value)


_OFF = ("never", "off", "none", "no")

TEXT = Kind("text", _text)
PATH = Kind("path", _path)
YES_OR_NO = Kind("yes or no", _yes_or_no)
LIST = Kind("list of texts", _list)
BYTES = Kind("size like `500MB`", _bytes)
SIZE = Kind("size like `500MB`, or `never`", _size)
AGE = Kind("length of time like `12h`", _age)
LENGTH = Kind("length of time like `12h`, or `never`", _length)


def count(least: int = 0, most: int | None = None) -> Kind:
    """Whole numbers from ``least`` on."""
    wanted = f"a whole number from {least} " + ("on" if most is None else f"to {most}")

    def read(value: object) -> int:
        if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
            value = int(value)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, int) and whole and least <= value and (most is None or value <= most):
            return value
        raise ValueError(f"{wanted} is wanted, not {shown(value)}")

    return Kind("number", read)


def choice(*names: str) -> Kind:
    """One of some words."""

    def read(value: object) -> str:
        text = str(value).strip()
        if text not in names:
            near = difflib.get_close_matches(text, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names)}"
            raise ValueError(f"{shown(value)} is not among the choices; {hint}")
        return text

    return Kind(" ".join(f"`{name}`" for name in names), read)


def shown(value: object) -> str:
    """A value as TOML spells it, about."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)
