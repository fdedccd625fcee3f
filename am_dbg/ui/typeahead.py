"""Search by typing in a list: which row the letters typed so far mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

WORD_SECONDS: Final = 1.5
"""Letters typed with pauses shorter than this form one word."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a search landed."""

    row: int
    position: int
    """1-based among all matches."""
    matches: int


def find(names: Sequence[str], word: str, start: int) -> Hit | None:
    """The first match from row ``start`` on, wrapping at the end; a name that is the word itself wins from anywhere.

    Names that begin with the word count; only when there is none, names that contain it do. Case is ignored.
    """
    wanted = word.casefold()
    if not wanted:
        return None
    folded = [name.casefold() for name in names]
    rows = [row for row, name in enumerate(folded) if name.startswith(wanted)]
    if not rows:
        rows = [row for row, name in enumerate(folded) if wanted in name]
    if not rows:
        return None
    position = next((i for i, row in enumerate(rows) if row >= start), 0)
    if folded[rows[position]] != wanted:
        position = next((i for i, row in enumerate(rows) if folded[row] == wanted), position)
    return Hit(rows[position], position + 1, len(rows))


class TypeAhead:
    """The word being typed. Not thread-safe.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._word = ""
        self._at = 0.0
        self._start = 0
        self._hit: Hit | None = None

    @property
    def word(self) -> str:
        """The letters that count at this moment; empty when the last one was long ago."""
        return self._word if self._now() - self._at <= WORD_SECONDS else ""

    @property
    def summary(self) -> str:
        """``ps-2  1/3``, or what is wrong; empty without a word."""
        word = self.word
        if not word:
            return ""
        return f"{word}  {self._hit.position}/{self._hit.matches}" if self._hit else f"{word}  no match"

    def type(self, letter: str, names: Sequence[str], row: int) -> Hit | None:
        """Add a letter and search; a new word starts at ``row``."""
        word = self.word
        if not word:
            self._start = row
        return self._search(word + letter, names)

    def erase(self, names: Sequence[str]) -> Hit | None:
        """Take back the last letter and search again."""
        return self._search(self.word[:-1], names)

    def clear(self) -> bool:
        """Forget the word; True when there was one."""
        had = bool(self.word)
        self._word, self._hit = "", None
        return had

    def _search(self, word: str, names: Sequence[str]) -> Hit | None:
        self._word, self._at = word, self._now()
        self._hit = find(names, word, self._start)
        return self._hit
