"""What each action does. The registry names these methods; this is the only place that turns keys into commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_dbg.session import Session
from am_dbg.session.addressing import go_to, shared_address
from am_dbg.session.finding import Finder
from am_dbg.ui.actions import BY_ID, Pane
from am_dbg.ui.shelving import Shelving
from am_dbg.ui.themes import CHOICES, NAMES
from am_dbg.viewmodels import error_text

if TYPE_CHECKING:
    from am_dbg.ui.app import DebuggerApp
    from am_dbg.ui.screens.bookmark_note import Texts
    from am_dbg.ui.screens.main import MainScreen
    from am_dbg.ui.widgets.line_view import LineView

_LONGEST_ADDRESS: Final = 10_000


class Controller:
    """Runs actions on a session and on the screen that shows it."""

    def __init__(self, session: Session, screen: MainScreen) -> None:
        self._session = session
        self._screen = screen
        self._finder = Finder(session)
        self._shelving = Shelving(session, screen)

    def run(self, action_id: str) -> None:
        """Do an action by its id.

        Raises:
            KeyError: no action has that id.
        """
        action = BY_ID[action_id]
        handler = getattr(self, action.handler)
        if action.argument is None:
            handler()
        else:
            handler(action.argument)
        self._screen.paint_soon()

    @property
    def _app(self) -> DebuggerApp:
        return self._screen.debugger

    @property
    def _view(self) -> LineView | None:
        return self._screen.focused_view

    # -- time ----------------------------------------------------------------------------------------------------

    def previous_transition(self) -> None:
        self._session.previous()

    def next_transition(self) -> None:
        self._session.next()

    def first_transition(self) -> None:
        self._session.first()
        self._screen.reveal()

    def last_transition(self) -> None:
        self._session.last()
        self._screen.reveal()

    def toggle_play(self) -> None:
        self._session.toggle_play()

    def play_faster(self) -> None:
        self._session.change_speed(1)

    def play_slower(self) -> None:
        self._session.change_speed(-1)

    def toggle_real_time(self) -> None:
        self._session.toggle_real_time()

    def toggle_tail(self) -> None:
        self._session.toggle_tail()

    # -- steps ---------------------------------------------------------------------------------------------------

    def previous_step(self) -> None:
        self._session.previous_step()
        self._stepped()

    def next_step(self) -> None:
        self._session.next_step()
        self._stepped()

    def inspect_steps(self) -> None:
        from am_dbg.ui.screens.steps import StepsScreen

        self._app.push_screen(StepsScreen(self._session), self._steps_closed)

    def toggle_touched_first(self) -> None:
        self._session.toggle_touched_first()

    def _steps_closed(self, _: object = None) -> None:
        self._stepped()
        self._screen.dialog_closed()

    def _stepped(self) -> None:
        """Steps are to be seen in the schema, which in a narrow window is behind the machines."""
        if self._session.inside is not None and self._screen.focused_pane is Pane.MACHINES and self._screen.is_narrow:
            self._screen.focus_on(Pane.SCHEMA)

    # -- jumps ---------------------------------------------------------------------------------------------------

    def jump_back(self) -> None:
        self._session.jump_back()

    def jump_forward(self) -> None:
        self._session.jump_forward()

    def next_problem(self) -> None:
        self._session.next_problem()

    def previous_problem(self) -> None:
        self._session.previous_problem()

    def list_problems(self) -> None:
        from am_dbg.ui.screens.problems import ProblemsScreen

        self._app.push_screen(ProblemsScreen(self._session), self._screen.dialog_closed)

    def go_to_cause(self) -> None:
        self._session.go_to_cause()

    def go_back(self) -> None:
        self._session.go_back()

    def go_forward(self) -> None:
        self._session.go_forward()

    def go_to(self) -> None:
        from am_dbg.ui.screens.goto import GoToScreen

        self._app.push_screen(GoToScreen(self._session), self._screen.dialog_closed)

    def copy_address(self) -> None:
        text = shared_address(self._session)
        if not text:
            return self._session.say("there is no machine yet")
        self._app.copy_to_clipboard(text)
        return self._session.say(f"{text} · sent to the terminal's clipboard, if it takes it (OSC 52)")

    def paste_address(self) -> None:
        """From the clipboard of the app; that of the terminal cannot be read, only be pasted by it."""
        if self._app.clipboard:
            self.go_to_pasted(self._app.clipboard)
        else:
            self.go_to()

    def go_to_pasted(self, text: str) -> None:
        """Go where pasted text says, if it is about a place at all."""
        lines = text.split("\n")
        if len(lines) > 1 and lines[1].strip():
            return self._session.say("a machine address is one line")
        go_to(self._session, lines[0][:_LONGEST_ADDRESS])
        return self._screen.paint_soon()

    def find(self) -> None:
        from am_dbg.ui.screens.find import FindScreen

        screen = FindScreen(self._session, self._finder, self._choose_state, self._app.text_index())
        self._app.push_screen(screen, self._chosen)

    def next_hit(self) -> None:
        self._finder.next()

    def previous_hit(self) -> None:
        self._finder.previous()

    # -- bookmarks and differences -------------------------------------------------------------------------------

    def add_bookmark(self) -> None:
        session = self._session
        machine_id, number = session.machine_id, session.number
        if machine_id is None:
            return session.say("no machine is selected")
        if session.shelf is None:
            return session.say("bookmarks are kept in session files, and this is none")
        from am_dbg.ui.screens.bookmark_note import BookmarkScreen

        known = [mark for mark in session.bookmarks if (mark.machine_id, mark.number) == (machine_id, number)]

        def done(texts: Texts | None) -> None:
            if texts is not None:
                self._shelving.keep(machine_id, number, texts)
            self._screen.paint_soon()

        self._app.push_screen(BookmarkScreen(session, machine_id, number, known[0] if known else None), done)
        return None

    def list_bookmarks(self) -> None:
        from am_dbg.ui.screens.bookmarks import BookmarksScreen

        self._session.refresh_bookmarks()
        screen = BookmarksScreen(self._session, self._shelving.keep, self._shelving.remove)
        self._app.push_screen(screen, self._screen.dialog_closed)

    def set_mark(self) -> None:
        self._session.set_mark()

    def compare(self) -> None:
        session = self._session
        if session.mark is None:
            return session.say("there is nothing to compare with yet: M sets the mark at the cursor")
        from am_dbg.ui.screens.comparison import ComparisonScreen

        self._app.push_screen(ComparisonScreen(session, self._choose_state), self._screen.dialog_closed)
        return None

    # -- panes and lists -----------------------------------------------------------------------------------------

    def move_up(self) -> None:
        if self._view is not None:
            self._view.move_cursor(-1)

    def move_down(self) -> None:
        if self._view is not None:
            self._view.move_cursor(1)

    def move_page_up(self) -> None:
        if self._view is not None:
            self._view.move_cursor(-self._view.page)

    def move_page_down(self) -> None:
        if self._view is not None:
            self._view.move_cursor(self._view.page)

    def move_left(self) -> None:
        if self._view is not None:
            self._view.scroll_columns(-8)

    def move_right(self) -> None:
        if self._view is not None:
            self._view.scroll_columns(8)

    def move_enter(self) -> None:
        if self._view is not None:
            self._view.choose()
            self._screen.end_search()

    def next_pane(self) -> None:
        self._screen.focus_pane(1)

    def previous_pane(self) -> None:
        self._screen.focus_pane(-1)

    def escape(self) -> None:
        if self._screen.end_search():
            return
        if self._session.step:
            self._session.leave_steps()
        elif self._session.state:
            self._session.clear_state()
        else:
            self._screen.focus_on(Pane.MACHINES)

    def next_machine(self) -> None:
        self._session.next_machine()

    def put_machine_away(self) -> None:
        self._screen.machine_list.put_away()

    def bring_machine_back(self) -> None:
        self._session.bring_machine_back()

    def toggle_ended(self) -> None:
        self._session.toggle_ended()

    def previous_machine(self) -> None:
        self._session.previous_machine()

    # -- view ----------------------------------------------------------------------------------------------------

    def next_layout(self) -> None:
        self._session.next_layout()

    def show_log(self) -> None:
        self._session.show_content("log")

    def toggle_matrix(self) -> None:
        self._session.toggle_content("matrix")

    def toggle_rain(self) -> None:
        self._session.toggle_content("rain")

    def toggle_untouched(self) -> None:
        self._session.toggle_untouched()

    def toggle_expand(self) -> None:
        if self._screen.focused_pane is Pane.READER:
            self._screen.reader_view.toggle_all()
        else:
            self._session.toggle_all_nodes()

    def toggle_reader(self) -> None:
        self._screen.toggle_reader()

    def show_error(self) -> None:
        from am_dbg.ui.screens.error import ErrorScreen

        story = error_text.find(self._session)
        if story is None:
            self._session.say("no error here; J and K lead to problems")
        else:
            self._app.push_screen(ErrorScreen(story), self._screen.dialog_closed)

    def open_filters(self) -> None:
        from am_dbg.ui.screens.filters import FiltersScreen

        self._app.push_screen(FiltersScreen(self._session), self._screen.dialog_closed)

    def toggle_all_filters(self) -> None:
        self._session.toggle_all_filters()

    def set_log_level(self, level: int) -> None:
        self._session.set_log_level(level)

    def change_log_scope(self) -> None:
        self._session.change_log("scope")

    def change_log_times(self) -> None:
        self._session.change_log("times")

    def toggle_log_wrap(self) -> None:
        self._session.change_log("wrap")

    def toggle_log_traces(self) -> None:
        self._session.change_log("traces")

    def copy_log_line(self) -> None:
        self._screen.log_view.copy()

    def select_row_up(self) -> None:
        self._screen.log_view.select(-1)

    def select_row_down(self) -> None:
        self._screen.log_view.select(1)

    def toggle_pin(self) -> None:
        self._session.toggle_pin()

    def next_theme(self) -> None:
        self._use_theme(None)

    def set_theme(self, place: int) -> None:
        self._use_theme(CHOICES[place])

    def _use_theme(self, theme: str | None) -> None:
        if not self._app.choose_theme(theme):
            return self._session.say("this terminal shows no colours (NO_COLOR)")
        name = next(name for name, known in NAMES.items() if known == self._app.theme)
        return self._session.say(f"colours: {name}")

    # -- application ---------------------------------------------------------------------------------------------

    def open_help(self) -> None:
        from am_dbg.ui.screens.help import HelpScreen

        self._app.push_screen(HelpScreen(self._screen.focused_pane, self._screen.keymap), self._screen.dialog_closed)

    def list_sessions(self) -> None:
        files = self._app.files
        if files is None:
            return self._session.say("sessions are not exchanged here; end am-dbg and run am-dbg open")
        from am_dbg.ui.screens.sessions import SessionsScreen

        self._app.push_screen(SessionsScreen(files), self._session_chosen)
        return None

    def _session_chosen(self, path: Path | None) -> None:
        files = self._app.files
        if path is not None and files is not None and path != files.session:
            self._app.exit(path)
        else:
            self._screen.paint_soon()

    def open_palette(self) -> None:
        from am_dbg.ui.screens.palette import PaletteScreen

        palette = PaletteScreen(self._session, self.run, self._choose_state, self._screen.keymap)
        self._app.push_screen(palette, self._chosen)

    def _chosen(self, run: Callable[[], None] | None) -> None:
        """What was chosen in a list is done when the list has closed."""
        if run is not None:
            run()
        self._screen.paint_soon()

    def _choose_state(self, name: str) -> None:
        self._session.select_state(name)
        self._screen.focus_on(Pane.SCHEMA)  # which in a narrow window is behind the machines

    def quit(self) -> None:
        self._app.exit()
