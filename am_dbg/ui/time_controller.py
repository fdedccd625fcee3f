"""What the actions about time do: moves, playing, steps, jumps, history, bookmarks, and the mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from am_dbg.session import Session
from am_dbg.session.jumping import JumpTo
from am_dbg.ui.actions import Pane
from am_dbg.ui.shelving import Shelving

if TYPE_CHECKING:
    from am_dbg.ui.app import DebuggerApp
    from am_dbg.ui.screens.bookmark_note import Texts
    from am_dbg.ui.screens.main import MainScreen


class TimeController:
    """The part of the controller that moves through the recording. In the step timeline keys go by steps."""

    def __init__(self, session: Session, screen: MainScreen) -> None:
        self._session = session
        self._screen = screen
        self._shelving = Shelving(session, screen)

    @property
    def _app(self) -> DebuggerApp:
        return self._screen.debugger

    @property
    def _by_steps(self) -> bool:
        return self._screen.focused_pane is Pane.STEPS

    # -- time ----------------------------------------------------------------------------------------------------

    def previous_transition(self) -> None:
        if self._by_steps:
            self.previous_step()
        else:
            self._session.previous()

    def next_transition(self) -> None:
        if self._by_steps:
            self.next_step()
        else:
            self._session.next()

    def first_transition(self) -> None:
        if self._by_steps:
            self._session.leave_steps()
        else:
            self._session.first()
        self._screen.reveal()

    def last_transition(self) -> None:
        if self._by_steps:
            self._session.last_step()
        else:
            self._session.last()
        self._screen.reveal()

    def toggle_play(self) -> None:
        if self._by_steps:
            self._session.toggle_play_steps()
        else:
            self._session.toggle_play()

    def play_faster(self) -> None:
        self._session.change_speed(1)

    def play_slower(self) -> None:
        self._session.change_speed(-1)

    def toggle_real_time(self) -> None:
        self._session.toggle_real_time()

    def toggle_lock(self) -> None:
        self._session.toggle_lock()

    def toggle_tail(self) -> None:
        self._session.toggle_tail()

    # -- steps ---------------------------------------------------------------------------------------------------

    def previous_step(self) -> None:
        self._session.previous_step()
        self._stepped()

    def next_step(self) -> None:
        self._session.next_step()
        self._stepped()

    def _stepped(self) -> None:
        """Steps are to be seen in the schema, which in a narrow window is behind the machines."""
        if self._session.inside is not None and self._screen.focused_pane is Pane.MACHINES and self._screen.is_narrow:
            self._screen.focus_on(Pane.SCHEMA)

    # -- jumps ---------------------------------------------------------------------------------------------------

    def jump_back(self) -> None:
        self._session.jump_back()

    def jump_forward(self) -> None:
        self._session.jump_forward()

    def jump_back_to_activation(self) -> None:
        self._session.jump_back(JumpTo.ACTIVATION)

    def jump_forward_to_activation(self) -> None:
        self._session.jump_forward(JumpTo.ACTIVATION)

    def jump_back_to_touch(self) -> None:
        self._session.jump_back(JumpTo.TOUCH)

    def jump_forward_to_touch(self) -> None:
        self._session.jump_forward(JumpTo.TOUCH)

    def keep_state(self) -> None:
        self._session.keep_state()

    def clear_states(self) -> None:
        self._session.clear_state()

    def next_problem(self) -> None:
        self._session.next_problem()

    def previous_problem(self) -> None:
        self._session.previous_problem()

    def list_problems(self) -> None:
        from am_dbg.ui.screens.problems import ProblemsScreen

        self._app.push_screen(ProblemsScreen(self._session), self._screen.dialog_closed)

    # -- history -------------------------------------------------------------------------------------------------

    def go_back(self) -> None:
        self._session.go_back()

    def go_forward(self) -> None:
        self._session.go_forward()

    def go_back_elsewhere(self) -> None:
        self._session.go_back_elsewhere()

    def go_forward_elsewhere(self) -> None:
        self._session.go_forward_elsewhere()

    def list_history(self) -> None:
        from am_dbg.ui.screens.history import HistoryScreen

        self._app.push_screen(HistoryScreen(self._session), self._screen.dialog_closed)

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

    def _choose_state(self, name: str) -> None:
        self._session.select_state(name)
        self._screen.focus_on(Pane.SCHEMA)  # which in a narrow window is behind the machines
