"""``am-dbg``, ``am-dbg SESSION.db`` and ``am-dbg mach://ID``: the debugger, live or over a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from am_dbg.commands.attaching import asker_of, find_hub, hub_in_the_way
from am_dbg.commands.compatibility import compatible_options, take_compatible
from am_dbg.commands.hub_settings import hub_options, listen_option, read_hub_options
from am_dbg.commands.launching import place_cursor, require_terminal, start_hub
from am_dbg.commands.switching import browse, choose, continue_where_stopped
from am_dbg.commands.view_settings import ViewOptions, read_view_options, view_options
from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.hub import HubOptions
    from am_dbg.runtime import RunningHub
    from am_dbg.session import Session
    from am_dbg.session.urls import MachineUrl

IMPLIED = "am_dbg.implied"
"""Key in the context: no command was named, so this one is meant."""
SCHEME = "mach://"
NO_SERVER = "-1"
"""Address that means: listen nowhere."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to begin."""

    machine: str | None = None
    transition: int | None = None
    url: MachineUrl | None = None


@click.command("open")
@click.argument("targets", nargs=-1, metavar="[SESSION] [mach://ID/…]")
@listen_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Session file to record into.  [default: a new one]"
)
@click.option("-a", "--attach", is_flag=True, help="Watch what another am-dbg of this computer is recording.")
@click.option(
    "-i",
    "--import-data",
    metavar="FILE|URL",
    help="Look at a recording of the Go am-dbg or an export, here or behind http(s).",
)
@click.option(
    "-m", "--select-machine", metavar="ID", help="Select this machine, or the only one whose id contains the text."
)
@click.option("-t", "--select-transition", type=click.IntRange(min=0), metavar="N", help="Start at this transition.")
@view_options
@hub_options
@compatible_options
def command(
    targets: tuple[str, ...],
    listen: tuple[str, ...],
    output: Path | None,
    attach: bool,
    import_data: str | None,
    select_machine: str | None,
    select_transition: int | None,
    **settings: Any,
) -> None:
    """Watch programs live, or look at a recorded session.

    Without a file, programs started with AM_DBG_ADDR=1 appear as they run: am-dbg does that without a command, while
    am-dbg open lists the recorded sessions to choose from. A session is a file, the name of one that am-dbg sessions
    lists, or "last" for the newest; it is continued where it was left, unless --fresh.
    A machine address (mach://ID, as copied with Y) says where to begin; a machine that is not there yet is waited for.
    """
    view = read_view_options(settings)
    with take_compatible(settings):
        file, url = _read_targets(targets)
        place = Place(select_machine, select_transition, url)
        if import_data is not None:
            if file is not None:
                raise AmDbgError(f"{file} and --import-data cannot both be shown", "leave one out", ExitCode.USAGE)
            from am_dbg.commands.fetching import imported

            file, output = imported(import_data, output), None
        if file is not None:
            _open_file(file, output, place, view)
        elif _wants_list(targets, output, select_machine, attach):
            require_terminal()
            choose(view)
        elif NO_SERVER in listen:
            raise AmDbgError(
                "without a server and without a file there is nothing to show",
                "give a session file, or leave out --listen -1",
                ExitCode.USAGE,
            )
        elif attach:
            _attach(find_hub(listen), place, view)
        elif select_machine is not None:
            raise AmDbgError(
                "--select-machine needs a session file, as no machine has reported yet",
                f"to wait for it: am-dbg {SCHEME}{select_machine}",
                ExitCode.USAGE,
            )
        else:
            _listen(output, listen, read_hub_options(settings), place, view)


def _wants_list(targets: tuple[str, ...], output: Path | None, machine: str | None, attach: bool) -> bool:
    """Whether the list of sessions is meant: ``am-dbg open`` and nothing that tells what to open or to record."""
    context = click.get_current_context()
    told = targets or output is not None or machine is not None or attach
    given = context.get_parameter_source("listen") is click.core.ParameterSource.COMMANDLINE
    return not (told or given or context.meta.get(IMPLIED))


def _read_targets(targets: tuple[str, ...]) -> tuple[Path | None, MachineUrl | None]:
    """The session file and the machine URL that were given.

    Raises:
        AmDbgError: there are too many, or the URL is wrong.
    """
    file: Path | None = None
    url: MachineUrl | None = None
    for target in targets:
        if target.casefold().startswith(SCHEME):
            from am_dbg.session.urls import UrlError, parse_url

            try:
                url = parse_url(target)
            except UrlError as error:
                raise AmDbgError(f"{target}: {error}", "copy one with Y in the debugger", ExitCode.USAGE) from error
        elif file is None:
            file = _session_file(target)
        else:
            raise AmDbgError(
                f"more than one file is given: {file}, {target}",
                "for one session of several: am-dbg sessions merge",
                ExitCode.USAGE,
            )
    if file is None and url is not None and url.session:
        file = _session_path(url.session)
    return file, url


