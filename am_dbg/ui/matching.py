"""How well a name fits what was typed into the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nlargest
from typing import TypeVar

T = TypeVar("T")


def score(query: str, text: str) -> float:
    """0 for no match, more for a better one; both must be case-folded already.

    Best is a prefix of the text, then of a word in it, then any part, then the letters in order with gaps. Among equals
    the shorter text wins.
    """
    if not query:
        return 1.0
    closeness = len(query) / max(len(text), 1)
    at = text.find(query)
    if at == 0:
        return 4 + closeness
    if at > 0:
        starts_word = not text[at - 1].isalnum() or f" {query}" in text
        return (3 if starts_word else 2) + closeness
    position = -1
    for letter in query:
        if letter == " ":
            continue
        position = text.find(letter, position + 1)
        if position < 0:
            return 0.0
    return 1 * closeness


def best(query: str, items: Iterable[T], text: Callable[[T], str], limit: int) -> list[T]:
    """The items that match, best first, in their own order among equals."""
    wanted = " ".join(query.casefold().split())
    scored = ((score(wanted, text(item).casefold()), -place, item) for place, item in enumerate(items))
    return [item for value, _, item in nlargest(limit, scored, key=lambda hit: hit[:2]) if value > 0]
