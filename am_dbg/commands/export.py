"""``am-dbg export``: hand a session, or part of it, to other people and programs."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode
from am_dbg.moments import FORMS, parse_moment

if TYPE_CHECKING:
    from am_dbg.ui.file_jobs import ExportRequest
    from am_telemetry.store.scope import Redaction, Scope
    from am_telemetry.store.session_file import SessionFile

Progress = Callable[[int, int], None]
_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".amdbg": "amdbg", ".db": "amdbg"}


@click.command("export", epilog=f"Moments are written like one of {FORMS}.")
@click.argument("session", metavar="SESSION")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="File to write.  [default: standard output]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "amdbg"]),
    help="JSON lines, or a session file.  [default: by the name of FILE, else jsonl]",
)
@click.option("-m", "--machines", multiple=True, metavar="PATTERN", help="Only machines of such names, as in 'cart-*'.")
@click.option("--from", "since", metavar="MOMENT", help="Leave out what happened earlier.")
@click.option("--to", "until", metavar="MOMENT", help="Leave out what happened later.")
@click.option(
    "--redact",
    multiple=True,
    type=click.Choice(["args", "logs", "errors"]),
    help="Blank out values of arguments, log texts, or messages and tracebacks of errors.",
)
@click.option("-f", "--force", is_flag=True, help="Replace FILE when it exists.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    session: str,
    output: Path | None,
    form: str | None,
    machines: tuple[str, ...],
    since: str | None,
    until: str | None,
    redact: tuple[str, ...],
    force: bool,
    quiet: bool,
) -> None:
    """Write a session, or part of it, as JSON lines or as a session file of its own.

    Both can be read again: am-dbg import FILE. A part begins with the ticks that its machines had at that moment.
    """
    from am_telemetry.store.folder import find
    from am_telemetry.store.session_file import SessionFile

    path = find(session)
    form = form or (_FORMATS.get(output.suffix.lower(), "jsonl") if output is not None else "jsonl")
    _check_output(path, output, form, force)
    with SessionFile.open(path) as recording:
        scope = _scope(recording, machines, since, until, redact)
        with progress_bar(path.name, quiet or output is None, "transitions") as progress:
            if form == "jsonl":
                count = _write_lines(recording, scope, output, progress)
            else:
                count = _write_session(recording, scope, cast(Path, output), progress, force)
    if output is not None:
        click.echo(f"exported {count:,} transitions into {output}")


def write_export(session: Path, request: ExportRequest, progress: Progress) -> int:
    """Write a session, or part of it, into a file whose name tells the format. Returns the number of transitions.

    Raises:
        AmDbgError: the target cannot be used or written.
        StoreError: the session cannot be read.
    """
    from am_telemetry.store.scope import Scope
    from am_telemetry.store.session_file import SessionFile

    target = request.target
    form = _FORMATS.get(target.suffix.lower())
    if form is None:
        raise AmDbgError(f"{target.name} does not tell the format", "end it with .jsonl or .amdbg", ExitCode.USAGE)
    _check_output(session, target, form, request.replace)
    patterns = tuple(glob.escape(name) for name in request.machines) or ("*",)
    scope = Scope(patterns, request.from_ns, request.to_ns, request.redact)
    with SessionFile.open(session) as recording:
        if form == "jsonl":
            return _write_lines(recording, scope, target, progress)
        return _write_session(recording, scope, target, progress, request.replace)


def _check_output(path: Path, output: Path | None, form: str, force: bool) -> None:
    if output is None:
        if form != "jsonl":
            raise AmDbgError("a session file is not written to standard output", "name a file: -o", ExitCode.USAGE)
        return
    if output.exists() and output.samefile(path):
        raise AmDbgError("a session cannot be exported into itself", "name another file: -o", ExitCode.USAGE)
    if output.is_dir() or (output.exists() and not force):
        raise AmDbgError(f"{output} exists already", "replace it: --force; or choose another name: -o", ExitCode.USAGE)
    if not output.parent.is_dir():
        raise AmDbgError(f"there is no folder {output.parent}", "make it first", ExitCode.USAGE)


def _scope(
    recording: SessionFile, machines: tuple[str, ...], since: str | None, until: str | None, redact: tuple[str, ...]
) -> Scope:
    from am_telemetry.store.scope import Scope

    timelines = [recording.timeline(machine.id) for machine in recording.machines]
    end_ns = max((timeline.at(timeline.count) for timeline in timelines if timeline.count), default=0)
    from_ns, to_ns = _moment("--from", since, end_ns), _moment("--to", until, end_ns)
    if from_ns is not None and to_ns is not None and from_ns > to_ns:
        raise AmDbgError("--from is later than --to", "exchange them", ExitCode.USAGE)
    return Scope(machines or ("*",), from_ns, to_ns, frozenset(cast("tuple[Redaction, ...]", redact)))


def _moment(option: str, text: str | None, end_ns: int) -> int | None:
    if text is None:
        return None
    try:
        return parse_moment(text, end_ns)
    except ValueError as error:
        raise AmDbgError(f"{option} is {error}", exit_code=ExitCode.USAGE) from error


def _write_lines(recording: SessionFile, scope: Scope, output: Path | None, progress: Progress) -> int:
    from am_telemetry.formats.json_lines import encode
    from am_telemetry.store.rereading import Rereading

    with contextlib.closing(Rereading(recording, scope)) as rereading:
        lines = encode(rereading.pieces(progress))
        if output is None:
            _print(lines)
        else:
            with _new_file(output) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
        return rereading.total


def _write_session(recording: SessionFile, scope: Scope, output: Path, progress: Progress, force: bool) -> int:
    from am_telemetry.store import files
    from am_telemetry.store.assembling import assemble
    from am_telemetry.store.drafts import draft_of
    from am_telemetry.store.rereading import Rereading

    if scope.is_everything:
        with draft_of(output, replace=force) as draft:
            files.copy(recording.path, draft)
        return recording.totals().transitions
    with contextlib.closing(Rereading(recording, scope)) as rereading:
        return assemble(output, rereading.pieces(progress), replace=force).transitions


def _print(lines: Iterable[str]) -> None:
    try:
        for text in lines:
            sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """A file that gets its name when it is complete."""
    draft = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        hint = "check that there is room and that its folder can be written to, or choose another one: -o"
        raise AmDbgError(f"{target} cannot be written: {error.strerror or error}", hint) from error
    finally:
        draft.unlink(missing_ok=True)
