"""The main screen: where the panes are, which has the focus, and when they are painted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.screen import Screen

from am_dbg.session import Session
from am_dbg.session.layout import Content, Layout
from am_dbg.ui.actions import Pane
from am_dbg.ui.controller import Controller
from am_dbg.ui.dividing import Dividers
from am_dbg.ui.keymap import DEFAULT_KEYMAP, Keymap
from am_dbg.ui.widgets.address_bar import AddressBar
from am_dbg.ui.widgets.bar import Bar
from am_dbg.ui.widgets.empty_pane import EmptyPane
from am_dbg.ui.widgets.footer import StatusFooter
from am_dbg.ui.widgets.line_view import LineView
from am_dbg.ui.widgets.log_view import LogView
from am_dbg.ui.widgets.machine_list import MachineList
from am_dbg.ui.widgets.matrix_view import MatrixView
from am_dbg.ui.widgets.pinned_view import PinnedView
from am_dbg.ui.widgets.rain_view import RainView
from am_dbg.ui.widgets.reader_view import ReaderView
from am_dbg.ui.widgets.schema_tree import SchemaTree
from am_dbg.ui.widgets.session_view import SearchableView
from am_dbg.ui.widgets.step_strip import StepStrip
from am_dbg.ui.widgets.strip import DensityStrip
from am_dbg.ui.widgets.too_small import TooSmall
from am_dbg.ui.widgets.toolbar import Toolbar
from am_dbg.ui.widgets.transition_bar import TransitionBar

if TYPE_CHECKING:
    from am_dbg.ui.app import DebuggerApp

FRAME_SECONDS: Final = 1 / 30
"""Moves are never dropped, but at most this often the screen is brought up to date with the newest one."""

MIN_SIZE: Final = (60, 16)
NARROW_BELOW: Final = 100
WIDE_FROM: Final = 160
SHORT_BELOW: Final = 30
TALL_FROM: Final = 50
STEPS_FROM: Final = 20
"""Rows from which on one is spared for the timeline of steps, while stepping."""

_CONTENT: Final[dict[Pane, Content]] = {Pane.LOG: "log", Pane.MATRIX: "matrix", Pane.RAIN: "rain"}


class MainScreen(Screen[None], inherit_bindings=False):
    """Panes over one session."""

    AUTO_FOCUS = "#machines"

    def __init__(self, session: Session, keys: Keymap = DEFAULT_KEYMAP) -> None:
        super().__init__()
        self.session = session
        self.controller = Controller(session, self)
        self.keymap = keys
        self.dividers = Dividers(self)
        self._pane = Pane.MACHINES
        self._laid_out: tuple[Layout, bool, bool, int, int] | None = None
        self.painted_revision = -1
        """Revision of the session that is on the screen."""
        self._painted_at = 0.0
        self._paint_due = False

    @property
    def debugger(self) -> DebuggerApp:
        """The app this screen belongs to."""
        return cast("DebuggerApp", self.app)

    def compose(self) -> ComposeResult:
        yield AddressBar(self.session, id="address")
        yield PinnedView(self.session, id=Pane.PINNED)
        with Horizontal(id="body"):
            yield MachineList(self.session, id=Pane.MACHINES)
            yield SchemaTree(self.session, id=Pane.SCHEMA)
            with Container(id="content"):
                yield LogView(self.session, id=Pane.LOG)
                yield MatrixView(self.session, id=Pane.MATRIX)
                yield RainView(self.session, id=Pane.RAIN)
                yield ReaderView(self.session, id=Pane.READER)
        yield EmptyPane(self.session, id="empty")
        yield TransitionBar(self.session, upcoming=False, id="current")
        yield DensityStrip(self.session, id=Pane.STRIP)
        yield StepStrip(self.session, id=Pane.STEPS)
        yield TransitionBar(self.session, upcoming=True, id="next")
        yield Toolbar(self.session, id="toolbar")
        yield StatusFooter(self.session, id="footer")
        yield TooSmall(id="small")

    def on_mount(self) -> None:
        self._fit(*self.app.size)
        self._show_or_hide_panes()
        self._come_to(self._pane)
        self._lay_out()

    # -- keys ----------------------------------------------------------------------------------------------------

    def take_key(self, event: events.Key) -> None:
        """Do what a key means in the focused pane.

        The panes hand their keys over at once instead of letting them rise through the tree as bindings do: every hop
        is a queue of its own, and keys typed in quick succession would overtake each other.
        """
        if self.app.screen is not self:
            event.stop()
            self.debugger.early_keys.append(event)
            if self.debugger.focused is not None:  # the dialog is there already, and nothing else would tell it
                self.debugger.hand_over_early_keys()
            return
        view = self.focused_view
        if isinstance(view, SearchableView) and view.take_letter(event):
            event.stop()
            return
        action = self.keymap.action(event.aliases, self._pane)
        if action is not None:
            event.stop()
            self.controller.run(action)

    def on_key(self, event: events.Key) -> None:
        """A key while no pane has the focus."""
        self.take_key(event)

    def on_paste(self, event: events.Paste) -> None:
        """An address pasted anywhere but into a field."""
        event.stop()
        if event.text.strip():
            self.controller.go_to_pasted(event.text.strip())

    # -- focus ---------------------------------------------------------------------------------------------------

    @property
    def focused_pane(self) -> Pane:
        """The pane that keys are meant for; the last one while a dialog is open."""
        return self._pane

    @property
    def focused_view(self) -> LineView | None:
        """The list that has the focus, None when it is the strip."""
        view = self.query_one(f"#{self._pane}")
        return view if isinstance(view, LineView) else None

    @property
    def log_view(self) -> LogView:
        """The log, whether it is shown or not."""
        return self.query_one(LogView)

    @property
    def row_machine(self) -> int | None:
        """The machine run that the row cursor of the focused list of machines is on; None in other panes."""
        view = self.focused_view
        return view.machine_id if isinstance(view, PinnedView | MachineList) else None

    @property
    def machine_list(self) -> MachineList:
        """The list of machines, whether it is shown or not."""
        return self.query_one(MachineList)

    def open_menu(self, pane: Pane, at: tuple[int, int]) -> None:
        """Give a pane the focus, and open its menu near a place of the screen."""
        self.focus_on(pane)
        self.controller.open_menu(at)

    def reveal(self) -> None:
        """Bring the cursor into view in every list, also where somebody has scrolled away from it."""
        for view in self.query(LineView):
            view.follow_again()

    @property
    def reader_view(self) -> ReaderView:
        """The reader, whether it is shown or not."""
        return self.query_one(ReaderView)

    @property
    def shows_reader(self) -> bool:
        """Whether the reader is shown: as somebody wanted it, else beside the log where there is room."""
        wanted = self.session.reader
        if wanted is not None:
            return wanted
        return self.has_class("-wide") and self.session.layout is Layout.TREE_LOG

    def toggle_reader(self) -> None:
        """Show the reader, or hide it. Where panes share a place the focus goes along."""
        shown = not self.shows_reader
        self.session.show_reader(shown)
        if shown and self.is_narrow:
            self.focus_on(Pane.READER)
        self._lay_out()

    def focus_pane(self, step: int) -> None:
        """Move the focus to the next (1) or previous (-1) pane, round and round."""
        order = self._order()
        position = order.index(self._pane) if self._pane in order else 0
        self.focus_on(order[(position + step) % len(order)])

    def focus_on(self, pane: Pane) -> None:
        """Give a pane the focus, bringing it to the front where panes share a place."""
        if pane in _CONTENT:
            self.session.show_content(_CONTENT[pane])
            if self.is_narrow:
                self.session.show_reader(None)
        elif pane is Pane.READER:
            self.session.show_reader(True)
        elif pane is Pane.SCHEMA and not self.session.layout.has_tree:
            self.session.set_layout(Layout(f"tree-{self.session.layout.content}"))
        self._come_to(pane)
        self._lay_out()
        self.set_focus(self.query_one(f"#{pane}"), scroll_visible=False)
        self.paint_soon()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click gave a pane the focus."""
        if event.widget is not self.focused:
            return  # the focus has gone on since
        widget_id = event.widget.id
        if widget_id in set(Pane):
            self._come_to(Pane(widget_id))
            self.paint_soon()

    def _come_to(self, pane: Pane) -> None:
        self._pane = pane
        if pane in (Pane.MACHINES, Pane.SCHEMA):
            self.set_class(pane is Pane.SCHEMA, "-show-schema")
        self.set_class(pane in (Pane.MACHINES, Pane.SCHEMA), "-in-lists")

    def _order(self) -> list[Pane]:
        """The panes that can have the focus, as the key goes round."""
        layout = self.session.layout
        lists = [Pane.MACHINES, *([Pane.SCHEMA] if layout.has_tree else [])]
        return [*([Pane.PINNED] if self._pinned_rows() else []), *lists, *self._contents(), *self._strips()]

    def _pinned_rows(self) -> int:
        return len(self.session.pinned) if self.session.machine is not None else 0

    def _strips(self) -> list[Pane]:
        """The timelines: that of the steps while stepping, while it has the focus, and where there is much room."""
        return [Pane.STRIP, *([Pane.STEPS] if self._shows_steps else [])]

    @property
    def _shows_steps(self) -> bool:
        stepping = self.session.inside is not None and self.size.height >= STEPS_FROM
        return stepping or self._pane is Pane.STEPS or self.has_class("-tall")

    def _contents(self) -> list[Pane]:
        """What is on the right. In a narrow window the reader takes the place of the others."""
        content = next(pane for pane, name in _CONTENT.items() if name == self.session.layout.content)
        if not self.shows_reader:
            return [content]
        return [Pane.READER] if self.is_narrow else [content, Pane.READER]

    def _lay_out(self) -> None:
        """Show the panes of the layout. The focus goes along when its own pane is not among them."""
        layout = self.session.layout
        pinned = self._pinned_rows()
        wanted = (layout, self.shows_reader, self.is_narrow, pinned, self.size.height)
        if wanted == self._laid_out:
            return
        self._laid_out = wanted
        self.set_class(not layout.has_tree, "-alone")
        view = self.query_one(PinnedView)
        view.display = pinned > 0
        view.styles.height = min(pinned, max(1, self.size.height // 4)) + 2
        contents = self._contents()
        for pane in (*_CONTENT, Pane.READER):
            self.query_one(f"#{pane}").display = pane in contents
        order = self._order()
        beside = (Pane.STRIP, Pane.STEPS, Pane.PINNED)
        covered = self.is_narrow and not layout.has_tree and self._pane not in beside
        if self._pane not in order or covered:
            self.focus_on(contents[0])

    def end_search(self) -> bool:
        """Forget the word being typed in a list; True when there was one."""
        searching = [pane for pane in self.query(SearchableView) if pane.search.clear()]
        return bool(searching)

    @property
    def search_summary(self) -> str:
        """The word being typed in a list, and where it landed."""
        view = self.focused_view
        return view.search.summary if isinstance(view, SearchableView) else ""

    # -- size ----------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        self._fit(*event.size)
        self.paint_soon()

    @property
    def is_narrow(self) -> bool:
        """Whether machines and schema share one place."""
        return self.has_class("-narrow")

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < MIN_SIZE[0] or height < MIN_SIZE[1], "-tiny")
        self.set_class(width < NARROW_BELOW, "-narrow")
        self.set_class(width >= WIDE_FROM, "-wide")
        self.set_class(height < SHORT_BELOW, "-short")
        self.set_class(height >= TALL_FROM, "-tall")

    # -- painting ------------------------------------------------------------------------------------------------

    def paint_soon(self) -> None:
        """Bring all panes up to date, at the next frame. Any number of calls until then cost one paint."""
        if self._paint_due:
            return
        self._paint_due = True
        wait = FRAME_SECONDS - (time.monotonic() - self._painted_at)
        if wait > 0:
            self.set_timer(wait, self._paint)
        else:
            # Behind the keys that are waiting already, so that a burst of them ends in one paint.
            self.call_later(self._paint)

    def _paint(self) -> None:
        self._paint_due = False
        if not self.query(StatusFooter):
            return  # the screen is being closed
        self._painted_at = time.monotonic()
        self.painted_revision = self.session.revision
        self._show_or_hide_panes()
        self._lay_out()
        self.set_class(self.session.inside is not None, "-stepping")
        self.dividers.apply()
        self.set_class(self._shows_steps, "-steps")
        for view in self.query(LineView):
            if view.display:
                view.sync()
        for bar in self.query(Bar):
            bar.sync()

    def redraw(self) -> None:
        """Draw everything again, in other colours."""
        for view in self.query(LineView):
            view.redraw()
        for bar in self.query(Bar):
            bar.redraw()

    def sync_status(self) -> None:
        """Bring the footer up to date: messages fade and troubles appear without a key being pressed."""
        for footer in self.query(StatusFooter):  # none when the screen is being closed
            footer.sync()

    def dialog_closed(self, _: object = None) -> None:
        """A dialog may have changed anything."""
        self.paint_soon()

    def _show_or_hide_panes(self) -> None:
        was_empty = self.has_class("-empty")
        empty = self.session.machine is None
        if empty != was_empty:
            self.set_class(empty, "-empty")
            if not empty:
                self.call_after_refresh(self.focus_on, self._pane)
