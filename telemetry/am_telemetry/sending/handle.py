"""What a program holds while it is traced."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from am_telemetry.settings import Settings

if TYPE_CHECKING:
    from am_telemetry.sending.client import Client

_logger = logging.getLogger("am_telemetry")


@dataclass(frozen=True)
class Stats:
    """Counters of one process, in transitions unless said otherwise."""

    enabled: bool = False
    connected: bool = False
    machines: int = 0
    """Machines traced at the moment."""
    enqueued: int = 0
    """Noted so far."""
    sent: int = 0
    acked: int = 0
    """Durable at the hub."""
    buffered: int = 0
    """Waiting for the hub."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Given up, by reason. Each is also reported to the hub as part of a gap."""
    omitted: dict[str, int] = field(default_factory=dict)
    """What other transitions had to do without: ``steps`` (of so many transitions), ``log lines``, ``late log lines``.
    The hub is told as well. ``spool`` counts transitions that the disk refused, and that only memory had."""
    reconnects: int = 0
    notices: dict[str, str] = field(default_factory=dict)
    """What the hub had to say, the latest of each kind: ``machines`` or ``batch`` when it left something out because
    there was too much, ``pause`` when it asked for one, ``error`` when it ended the connection."""


class Trace:
    """One machine that is traced, as :func:`am_telemetry.trace` returned it. Thread-safe; nothing here raises.

    Usable as a context manager, which closes it at the end.

    Args:
        ids: what the debugger calls the machine; several when it has several models.
        close: ends the tracing.
    """

    def __init__(self, ids: tuple[str, ...] = (), close: Callable[[], None] | None = None) -> None:
        self.ids = ids
        self._close = close

    @property
    def enabled(self) -> bool:
        """Whether the machine is traced. False without an address, and after :meth:`close`."""
        return self._close is not None

    def close(self) -> None:
        """Trace the machine no longer."""
        close, self._close = self._close, None
        if close is not None:
            try:
                close()
            except Exception:
                _logger.exception("a machine is still traced because of an internal error")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Handle:
    """Telemetry of this process, as :func:`am_telemetry.init` returned it. Thread-safe; nothing here raises.

    Usable as a context manager, which closes it at the end.
    """

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self.settings = settings
        self._client = client

    @property
    def enabled(self) -> bool:
        """Whether machines are traced. False without an address, and after :meth:`close`."""
        return self._client is not None and not self._client.closed

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until everything that happened before this call is stored by the hub.

        Returns:
            False when ``timeout`` seconds were not enough. Nothing is lost then; it is sent later.
        """
        return self._client.flush(timeout) if self._client is not None else True

    def close(self, timeout: float = 2.0) -> bool:
        """Stop tracing, deliver what is left, and say goodbye to the hub. Called at exit by itself.

        Returns:
            False when something could not be delivered within ``timeout`` seconds.
        """
        return self._client.close(timeout) if self._client is not None else True

    def trace(self, machine: object) -> Trace:
        """See :func:`am_telemetry.trace`."""
        if self._client is None:
            return Trace()
        try:
            found = self._client.pick(machine)
        except Exception:
            _logger.exception("a machine is not traced because of an internal error")
            return Trace()
        if found is None:
            _logger.warning("%r is not traced: it is no machine of a supported engine", type(machine).__name__)
            return Trace()
        return Trace(*found)

    def want(self, machines: tuple[str, ...]) -> None:
        """Trace the machines whose ids match other patterns from now on, and those that are traced already."""
        self.settings = dataclasses.replace(self.settings, machines=machines)
        if self._client is not None:
            self._client.want(machines)

    @property
    def stats(self) -> Stats:
        """Counters of the moment."""
        return self._client.stats if self._client is not None else Stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = f"to {self.settings.address}" if self.enabled else "off"
        return f"<am_telemetry.Handle {where}>"
