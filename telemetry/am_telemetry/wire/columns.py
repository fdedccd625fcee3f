"""Values as columns of a message have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import sub


def clean(text: str) -> str:
    """The text with lone surrogates spelled out (``\\udc80``), because UTF-8 has no form for them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def deltas(values: Sequence[int]) -> Iterable[int]:
    """Differences to the previous entry, the first one to zero."""
    return map(sub, values, (0, *values[:-1]))
