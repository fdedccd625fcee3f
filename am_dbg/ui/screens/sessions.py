"""The list of recorded sessions: find one, look at it, rename or delete it, or import a recording."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import Final

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import get_current_worker

from am_dbg.errors import AmDbgError
from am_dbg.timefmt import byte_size, thousands
from am_dbg.ui.file_jobs import FileJobs
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.key_field import KeyField
from am_dbg.ui.widgets.session_list import Chosen, FileList, Pressed, Preview, SessionList
from am_dbg.viewmodels import session_rows
from am_dbg.viewmodels.spans import Line, Role, Span, clean
from am_telemetry.errors import TelemetryError
from am_telemetry.store import folder
from am_telemetry.store.errors import StoreError
from am_telemetry.store.paths import sessions_dir
from am_telemetry.store.summary import SessionSummary, summarize

_AT_ONCE: Final = 12
"""Sessions that are looked into before they are shown."""


class _Mode(Enum):
    FIND = auto()
    RENAME = auto()
    DELETE = auto()
    IMPORT = auto()
    IMPORTING = auto()


_KEYS: Final[dict[_Mode, tuple[tuple[str, str], ...]]] = {
    _Mode.FIND: (
        ("Enter open", "submit"), ("^R rename", "rename"), ("^D delete", "delete"), ("^O import", "import"),
        ("Esc", "back"),
    ),
    _Mode.RENAME: (("Enter rename", "submit"), ("Esc leave the name", "back")),
    _Mode.DELETE: (("y delete", "sure"), ("any other key: keep", "back")),
    _Mode.IMPORT: (("↑↓ Enter import", "submit"), ("Tab complete", "complete"), ("Esc back", "back")),
    _Mode.IMPORTING: (("importing …", ""),),
}  # fmt: skip
_HINTS: Final = {
    _Mode.FIND: "Type to find a session: name, program, date …",
    _Mode.RENAME: "The new name",
    _Mode.DELETE: "y deletes it",
    _Mode.IMPORT: "A file: .gob.br .jsonl .amdbg",
    _Mode.IMPORTING: "",
}


_ACTIONS: Final = {
    "escape": "back",
    "enter": "submit",
    "up": "up",
    "down": "down",
    "pageup": "page_up",
    "pagedown": "page_down",
    "ctrl+r": "rename",
    "ctrl+d": "delete",
    "ctrl+o": "import",
    "tab": "complete",
}


class SessionsScreen(ClosesOnce, ModalScreen[Path | None], inherit_bindings=False):
    """The result is the session file to look at; None to stay.

    Args:
        files: what is done with files.
    """

    def __init__(self, files: FileJobs) -> None:
        super().__init__()
        self._files = files
        self._list = SessionList(files.session)
        self._preview = Preview()
        self._found = FileList()
        self._mode = _Mode.FIND
        self._about: SessionSummary | None = None
        self._words = ""
        self._path = ""
        self._loading = True
        self._wanted = False
        self._notice: Line = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="sessions-box"):
            yield KeyField(id="palette-input", placeholder=_HINTS[_Mode.FIND], select_on_focus=False)
            yield self._list
            yield self._found
            yield self._preview

    def on_mount(self) -> None:
        self._enter(_Mode.FIND)
        self.query_one(Input).focus()
        self._load()

    # -- reading the folder --------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="load")
    def _load(self) -> None:
        worker = get_current_worker()
        try:
            paths = sorted(folder.session_paths(), key=_modified, reverse=True)
        except StoreError as error:
            self.app.call_from_thread(self._loaded, [], str(error), True)
            return
        for start in range(0, len(paths), _AT_ONCE):
            some = [summarize(path) for path in paths[start : start + _AT_ONCE]]
            if worker.is_cancelled:
                return
            self.app.call_from_thread(self._loaded, some, "", False)
        self.app.call_from_thread(self._loaded, [], "", True)

    def _loaded(self, some: list[SessionSummary], trouble: str, done: bool) -> None:
        if trouble:
            self._notice = (Span(clean(trouble, 300), Role.ERROR),)
        self._list.take(some)
        self._loading = not done
        if done and not self._list.total and not trouble:
            self._list.empty = _nothing_yet()
            self._list.sync()
        self._tell()
        if self._wanted:
            self._choose()

    # -- keys ----------------------------------------------------------------------------------------------------

    def takes(self, key: str) -> bool:
        """Do what a key means; False when it is for typing."""
        if self._mode is _Mode.IMPORTING:
            return True
        self._notice = ()
        action = _ACTIONS.get(key)
        if action is None:
            return False
        self._take(self.query_one(Input).value)
        getattr(self, f"action_{action}")()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == event.input.value:  # else it was typed before something else became of the field
            self._take(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def _take(self, text: str) -> None:
        """What was typed so far."""
        match self._mode:
            case _Mode.FIND if text != self._words:
                self._words = text
                self._wanted = False
                self._list.find(text)
                self._tell()
            case _Mode.IMPORT if text != self._path:
                self._path = text
                self._found.show(text)
            case _Mode.DELETE if text:
                self._delete(text)

    def _submit(self, value: str) -> None:
        match self._mode:
            case _Mode.FIND:
                self._wanted = True
                self._choose()
            case _Mode.RENAME:
                self._rename(value)
            case _Mode.DELETE:
                self._enter(_Mode.FIND)
            case _Mode.IMPORT:
                self._import_chosen(value)

    def action_back(self) -> None:
        if self._mode is _Mode.FIND:
            self.dismiss(None)
        elif self._mode is not _Mode.IMPORTING:
            self._enter(_Mode.FIND)

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def action_page_up(self) -> None:
        self._move(-self._list.page)

    def action_page_down(self) -> None:
        self._move(self._list.page)

    def _move(self, step: int) -> None:
        self._wanted = False
        (self._found if self._mode is _Mode.IMPORT else self._list).move_cursor(step)
        self._tell()

    def action_rename(self) -> None:
        if (session := self._free("renamed")) is not None:
            self._about = session
            self._enter(_Mode.RENAME, session.name)

    def action_delete(self) -> None:
        if (session := self._free("deleted")) is not None:
            self._about = session
            self._enter(_Mode.DELETE)

    def action_import(self) -> None:
        if self._mode is _Mode.FIND:
            self._browse()

    def _browse(self) -> None:
        self._path = ""
        self._enter(_Mode.IMPORT)
        self._found.show("")

    def action_complete(self) -> None:
        if self._mode is _Mode.IMPORT and (chosen := self._found.chosen()) is not None:
            self._type(f"{chosen[0]}/" if chosen[1] else str(chosen[0]))

    def on_chosen(self, event: Chosen) -> None:
        event.stop()
        self.action_submit()

    async def on_pressed(self, event: Pressed) -> None:
        event.stop()
        await self.run_action(event.action)

    def action_submit(self) -> None:
        self._submit(self.query_one(Input).value)

    def action_sure(self) -> None:
        self._delete("y")

    def on_click(self, event: events.Click) -> None:
        if event.widget is self and self._mode is not _Mode.IMPORTING:
            self.dismiss(None)

    # -- what is done --------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """Enter is also pressed before the folder was read: then it waits for the first session."""
        session = self._list.chosen()
        if not self._wanted or session is None:
            return
        self._wanted = False
        if session.trouble:
            self._say_error(f"{session.name}: {session_rows.trouble(session)}")
        else:
            self.dismiss(session.path)

    def _free(self, what: str) -> SessionSummary | None:
        """The session under the cursor, if something may be done to it."""
        session = self._list.chosen()
        if self._mode is not _Mode.FIND or session is None:
            return None
        if session.live:
            self._say_error(f"{session.name} is being recorded, so it cannot be {what}")
        elif session.path == self._files.session:
            self._say_error(f"{session.name} is what you are looking at, so it cannot be {what}")
        else:
            return session
        return None

    def _rename(self, name: str) -> None:
        session = self._about
        if session is None or name.strip() == session.name:
            return self._enter(_Mode.FIND)
        try:
            path = folder.rename(session.path, name)
        except StoreError as error:
            return self._say_error(str(error))
        self._list.forget(session.path)
        self._list.take([summarize(path)])
        self._enter(_Mode.FIND)
        self._list.go_to(path)
        return self._tell()

    def _delete(self, answer: str) -> None:
        session = self._about
        self._enter(_Mode.FIND)
        if session is None or answer not in ("y", "Y"):
            return None
        try:
            folder.remove(session.path)
        except StoreError as error:
            return self._say_error(str(error))
        self._list.forget(session.path)
        self._notice = (Span(f"deleted {clean(session.name, 100)}", Role.TEXT),)
        return self._tell()

    def _import_chosen(self, text: str) -> None:
        path = Path(text).expanduser()
        chosen = self._found.chosen()
        if not (text and path.is_file()) and chosen is not None:
            path = chosen[0]
        if path.is_dir():
            self._type(f"{path}/")
        else:
            self._enter(_Mode.IMPORTING)
            self._import(path)

    @work(thread=True, exclusive=True, group="import")
    def _import(self, source: Path) -> None:
        shown = -1

        def progress(done: int, total: int) -> None:
            nonlocal shown
            percent = done * 100 // max(1, total)
            if percent != shown:
                shown = percent
                self.app.call_from_thread(self._progress, source, percent)

        try:
            path = self._files.import_recording(source, progress)
            session = summarize(path)
        except (AmDbgError, TelemetryError) as error:
            hint = f" · {error.hint}" if error.hint else ""
            # The folder is in the field; what is wrong has to fit into the edge of the list.
            trouble = error.message.replace(str(source), source.name)
            self.app.call_from_thread(self._imported, None, f"{trouble}{hint}")
        else:
            self.app.call_from_thread(self._imported, session, "")

    def _progress(self, source: Path, percent: int) -> None:
        if self._mode is _Mode.IMPORTING:
            self._notice = (Span(f"importing {clean(source.name, 60)} {percent} %", Role.VALUE, bold=True),)
            self._tell()

    def _imported(self, session: SessionSummary | None, trouble: str) -> None:
        if session is None:
            self._browse()
            return self._say_error(trouble)
        self._list.take([session])
        self._enter(_Mode.FIND, keep_words=False)
        self._list.go_to(session.path)
        done = f"imported {thousands(session.transitions)} transitions; Enter looks at them"
        self._notice = (Span(done, Role.TEXT),)
        return self._tell()

    # -- what is shown -------------------------------------------------------------------------------------------

    def _enter(self, mode: _Mode, text: str = "", *, keep_words: bool = True) -> None:
        self._mode, self._notice = mode, ()
        if not keep_words:
            self._words = ""
            self._list.find("")
        field = self.query_one(Input)
        field.placeholder = _HINTS[mode]
        self._type(self._words if mode is _Mode.FIND else text)
        importing = mode in (_Mode.IMPORT, _Mode.IMPORTING)
        self._found.display = importing
        self._list.display = not importing
        self._preview.display = not importing
        self._tell()

    def _type(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    def _say_error(self, text: str) -> None:
        self._notice = (Span(f"✕ {clean(text, 300)}", Role.ERROR, bold=True),)
        self._tell()

    def _tell(self) -> None:
        heading = self._notice or self._heading()
        for listing in (self._list, self._found):
            listing.heading, listing.keys = heading, _KEYS[self._mode]
            listing.sync()
        self._preview.show(self._list.chosen())

    def _heading(self) -> Line:
        about = "" if self._about is None else clean(self._about.name, 80)
        match self._mode:
            case _Mode.RENAME:
                return (Span(f"Rename {about}", Role.TITLE, bold=True),)
            case _Mode.DELETE if self._about is not None:
                marks = f", {self._about.bookmarks} bookmarks" if self._about.bookmarks else ""
                what = f"{thousands(self._about.transitions)} transitions, {byte_size(self._about.size)}{marks}"
                return (Span(f"Delete {about}? ", Role.ERROR, bold=True), Span(what, Role.TEXT))
            case _Mode.IMPORT | _Mode.IMPORTING:
                return (Span("Import a recording", Role.TITLE, bold=True),)
        count = f"Sessions {thousands(self._list.total)}"
        where = "reading the folder …" if self._loading else clean(str(sessions_dir()), 200)
        return (
            Span(count, Role.TITLE, bold=True),
            Span(f" · {byte_size(self._list.bytes_total())} · {where}", Role.DIM),
        )


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _nothing_yet() -> tuple[Line, ...]:
    return (
        (),
        (Span("  There are no sessions yet.", Role.TITLE, bold=True),),
        (),
        (Span("  Record one: ", Role.DIM), Span("am-dbg", Role.VALUE, bold=True), Span(" or ", Role.DIM),
         Span("am-dbg demo", Role.VALUE, bold=True)),
        (Span("  Or import one: ", Role.DIM), Span("^O", Role.KEY, bold=True)),
    )  # fmt: skip
