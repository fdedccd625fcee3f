"""Progress bars of long commands: on standard error, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Literal


@contextlib.contextmanager
def progress_bar(
    label: str, quiet: bool, unit: Literal["bytes", "transitions"] = "bytes"
) -> Iterator[Callable[[int, int], None]]:
    """A bar; what it yields is called with (done, total). Draws nothing when ``quiet``, or without a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        printable = "".join(char if char.isprintable() else "?" for char in label)
        task = bar.add_task(printable, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
