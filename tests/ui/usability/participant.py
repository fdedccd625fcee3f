"""A participant of a usability run: every key and paste is counted, and there may not be too many."""

from __future__ import annotations

from am_dbg.session import Session
from tests.ui.terminal_user import User


class Participant:
    """Works on a task at a terminal. Chords, typed characters and pastes count one each; waiting counts nothing.

    Args:
        user: what types and looks.
        most: how many keys the task may take.
    """

    def __init__(self, user: User, most: int) -> None:
        self.user = user
        self.most = most
        self.used = 0

    @property
    def session(self) -> Session:
        session: Session = self.user.app.session
        return session

    @property
    def text(self) -> str:
        return self.user.terminal.text

    def press(self, *keys: str) -> Participant:
        self._count(len(keys))
        self.user.press(*keys)
        return self

    def type(self, text: str) -> Participant:
        return self.press(*text)

    def paste(self, text: str) -> Participant:
        """Whatever the terminal does with its own paste key: bracketed, and one action however long the text is."""
        self._count(1)
        self.user.remote.feed(b"\x1b[200~" + text.encode() + b"\x1b[201~")
        return self

    async def sees(self, *texts: str) -> Participant:
        await self.user.sees(*texts)
        return self

    async def not_sees(self, *texts: str) -> Participant:
        await self.user.not_sees(*texts)
        return self

    async def prepare(self, *keys: str) -> None:
        """Press keys that bring about the state in which the task begins; they do not count."""
        self.user.press(*keys)
        await self.user.settled(0.03)

    def row_with(self, *texts: str) -> str:
        """The only line of the screen that has all these texts."""
        lines = [line for line in self.user.terminal.lines if all(text in line for text in texts)]
        assert len(lines) == 1, f"{len(lines)} lines with {texts}:\n{self.text}"
        return lines[0]

    def _count(self, keys: int) -> None:
        self.used += keys
        assert self.used <= self.most, f"key {self.used} of at most {self.most}:\n{self.text}"