def _session_file(text: str) -> Path:
    """The file that was given, or the session of that name, or the only one whose name begins like that.

    Raises:
        SessionMissingError: what was given is not like a path, and no session is called so.
    """
    path = Path(text)
    if path.exists() or path.suffix or path.parent != Path():
        return path
    from am_telemetry.store.folder import find

    return find(text)


def _session_path(name: str) -> Path:
    """A session that a URL names: a path, or a name in the folder of sessions."""
    from am_telemetry.store.paths import SUFFIX, sessions_dir

    path = Path(name).expanduser()
    if path.exists() or path.parent != Path():
        return path
    inside = sessions_dir() / name
    return inside if inside.exists() or name.endswith(SUFFIX) else inside.with_name(name + SUFFIX)


def _placed(session: Session, place: Place, view: ViewOptions) -> ViewOptions:
    """Put the cursor where it is wanted, or have that done as soon as it is possible."""
    place_cursor(session, place.machine, place.transition)
    if place.url is None:
        return view
    from am_dbg.session.addressing import go_to_url

    if session.live:
        from am_dbg.commands.awaiting import Awaited

        return replace(view, polled=[*view.polled, Awaited(session, place.url)])
    if not go_to_url(session, place.url):
        raise AmDbgError(session.message, "am-dbg sessions show FILE lists the machines", ExitCode.USAGE)
    return view


def _open_file(file: Path, output: Path | None, place: Place, view: ViewOptions) -> None:
    if output is not None:
        raise AmDbgError("--output is for recording, not for looking at a file", "leave it out", ExitCode.USAGE)
    if file.name.endswith((".gob.br", ".br", ".gob")):
        raise AmDbgError(
            f"{file.name} is a recording of another tool", f"convert it first: am-dbg import {file}", ExitCode.BAD_DATA
        )
    from am_dbg.session import Session
    from am_telemetry.store import files
    from am_telemetry.store.session_file import SessionFile

    recording = SessionFile.open(file)
    if notice := files.notice(file):
        click.echo(f"am-dbg: {notice}", err=True)
    try:
        session = Session(recording)
        if place == Place():
            continue_where_stopped(session, view, recording)
        view = _placed(session, place, view)
        require_terminal()
        browse(session, view, recording)
    finally:
        recording.close()


def _listen(output: Path | None, listen: tuple[str, ...], options: HubOptions, place: Place, view: ViewOptions) -> None:
    require_terminal()
    from am_dbg.session import Session
    from am_telemetry.receiving.listening import CollectorError

    try:
        started = start_hub(output, listen, options)
    except CollectorError as error:
        other = hub_in_the_way(listen)
        if other is None:
            raise
        question = f"{error.message}: am-dbg (process {other.pid}) is recording there already. Watch its recording?"
        if not click.confirm(question, default=True, err=True):
            raise
        _attach(other, place, view)
        return
    with started as hub:
        session = Session(hub.recording, live=True)
        view = _placed(session, place, view)
        browse(session, view, hub.recording, listen=hub.address, failure=hub.news, ask_detail=hub.request_detail)
        hub.recording.catch_up()
        totals = hub.recording.totals()
    if totals.machines:
        click.echo(
            f"recorded {totals.transitions:,} transitions of {totals.machines:,} machines in {hub.path}\n"
            f"look at them again: am-dbg {hub.path}"
        )


def _attach(other: RunningHub, place: Place, view: ViewOptions) -> None:
    """Look at a recording that another process goes on with."""
    require_terminal()
    from am_dbg.session import Session
    from am_telemetry.store.lock import has_writer
    from am_telemetry.store.session_file import SessionFile

    recording = SessionFile.open(other.path)
    try:
        session = Session(recording, live=True)
        view = _placed(session, place, view)

        def news() -> str:
            return "" if has_writer(other.path) else f"process {other.pid}, which recorded this, has ended"

        listen = other.addresses[0] if other.addresses else None
        browse(session, view, recording, listen=listen, failure=news, ask_detail=asker_of(other.path))
    finally:
        recording.close()
