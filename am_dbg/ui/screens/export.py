"""The export dialog: what of the session is written into which file, with progress and an honest end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from am_dbg.errors import AmDbgError
from am_dbg.session import Session
from am_dbg.session.exporting import REDACTIONS, ExportChoice
from am_dbg.timefmt import byte_size, thousands, time_of_day
from am_dbg.ui.file_jobs import ExportRequest, FileJobs
from am_dbg.ui.screens.once import ClosesOnce
from am_dbg.ui.widgets.key_field import KeyField
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.viewmodels.spans import Line, Role, Span, clean, pad
from am_telemetry.errors import TelemetryError

_FORMAT_NOTES: Final = {
    ".amdbg": "a session file: am-dbg opens it",
    ".jsonl": "JSON lines: for other programs",
}
_REDACTION_NOTES: Final = {
    "args": "values of arguments",
    "logs": "texts of the log",
    "errors": "error messages, tracebacks",
}
_ROWS: Final = 3 + len(REDACTIONS)


class StoppedError(AmDbgError):
    """Somebody does not want it any more."""


class ExportScreen(ClosesOnce, ModalScreen[None], inherit_bindings=False):
    """Enter writes, Esc stops writing or closes."""

    def __init__(self, session: Session, files: FileJobs, path: Path) -> None:
        super().__init__()
        self._session = session
        self._files = files
        self._path = path
        self.choice = ExportChoice()
        self._proposed = ""
        """The name that was proposed last; it follows the choice until somebody changes it."""
        self._replace: Path | None = None
        self._writing = False
        self._stop = False
        self._list = _Choices(session, self)

    def compose(self) -> ComposeResult:
        with Vertical(id="export-box"):
            yield self._list
            yield KeyField(id="export-name", select_on_focus=False)

    def on_mount(self) -> None:
        self.styles.align = ("center", "middle")
        self._propose()
        self._tell()
        self.query_one(Input).focus()

    # -- keys ----------------------------------------------------------------------------------------------------

    def takes(self, key: str) -> bool:
        """Do what a key means; False when it is for typing."""
        match key:
            case "escape":
                self._escape()
            case "enter":
                self._begin()
            case "up" | "down":
                self._list.move_cursor(1 if key == "down" else -1)
            case "left" | "right" | "tab" | "shift+tab" if not self._writing:
                if key in ("tab", "shift+tab"):
                    self._list.move_cursor(1 if key == "tab" else -1)
                else:
                    self.change(self._list.cursor, -1 if key == "left" else 1)
            case _:
                return self._writing
        return True

    def _escape(self) -> None:
        if self._writing:
            self._stop = True
            self._tell((Span("stopping …", Role.DIM),))
        else:
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self and not self._writing:
            self.dismiss(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        # The event may be older than what has become of the field since.
        if self._replace != Path(event.input.value.strip()).expanduser():
            self._replace = None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()

    # -- choices -------------------------------------------------------------------------------------------------

    def change(self, row: int, step: int = 1) -> None:
        """The next setting of a row."""
        if self._writing:
            return
        match row:
            case 0:
                self.choice = self.choice.with_next_machines(self._session, step)
            case 1:
                self.choice = self.choice.with_next_span(step)
            case 2:
                self.choice = self.choice.with_next_suffix(step)
            case _:
                self.choice = self.choice.toggled(REDACTIONS[row - 3])
        self._propose()
        self._tell()

    def _propose(self) -> None:
        field = self.query_one(Input)
        written = field.value
        proposed = self.choice.default_name(self._session, self._path)
        if written == self._proposed:
            written = proposed
        else:  # a name of one's own keeps all but its suffix
            path = Path(written)
            written = str(path.with_suffix(self.choice.suffix)) if path.name else proposed
        self._proposed = proposed
        field.value = written
        field.cursor_position = len(written)

    # -- writing -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        text = self.query_one(Input).value.strip()
        if self._writing:
            return None
        if not text:
            return self._fail("type the name of a file")
        target = Path(text).expanduser()
        if target.exists() and self._replace != target and not target.is_dir():
            self._replace = target
            return self._fail(f"{target.name} exists already: Enter again replaces it")
        from_ns, to_ns = self.choice.times(self._session)
        names = self.choice.names(self._session)
        request = ExportRequest(target, names, from_ns, to_ns, self.choice.redact, replace=self._replace == target)
        self._writing, self._stop = True, False
        self._tell((Span("writing …", Role.VALUE, bold=True),))
        self._write(request)
        return None

    @work(thread=True, exclusive=True)
    def _write(self, request: ExportRequest) -> None:
        shown = -1

        def progress(done: int, total: int) -> None:
            nonlocal shown
            if self._stop:
                raise StoppedError("stopped; nothing was written")
            percent = done * 100 // max(1, total)
            if percent != shown:
                shown = percent
                self.app.call_from_thread(self._progress, percent)

        try:
            count = self._files.export(request, progress)
            size = request.target.stat().st_size
        except (AmDbgError, TelemetryError) as error:
            self.app.call_from_thread(self._fail, error.message)
        except OSError as error:
            self.app.call_from_thread(self._fail, f"{request.target}: {error.strerror or error}")
        else:
            self.app.call_from_thread(self._done, request.target, count, size)

    def _progress(self, percent: int) -> None:
        if self._writing and not self._stop:
            self._tell((Span(f"writing {percent} %", Role.VALUE, bold=True),))

    def _done(self, target: Path, count: int, size: int) -> None:
        self._writing, self._replace = False, None
        self._session.say(f"exported {thousands(count)} transitions, {byte_size(size)}, into {target}")
        self.dismiss(None)

    def _fail(self, why: str) -> None:
        self._writing = False
        self._tell((Span(f"✕ {clean(why, 300)}", Role.ERROR, bold=True),))

    def _tell(self, status: Line = ()) -> None:
        self._list.status = status
        self._list.sync()


class _Choices(LineView, can_focus=False):
    def __init__(self, session: Session, dialog: ExportScreen) -> None:
        super().__init__(id="export-list")
        self._session = session
        self._dialog = dialog
        self.cursor = 0
        self.status: Line = ()

    def title(self, width: int) -> Line:
        return (Span("Export", Role.TITLE, bold=True),)

    def subtitle(self, width: int) -> Line:
        return (Span("↑↓ choose  ←→ change  Enter write  Esc", Role.DIM),)

    def row_count(self) -> int:
        return _ROWS + 3

    def cursor_row(self) -> int | None:
        return self.cursor

    def move_cursor(self, step: int) -> None:
        self.cursor = (self.cursor + step) % _ROWS
        self.sync()

    def rows(self, first: int, count: int, width: int) -> Sequence[Line]:
        choice, session = self._dialog.choice, self._session
        machines = choice.machines.value
        names = choice.names(session)
        if len(names) == 1:
            machines += f": {clean(names[0], 60)}"
        elif names:
            machines += f": {clean(', '.join(names), 80)}"
        else:
            machines += f": {thousands(len(session.recording.machines))} runs"
        at = f" ({time_of_day(session.moment)[:12]})" if any(choice.times(session)) else ""
        lines: list[Line] = [
            _setting("machines", machines),
            _setting("time", choice.span.value + at),
            _setting("format", f"{choice.suffix}  {_FORMAT_NOTES[choice.suffix]}"),
        ]
        for what in REDACTIONS:
            on = what in choice.redact
            lines.append(
                (
                    Span(f" {pad('blank out' if what == REDACTIONS[0] else '', 10)} ", Role.DIM),
                    Span("[x] " if on else "[ ] ", Role.ACTIVE if on else Role.DIM, bold=on),
                    Span(_REDACTION_NOTES[what], Role.TEXT if on else Role.DIM),
                )
            )
        lines += [(), (Span(" "), *self.status), (Span(f" into the file, in {clean(str(Path.cwd()), 200)}", Role.DIM),)]
        return lines[first : first + count]

    def on_row(self, offset: int, target: object, event: events.Click) -> None:
        row = self.top + offset
        if row < _ROWS:
            self.cursor = row
            self._dialog.change(row)


def _setting(name: str, value: str) -> Line:
    return (
        Span(f" {pad(name, 10)} ", Role.DIM),
        Span("‹ ", Role.KEY),
        Span(value, Role.TEXT, bold=True),
        Span(" ›", Role.KEY),
    )
