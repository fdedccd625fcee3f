"""Lengths of time and sizes as people write them, and the limits that the environment sets for the folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from am_telemetry.store.retention import Policy

DEFAULT_KEEP: Final = "60d"
DEFAULT_KEEP_SIZE: Final = "10GB"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES: Final[dict[str, float]] = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LENGTH: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([smhdw])", re.ASCII | re.IGNORECASE)
_SIZE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s*([kmgt]?)(i?b)?", re.ASCII | re.IGNORECASE)
_OFF: Final = frozenset({"never", "off", "none", "no"})


def parse_length(text: str) -> int:
    """Nanoseconds of ``90s``, ``15m``, ``12h``, ``14d`` or ``2w``.

    Raises:
        ValueError: the text is no length of time.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a length of time like 90s, 15m, 12h, 14d or 2w: {text!r}")
    return round(float(match[1]) * _SECONDS[match[2].lower()] * 1e9)


def parse_size(text: str) -> int:
    """Bytes of ``500MB``, ``2GB`` or ``1.5GiB``. A unit with an ``i`` is a power of 1024, one without a power of 1000.

    Raises:
        ValueError: the text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a size like 500MB, 2GB or 1.5GiB: {text!r}")
    base = 1024.0 if (match[3] or "").lower() == "ib" else 1000.0
    return int(float(match[1]) * float(base ** _BYTES[match[2].lower()]))


def folder_policy(environ: Mapping[str, str] | None = None) -> tuple[Policy, list[str]]:
    """The limits of ``AM_DBG_KEEP`` and ``AM_DBG_KEEP_SIZE``, with the defaults where they are not set.

    Returns:
        The policy, and a warning for each value that makes no sense. Such a value stands for "no limit": it must not
        remove what its author may have wanted to keep.
    """
    env = os.environ if environ is None else environ
    warnings: list[str] = []
    limits: dict[str, int | None] = {}
    for name, default, parse in (
        ("AM_DBG_KEEP", DEFAULT_KEEP, parse_length),
        ("AM_DBG_KEEP_SIZE", DEFAULT_KEEP_SIZE, parse_size),
    ):
        text = env.get(name, "").strip() or default
        limits[name] = None
        if text.lower() in _OFF:
            continue
        try:
            limits[name] = parse(text)
        except ValueError as error:
            warnings.append(f"{name} is {error}; nothing is removed because of it")
    return Policy(limits["AM_DBG_KEEP"], limits["AM_DBG_KEEP_SIZE"]), warnings
