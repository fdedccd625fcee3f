"""``am-dbg import``: turn recordings of the Go am-dbg, and what was exported, into session files."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from am_dbg.commands.importing import import_json_lines, import_session
from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_telemetry.formats.upstream import Counts
    from am_telemetry.formats.upstream_dump import Dump
    from am_telemetry.store.session_file import SessionFile

_SUFFIXES: Final = (".br", ".gob", ".jsonl", ".ndjson", ".amdbg")
_BOM: Final = b"\xef\xbb\xbf"
_SQLITE: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import brought in."""

    path: Path
    machines: int
    transitions: int
    log_lines: int
    skipped: int
    """Records that could not be kept: evaluations, which are no transitions, and steps of unknown kinds."""
    seconds: float


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="SESSION.db",
    help="Session file to write.  [default: named after FILE, among the other sessions]",
)
@click.option("-f", "--force", is_flag=True, help="Replace the session file when it exists.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(source: Path, output: Path | None, force: bool, quiet: bool) -> None:
    """Make a session of a recording of the Go am-dbg (.gob.br), or of an export (.jsonl, .amdbg)."""
    target = output if output is not None else default_target(source)
    _check_target(source, target, force)
    with progress_bar(source.name, quiet) as progress:
        summary = import_recording(source, target, progress, replace=force)
    parts = [
        f"imported {summary.machines:,} machines, {summary.transitions:,} transitions",
        f"{summary.log_lines:,} log lines",
        *([f"skipped {summary.skipped:,} records of unknown kinds"] if summary.skipped else []),
    ]
    click.echo(f"{', '.join(parts)} into {summary.path} in {summary.seconds:.1f} s")


def import_recording(
    source: Path, target: Path, progress: Callable[[int, int], None], *, replace: bool = False
) -> ImportSummary:
    """Read a recording of the Go am-dbg, or an export, into a new session file.

    The session is written beside the target under a temporary name and renamed when it is complete, so nothing is left
    behind by a failure or an interruption.

    Args:
        source: the recording.
        target: the session file to make.
        progress: called with the bytes read so far and the size of the recording.
        replace: an existing session file gives way.

    Raises:
        AmDbgError: the recording is unreadable, or the session cannot be written; the message names the file.
    """
    from am_telemetry.formats.errors import FormatError
    from am_telemetry.formats.upstream_dump import Dump
    from am_telemetry.store.drafts import draft_of
    from am_telemetry.store.errors import (
        DamagedSessionError,
        NewerSessionError,
        NotASessionError,
        SessionExistsError,
        StoreError,
    )

    began = time.monotonic()
    skipped = 0
    with _open_source(source) as file:
        try:
            if source.name.endswith(".amdbg"):
                found = import_session(source, target, progress, replace=replace)
            elif _is_json(source, file):
                found = import_json_lines(file, target, progress, replace=replace)
            else:
                size = os.fstat(file.fileno()).st_size
                dump = Dump(file, lambda done: progress(done, size))
                with draft_of(target, replace=replace) as draft:
                    _write(dump, draft, source)
                counts = dump.counts
                found = (counts.machines, counts.transitions, counts.log_lines)
                skipped = counts.skipped
        except FormatError as error:
            raise _unreadable(source, error.message) from error
        except SessionExistsError as error:
            raise AmDbgError(error.message, "choose another name: -o", ExitCode.USAGE) from error
        except (NotASessionError, NewerSessionError, DamagedSessionError) as error:
            raise AmDbgError(error.message, error.hint, ExitCode.BAD_DATA) from error
        except StoreError as error:
            raise AmDbgError(error.message, error.hint) from error
        except OSError as error:
            raise AmDbgError(f"{target} cannot be written: {error.strerror or error}") from error
    return ImportSummary(target, *found, skipped, time.monotonic() - began)


def default_target(source: Path) -> Path:
    """The session file that belongs to a recording: its name, in the folder of sessions."""
    from am_telemetry.store.paths import SUFFIX, made_sessions_dir

    name = source.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return made_sessions_dir() / f"{name or 'imported'}{SUFFIX}"


def _check_target(source: Path, target: Path, force: bool) -> None:
    if target.is_dir() or not target.parent.is_dir():
        what = "is a folder" if target.is_dir() else f"cannot be made: there is no folder {target.parent}"
        raise AmDbgError(f"{target} {what}", "name a file in an existing folder: -o SESSION.db", ExitCode.USAGE)
    if not target.exists():
        return
    if source.exists() and target.samefile(source):
        raise AmDbgError("a recording cannot be imported into itself", "name another file: -o", ExitCode.USAGE)
    if not force:
        raise AmDbgError(f"{target} exists already", "replace it: --force; or choose another name: -o", ExitCode.USAGE)


def _open_source(source: Path) -> BinaryIO:
    if not source.exists():
        raise AmDbgError(f"{source} does not exist", exit_code=ExitCode.BAD_DATA)
    if not source.is_file():
        raise _unreadable(source, "it is not a file")
    try:
        file = source.open("rb")
    except OSError as error:
        raise _unreadable(source, error.strerror or str(error)) from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(file)
        if file.read(len(_SQLITE)) == _SQLITE and not source.name.endswith(".amdbg"):
            raise _unreadable(source, f"it is an SQLite database; if it is a session, open it: am-dbg {source}")
        file.seek(0)
        stack.pop_all()
    return file


def _unreadable(source: Path, reason: str) -> AmDbgError:
    return AmDbgError(f"{source} cannot be imported: {reason}", exit_code=ExitCode.BAD_DATA)


def _is_json(source: Path, file: BinaryIO) -> bool:
    start = file.read(64)
    file.seek(0)
    return source.name.endswith((".jsonl", ".ndjson")) or start.removeprefix(_BOM).lstrip().startswith(b"{")


def _write(dump: Dump, draft: Path, source: Path) -> None:
    from am_telemetry.facts import ProcessFact
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    process = ProcessFact(
        session=uuid.uuid4().hex,
        name=source.name,
        language="go",
        library="asyncmachine-go",
        resource={"imported_from": source.name},
    )
    batches = dump.batches()
    first = next(batches)
    with SessionFile.create(draft) as recording:
        with Writer(recording) as writer:
            writer.open_session(process, min(first.transitions.at_ns, default=0))
            writer.write_all(process.session, chain([first], batches))
            writer.close_session(process.session, dump.latest_ns, "disconnected")
        _check_complete(recording, dump.counts)


def _check_complete(recording: SessionFile, counts: Counts) -> None:
    """Whether everything that was read can be read back."""
    recording.catch_up()
    totals = recording.totals()
    stored = (totals.machines, totals.transitions, totals.log_lines)
    expected = (counts.machines, counts.transitions, counts.log_lines)
    if stored != expected:
        raise AmDbgError(
            f"the session does not hold what was read: {stored} instead of {expected} machines, transitions, log lines",
            "please report this, with the recording if you can share it",
        )
