"""What each action does. The registry names these methods; this is the only place that turns keys into commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_dbg.session import Session
from am_dbg.session.addressing import go_to, shared_address
from am_dbg.session.finding import Finder
from am_dbg.ui.actions import BY_ID, Pane
from am_dbg.ui.themes import CHOICES, NAMES
from am_dbg.ui.time_controller import TimeController
from am_dbg.viewmodels import error_text
from am_dbg.viewmodels.spans import clean

if TYPE_CHECKING:
    from am_dbg.ui.screens.main import MainScreen
    from am_dbg.ui.widgets.line_view import LineView

_LONGEST_ADDRESS: Final = 10_000


class Controller(TimeController):
    """Runs actions on a session and on the screen that shows it."""

    def __init__(self, session: Session, screen: MainScreen) -> None:
        super().__init__(session, screen)
        self._finder = Finder(session)

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
    def _view(self) -> LineView | None:
        return self._screen.focused_view

    # -- steps ---------------------------------------------------------------------------------------------------

    def inspect_steps(self) -> None:
        from am_dbg.ui.screens.steps import StepsScreen

        self._app.push_screen(StepsScreen(self._session), self._steps_closed)

    def toggle_touched_first(self) -> None:
        self._session.toggle_touched_first()

    def _steps_closed(self, _: object = None) -> None:
        self._stepped()
        self._screen.dialog_closed()

    # -- jumps ---------------------------------------------------------------------------------------------------

    def explain(self) -> None:
        session = self._session
        timeline = session.timeline
        if timeline is None:
            return session.say("no machine is selected")
        from am_dbg.ui.screens.why import WhyScreen
        from am_dbg.viewmodels.why import asked_about

        state = asked_about(session)
        if not state:
            return session.say("why what? Select a state first: Tab to the schema, then type the beginning of its name")
        if state not in timeline.schema.index:
            return session.say(f"this machine has no state {state!r}")
        screen = WhyScreen(session, state)

        def closed(_: object) -> None:
            if screen.wants_steps:
                self.inspect_steps()
            else:
                self._screen.dialog_closed()

        self._app.push_screen(screen, closed)
        return None

    def show_causes(self) -> None:
        record = self._session.current
        if record is None:
            return self._session.say("there is no transition here")
        from am_dbg.ui.screens.causes import CausesScreen

        self._app.push_screen(CausesScreen(self._session, record), self._screen.dialog_closed)
        return None

    def go_to_cause(self) -> None:
        self._session.go_to_cause()

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

        screen = FindScreen(self._session, self._finder, self._choose_state, self._app.text_index(), self._ask)
        self._app.push_screen(screen, self._chosen)

    def ask(self) -> None:
        query = self._session.filters.query
        self._ask("" if query is None else query.text)

    def _ask(self, text: str, *, filtering: bool = False) -> None:
        from am_dbg.ui.screens.query import QueryScreen

        screen = QueryScreen(self._session, self._finder, self._app.text_index(), text, filtering=filtering)
        self._app.push_screen(screen, self._chosen)

    def next_hit(self) -> None:
        self._finder.next()

    def previous_hit(self) -> None:
        self._finder.previous()

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
        elif self._session.states:
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

    def choose_states(self) -> None:
        from am_dbg.ui.screens.states import StatesScreen

        self._app.push_screen(StatesScreen(self._session), self._screen.dialog_closed)

    def toggle_inactive_states(self) -> None:
        self._session.toggle_inactive_states()

    def toggle_idle_states(self) -> None:
        self._session.toggle_idle_states()

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

        screen = FiltersScreen(self._session)

        def closed(_: object) -> None:
            if screen.wants_query:
                query = self._session.filters.query
                self._ask("" if query is None else query.text, filtering=True)
            else:
                self._screen.dialog_closed()

        self._app.push_screen(screen, closed)

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

    def ask_detail(self) -> None:
        session = self._session
        machine = session.machine
        if machine is None:
            return session.say("no machine is selected")
        if not self._app.can_ask:
            recorded = "nobody can be asked: this session is a recording; AM_DETAIL sets how much programs tell"
            taken = "nobody can be asked: the hub that records this takes requests only where it has a Unix socket"
            return session.say(taken if session.live else recorded)
        if not machine.connected:
            return session.say(f"{session.label(machine.id)} has ended: nobody is left to be asked")
        from am_dbg.ui.screens.detail import DetailScreen, DetailWish

        def ask(wish: DetailWish) -> None:
            self._app.ask_detail(machine.name, wish.level, wish.seconds)

        self._app.push_screen(DetailScreen(machine.name, ask), self._screen.dialog_closed)
        return None

    def toggle_pin(self) -> None:
        self._session.toggle_pin(self._screen.row_machine)

    def widen_pane(self) -> None:
        self._resize_pane(1)

    def narrow_pane(self) -> None:
        self._resize_pane(-1)

    def _resize_pane(self, steps: int) -> None:
        if not self._screen.dividers.change(self._screen.focused_pane, steps) and self._session.inside is None:
            self._session.say("there is no more room for that")

    def reset_panes(self) -> None:
        self._screen.dividers.reset()

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

    def open_lanes(self) -> None:
        from am_dbg.ui.screens.lanes import LanesScreen

        if self._session.machine_id is None:
            return self._session.say("there is no machine yet")
        self._app.push_screen(LanesScreen(self._session), self._screen.dialog_closed)
        return None

    def show_trouble(self) -> None:
        from am_dbg.ui.screens.trouble import TroubleScreen

        self._app.push_screen(TroubleScreen(self._session, self._app.failure), self._screen.dialog_closed)

    def open_export(self) -> None:
        files = self._app.files
        path = None if files is None else files.session
        if files is None or path is None:
            return self._session.say("there is no session file to export from here; use am-dbg export")
        from am_dbg.ui.screens.export import ExportScreen

        self._app.push_screen(ExportScreen(self._session, files, path), self._screen.dialog_closed)
        return None

    def _session_chosen(self, path: Path | None) -> None:
        files = self._app.files
        if path is not None and files is not None and path != files.session:
            self._app.exit(path)
        else:
            self._screen.paint_soon()

    def open_menu_at_cursor(self) -> None:
        view = self._screen.query_one(f"#{self._screen.focused_pane}")
        row = self._view.cursor_row() if self._view is not None else None
        top = self._view.top if self._view is not None else 0
        below = 1 + max(0, min((row or 0) - top, view.size.height - 3))
        self.open_menu((view.region.x + 4, view.region.y + below))

    def open_menu(self, at: tuple[int, int]) -> None:
        """Open the menu of the focused pane near a place of the screen."""
        from am_dbg.ui.screens.menu import MenuScreen

        pane = self._screen.focused_pane
        menu = MenuScreen(pane, self._screen.keymap, self._subject(pane), at)

        def closed(_: object) -> None:
            if menu.chosen is not None:
                self.run(menu.chosen)
            self._screen.paint_soon()

        self._app.push_screen(menu, closed)

    def _subject(self, pane: Pane) -> str:
        """What the menu of a pane is about."""
        session = self._session
        if session.machine_id is None:
            return ""
        if pane is Pane.SCHEMA and session.state:
            return clean(session.state, 40)
        if pane in (Pane.MACHINES, Pane.PINNED):
            return clean(session.label(self._screen.row_machine or session.machine_id), 40)
        return f"{clean(session.label(session.machine_id), 30)} #{session.number:,}"

    def open_palette(self) -> None:
        from am_dbg.ui.screens.palette import PaletteScreen

        palette = PaletteScreen(self._session, self.run, self._choose_state, self._screen.keymap)
        self._app.push_screen(palette, self._chosen)

    def _chosen(self, run: Callable[[], None] | None) -> None:
        """What was chosen in a list is done when the list has closed."""
        if run is not None:
            run()
        self._screen.paint_soon()

    def quit(self) -> None:
        self._app.exit()
