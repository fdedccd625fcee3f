"""What is searched for, and the words under which it is indexed."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
_WORD: Final = re.compile(r"\w+")


class Kind(IntEnum):
    """Where words were found."""

    LOG = 0
    NAME = 1
    """Names of called, added and removed states, and of handlers."""
    ARGUMENT = 2
    ERROR = 3


STATEMENTS: Final[dict[Kind, str]] = {
    Kind.LOG: "SELECT id, text FROM texts",
    Kind.NAME: (
        "SELECT id, called_json || ' ' || added_json || ' ' || removed_json || ' ' || handlers_json"
        " || ' ' || canceled_by FROM patterns"
    ),
    Kind.ARGUMENT: "SELECT transition_id, arguments_json FROM arguments",
    Kind.ERROR: (
        "SELECT transition_id, coalesce(type, '') || ': ' || coalesce(message, '') || char(10)"
        " || coalesce(traceback, '') FROM errors"
    ),
}
"""How to read the texts of each kind, with their keys."""

KEYS: Final[dict[Kind, str]] = {
    Kind.LOG: "id",
    Kind.NAME: "id",
    Kind.ARGUMENT: "transition_id",
    Kind.ERROR: "transition_id",
}


def split_names(text: str) -> str:
    """The text, and once more with the parts of compound names as words of their own."""
    parts = _CAMEL.sub(" ", text)
    return text if parts == text else f"{text} {parts}"


def parse_query(text: str) -> tuple[list[str], str]:
    """Phrases to look for in the texts themselves, and the FTS5 query for all words."""
    pieces = text.split('"')
    phrases = [piece.strip().casefold() for piece in pieces[1::2] if piece.strip()]
    # A word has no double quote in it, so that none of it is taken for an operator.
    return phrases, " AND ".join(f'"{word}"*' for word in _WORD.findall(text))


def distinct_words(text: str) -> str:
    """Each word once, in order: what a list of names in JSON says."""
    return " ".join(dict.fromkeys(_WORD.findall(text)))
