"""Telemetry of state machines: the one-line tracer, the wire, the collector and the session file.

In a program::

    import am_telemetry

    am_telemetry.init()

Nothing happens unless an address is given, here or as ``AM_DBG_ADDR`` (``1`` means ``localhost:6831``).
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Iterable

from am_telemetry.sending.handle import Handle, Stats, Trace
from am_telemetry.settings import Scrub, Settings, read_settings

__all__ = ["Handle", "Stats", "Trace", "init", "trace"]

_logger = logging.getLogger("am_telemetry")
_lock = threading.Lock()
_current: Handle | None = None


def init(
    addr: str | int | bool | None = None,
    *,
    service: str | None = None,
    machines: str | Iterable[str] = "*",
    detail: int | str | None = None,
    log: int | str | None = None,
    scrub: Scrub | None = None,
    spool: str | None = None,
) -> Handle:
    """Send what all state machines of this process do, those that exist and those to come, to am-dbg.

    Machines of ``am_core`` are traced, and those of the packages ``transitions`` and ``python-statemachine`` if the
    program imports them.

    Never raises and never blocks; what is wrong with the arguments is logged. A second call returns the first handle
    as long as that one is open. Without an address the handle does nothing.

    Args:
        addr: ``host:port`` of a hub, or ``1`` for ``localhost:6831``. Default: ``AM_DBG_ADDR``.
        service: name of this program. Default: ``AM_SERVICE``, else the name of the script.
        machines: shell patterns of the ids of machines to trace.
        detail: 0 state changes only; 1 also called states, handlers, causes, names of arguments, log lines and
            errors; 2 also steps and tracebacks (default); 3 also values of arguments. Default: ``AM_DETAIL``.
        log: least important log level to capture: ``nothing``, ``external``, ``changes``, ``ops`` (default),
            ``decisions`` or ``everything``. Default: ``AM_LOG``. Nothing is printed.
        scrub: called with a machine id and the arguments of a mutation, on a thread of its own; returns the
            arguments that may leave the program.
        spool: a folder for what cannot be sent before the program ends; the next program that names it sends it.
            Default: ``AM_SPOOL``, else what the end of the program leaves unsent is lost: it waits as long as it gets
            on, at most two seconds without progress and ten altogether.
    """
    global _current  # noqa: PLW0603  # one telemetry per process is the point
    with _lock:
        settings = read_settings(
            addr, service=service, machines=machines, detail=detail, log=log, scrub=scrub, spool=spool
        )
        for warning in settings.warnings:
            _logger.warning("%s", warning)
        if _current is not None and _current.enabled:
            if _current.settings.machines == () and settings.address:
                _current.want(settings.machines)
            if settings != _current.settings:
                _logger.warning(
                    "am_telemetry.init() was called before with other arguments; those stay in force. "
                    "Close the first handle to change them"
                )
            return _current
        _current = _start(settings)
        return _current


def trace(machine: object) -> Trace:
    """Send what one machine does to am-dbg, whether :func:`init` is called or not.

    Never raises and never blocks. Without an address in ``AM_DBG_ADDR``, or an earlier :func:`init`, nothing happens.

    Args:
        machine: of ``am_core``, ``transitions`` (with all its models) or ``python-statemachine``.

    Returns:
        What ends it.
    """
    global _current  # noqa: PLW0603  # one telemetry per process is the point
    with _lock:
        if _current is None or not _current.enabled:
            settings = dataclasses.replace(read_settings(), machines=())
            for warning in settings.warnings:
                _logger.warning("%s", warning)
            if not settings.address:
                return Trace()
            _current = _start(settings)
        return _current.trace(machine)


def _start(settings: Settings) -> Handle:
    if not settings.address:
        return Handle(settings)
    try:
        from am_telemetry.adapters import Adapters
        from am_telemetry.sending.client import Client

        client = Client(settings)
        adapters = Adapters(client)
        client.start(adapters)
    except Exception:
        _logger.exception("telemetry is off because of an internal error; the program is not affected")
        return Handle(settings)
    return Handle(settings, client)
