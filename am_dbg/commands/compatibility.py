"""Options of the Go am-dbg v0.10 that mean little here: accepted, and explained where they do nothing."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

LEVELS: Final = (logging.CRITICAL + 1, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)
"""Python's level for 0 to 5."""

WITHOUT_EFFECT: Final = {
    "clean_on_connect": "every start of am-dbg has a session of its own; older ones: am-dbg sessions",
    "max_mem": "records are in a file, not in memory; --max-size limits it",
    "log_2_ttl": "logs are in a file, not in memory; --keep tells how long",
    "am_dbg_addr": "the debugger itself contains no machines to debug",
    "prof_srv": "a profiler such as py-spy can look into the process",
}
"""Option to what there is instead."""

_OPTIONS = (
    click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Write what am-dbg itself has to tell into a file."),
    click.option("--log-level", type=click.IntRange(0, 5), default=3, show_default=True,
                 help="How much of that: 0 nothing, 1 errors, 2 warnings, 3 more, 4 and 5 everything."),
    click.option("--clean-on-connect", is_flag=True, hidden=True),
    click.option("--max-mem", metavar="MB", hidden=True),
    click.option("--log-2-ttl", metavar="DURATION", hidden=True),
    click.option("--am-dbg-addr", metavar="ADDRESS", hidden=True),
    click.option("--prof-srv", metavar="ADDRESS", hidden=True),
)  # fmt: skip


def compatible_options(command: Command) -> Command:
    """Add the options, which :func:`take_compatible` understands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextlib.contextmanager
def take_compatible(values: dict[str, Any]) -> Iterator[None]:
    """Take the options of :func:`compatible_options` out of the parameters, and do what they ask for in the block."""
    for name, instead in WITHOUT_EFFECT.items():
        if values.pop(name) not in (None, False):
            click.echo(f"am-dbg: --{name.replace('_', '-')} has no effect: {instead}", err=True)
    path, level = values.pop("log_file"), LEVELS[values.pop("log_level")]
    if path is None:
        yield
        return
    from am_dbg.errors import AmDbgError

    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise AmDbgError(f"{path} cannot be written: {error.strerror or error}", "choose another --log-file") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("am_dbg", "am_telemetry")]
    earlier = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False  # the terminal belongs to the debugger
    try:
        yield
    finally:
        for logger, old, propagate in earlier:
            logger.removeHandler(handler)
            logger.setLevel(old)
            logger.propagate = propagate
        handler.close()
