"""Recordings to look at that are no sessions yet: files of other tools and exports, here or behind http(s)."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import click

from am_dbg.commands.import_ import default_target, import_recording
from am_dbg.commands.progress import progress_bar
from am_dbg.errors import AmDbgError, ExitCode

_TIMEOUT_S: Final = 30.0
_CHUNK: Final = 1 << 20
_MOST_BYTES: Final = 10_000_000_000


def imported(source: str, output: Path | None) -> Path:
    """Make a session of a recording, and return its file.

    Args:
        source: a path, or an address with http or https.
        output: the session file to make; None for a new one among the others.

    Raises:
        AmDbgError: the recording cannot be fetched, or the session file exists.
        TelemetryError: it cannot be understood, or the session cannot be written.
    """
    if source.casefold().startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory(prefix="am-dbg-") as folder:
            return _import(_fetch(source, Path(folder)), output)
    return _import(Path(source), output)


def _import(file: Path, output: Path | None) -> Path:
    target = output if output is not None else default_target(file)
    if target.exists():
        raise AmDbgError(f"{target} exists already", f"look at it: am-dbg {target}", ExitCode.USAGE)
    with progress_bar(file.name, quiet=False) as progress:
        summary = import_recording(file, target, progress)
    click.echo(f"imported into {summary.path}", err=True)
    return summary.path


def _fetch(address: str, folder: Path) -> Path:
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    name = PurePosixPath(unquote(urlsplit(address).path)).name or "recording"
    path = folder / name.replace("\0", "")
    request = Request(address, headers={"User-Agent": "am-dbg"})  # noqa: S310 - http and https only, as the caller checks
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response, path.open("wb") as file:  # noqa: S310 - as above
            total = 0
            while chunk := response.read(_CHUNK):
                total += len(chunk)
                if total > _MOST_BYTES:
                    raise AmDbgError(f"{address} is larger than 10 GB", "fetch it with another tool")
                file.write(chunk)
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise AmDbgError(
            f"{address} cannot be fetched: {reason}", "is it the address of the file itself?", ExitCode.NO_CONNECTION
        ) from error
    return path
