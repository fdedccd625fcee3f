"""The sessions of the folder as a list, what is known of one of them, and files that can be imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from textual import events
from textual.message import Message

from am_dbg.timefmt import byte_size, date_and_time
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels import session_rows
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_telemetry.store.summary import SessionSummary

IMPORTABLE: Final = (".gob.br", ".gob", ".jsonl", ".ndjson", ".amdbg")


class Chosen(Message):
    """A row was clicked."""


class Pressed(Message):
    """A key named on the lower edge was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class _Listing(LineView, can_focus=False):
    """A list whose screen says what its edges tell."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.heading: Line = ()
        self.keys: tuple[tuple[str, str], ...] = ()
        """What the lower edge says, and the action of the screen that a click there does."""
        self.cursor = 0

    def title(self, width: int) -> Line:
        return self.heading

    def subtitle(self, width: int) -> Line:
        return tuple(_key(f"{'  ' if place else ''}{text}", action) for place, (text, action) in enumerate(self.keys))

    def on_subtitle(self, target: object) -> None:
        if target:
            self.post_message(Pressed(str(target)))

    def cursor_row(self) -> int | None:
        return self.cursor if self.row_count() else None

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, self.row_count() - 1))
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self.top + offset < self.row_count():
            self.cursor = self.top + offset
            self.sync()
            self.post_message(Chosen())


class SessionList(_Listing):
    """Sessions, the last written ones on top."""

    def __init__(self, shown: Path | None) -> None:
        super().__init__(id="session-list")
        self._shown = shown
        self._all: dict[Path, SessionSummary] = {}
        self._fitting: list[SessionSummary] = []
        self._words = ""
        self.empty: tuple[Line, ...] = ()
        """What to say when nothing is listed."""

    @property
    def total(self) -> int:
        """How many sessions are known."""
        return len(self._all)

    def bytes_total(self) -> int:
        """What all of them take on the disk."""
        return sum(session.size for session in self._all.values())

    def chosen(self) -> SessionSummary | None:
        """The session under the cursor."""
        return self._fitting[self.cursor] if self._fitting else None

    def take(self, sessions: Iterable[SessionSummary]) -> None:
        """Some more of them, or what they are by now."""
        self._all.update((session.path, session) for session in sessions)
        self._arrange()

    def forget(self, path: Path) -> None:
        """One is gone."""
        self._all.pop(path, None)
        self._arrange()

    def find(self, words: str) -> None:
        """List only sessions that fit."""
        if words != self._words:
            self._words = words
            self._arrange(keep=False)

    def go_to(self, path: Path) -> None:
        """Put the cursor on a session."""
        places = [place for place, session in enumerate(self._fitting) if session.path == path]
        if places:
            self.cursor = places[0]
            self.sync()

    def _arrange(self, *, keep: bool = True) -> None:
        before = self.chosen() if self.cursor else None
        fitting = [session for session in self._all.values() if session_rows.fits(session, self._words)]
        self._fitting = sorted(fitting, key=lambda session: (session.live, session.modified_ns), reverse=True)
        self.cursor = max(0, min(self.cursor, len(self._fitting) - 1)) if keep else 0
        if keep and before is not None:
            self.go_to(before.path)
        self.sync()

    def row_count(self) -> int:
        return 1 + (len(self._fitting) or len(self._explanation()))

    def _explanation(self) -> tuple[Line, ...]:
        if self._all and self._words:
            return ((), (Span("  No session fits what was typed.", Role.DIM),))
        return self.empty

    def cursor_row(self) -> int | None:
        return self.cursor + 1 if self._fitting else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        head = [session_rows.heading(width)] if first == 0 else []
        start, room = max(0, first - 1), count - len(head)
        if not self._fitting:
            return [*head, *self._explanation()[start : start + room]]
        some = self._fitting[start : start + room]
        return head + [session_rows.row(session, width, shown=session.path == self._shown) for session in some]

    def move_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self._fitting) - 1))
        if not self.cursor:
            self.top = 0
        self.sync()

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if 0 < self.top + offset <= len(self._fitting):
            self.cursor = self.top + offset - 1
            self.sync()
            self.post_message(Chosen())


class Preview(LineView, can_focus=False):
    """What is known of the session under the cursor."""

    def __init__(self) -> None:
        super().__init__(id="session-preview")
        self._session: SessionSummary | None = None

    def show(self, session: SessionSummary | None) -> None:
        """Tell of another one."""
        self._session = session
        self.sync()

    def row_count(self) -> int:
        return 3

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        lines = session_rows.preview(self._session, width) if self._session is not None else ()
        return [*lines, (), (), ()][first : first + count]


class FileList(_Listing):
    """Files of a folder that can be imported, and its folders."""

    def __init__(self) -> None:
        super().__init__(id="file-list")
        self._files: list[tuple[Path, bool]] = []
        self._trouble = ""

    def show(self, text: str) -> None:
        """List what a path that is being typed may become."""
        path = Path(text).expanduser()
        folder, start = (path, "") if text.endswith("/") or not text else (path.parent, path.name)
        self._trouble = ""
        try:
            entries = [(entry, entry.is_dir()) for entry in folder.iterdir() if not entry.name.startswith(".")]
        except OSError as error:
            self._trouble, entries = f"{folder}: {error.strerror or error}", []
        fitting = [
            (entry, is_dir)
            for entry, is_dir in entries
            if (is_dir or entry.name.endswith(IMPORTABLE)) and entry.name.casefold().startswith(start.casefold())
        ]
        self._files = sorted(fitting, key=lambda item: (item[1], item[0].name.casefold()))
        self.cursor = self.top = 0
        self.sync()

    def chosen(self) -> tuple[Path, bool] | None:
        """The file or folder under the cursor, and whether it is a folder."""
        return self._files[self.cursor] if self._files else None

    def row_count(self) -> int:
        return len(self._files) or 1

    def cursor_row(self) -> int | None:
        return self.cursor if self._files else None

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        if not self._files:
            text = self._trouble or f"no recording here: {', '.join(IMPORTABLE)}"
            return [(Span(f" {clean(text, 300)}", Role.ERROR if self._trouble else Role.DIM),)]
        return [_file_row(path, is_dir, width) for path, is_dir in self._files[first : first + count]]

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        if self._files:
            super().on_row(offset, target, event)


def _key(text: str, action: str) -> Span:
    return Span(text, Role.DIM, target=action)  # type: ignore[arg-type]  # followed by the listing alone


def _file_row(path: Path, is_dir: bool, cells: int) -> Line:
    name = clean(path.name, 300) + ("/" if is_dir else "")
    note = ""
    if not is_dir:
        try:
            status = path.stat()
            note = f"{byte_size(status.st_size):>8}  {date_and_time(status.st_mtime_ns)[:16]}"
        except OSError as error:
            note = error.strerror or "?"
    room = max(8, cells - 30)
    return (
        Span(" " + pad(name, room), Role.LINK if is_dir else Role.TEXT, bold=not is_dir),
        Span(f" {note}", Role.DIM),
    )
