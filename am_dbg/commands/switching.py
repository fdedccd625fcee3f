"""Looking at one session after another without leaving the debugger, and continuing where one stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.attaching import asker_of
from am_dbg.commands.files_of_session import SessionFiles
from am_dbg.commands.launching import text_index_of
from am_dbg.commands.view_settings import ViewOptions, show

if TYPE_CHECKING:
    from am_dbg.session import Session
    from am_telemetry.store.session_file import SessionFile


def browse(session: Session, view: ViewOptions, recording: SessionFile, **more: Any) -> None:
    """Open the user interface until it is closed, with whatever sessions are chosen in between.

    Args:
        session: what is looked at first. It stays as it is while others are looked at.
        view: how to look at it.
        recording: its session file.
        more: further arguments of the app.
    """
    own = recording.path.resolve()
    arguments = {"open_index": text_index_of(recording.path), "files": SessionFiles(recording.path), **more}
    wanted = show(session, view, **arguments)
    while wanted is not None:
        wanted = show(session, view, **arguments) if wanted.resolve() == own else look_at(wanted, view)
    remember_stop(session, view, recording)


def look_at(path: Path, view: ViewOptions) -> Path | None:
    """Look at a session that was chosen in the list; returns the one that was chosen next, None to leave.

    Raises:
        StoreError: the session cannot be read.
    """
    from am_dbg.session import Session
    from am_telemetry.store.lock import has_writer
    from am_telemetry.store.session_file import SessionFile

    recording = SessionFile.open(path)
    try:
        live = has_writer(path)
        session = Session(recording, live=live)
        view = replace(view, polled=(), select_connected=False, client_list=None, notices=())
        if not live:
            continue_where_stopped(session, view, recording)

        def news() -> str:
            return "" if not live or has_writer(path) else "the program that recorded this has ended"

        wanted = show(
            session,
            view,
            failure=news,
            open_index=text_index_of(path),
            files=SessionFiles(path),
            ask_detail=asker_of(path) if live else None,
        )
        remember_stop(session, view, recording)
        return wanted
    finally:
        recording.close()


def choose(view: ViewOptions) -> None:
    """Show the list of sessions, and then whatever is chosen in it."""
    from am_dbg.commands.view_settings import colors_of
    from am_dbg.ui.picker import PickerApp

    wanted = PickerApp(SessionFiles(), colors=colors_of(view)).run(mouse=view.mouse)
    while wanted is not None:
        wanted = look_at(wanted, view)


def continue_where_stopped(session: Session, view: ViewOptions, recording: SessionFile) -> None:
    """Put everything where it was left the last time, where that is wanted and known."""
    if not view.remember or view.fresh or not recording.created:
        return
    from am_dbg.session.continuing import continue_at
    from am_dbg.ui.stops import recall_stop, stop_path

    stop, problem = recall_stop(stop_path(recording.created))
    if stop is not None:
        continue_at(session, stop)
    elif problem:
        session.say(problem)


def remember_stop(session: Session, view: ViewOptions, recording: SessionFile) -> None:
    """For :func:`continue_where_stopped`."""
    if not view.remember:
        return
    from am_dbg.session.continuing import stop_of
    from am_dbg.ui.stops import keep_stop, stop_path

    stop = stop_of(session)
    if stop is not None and (created := recording.created) and (problem := keep_stop(stop_path(created), stop)):
        click.echo(f"am-dbg: {problem}", err=True)
