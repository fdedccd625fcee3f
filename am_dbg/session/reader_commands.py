"""The commands that are about the reader: whether it is shown, and which of its sections are open."""

from __future__ import annotations

from collections.abc import Iterable

from am_dbg.session.tree_commands import SchemaSession


class ReadingSession(SchemaSession):
    """A session with a reader."""

    def show_reader(self, shown: bool | None) -> None:
        """Show the reader or not; None leaves it to the size of the window."""
        if shown != self.reader:
            self.reader = shown
            self._changed()

    def toggle_section(self, name: str) -> None:
        """Fold or unfold a section."""
        self.folded ^= {name}
        self._changed()

    def toggle_sections(self, names: Iterable[str]) -> None:
        """Fold all sections, or unfold them when all are folded."""
        every = frozenset(names)
        self.folded = frozenset() if every <= self.folded else every
        self._changed()
