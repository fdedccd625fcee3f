"""Telling systemd, or whatever else started this process, how it goes: the ``sd_notify`` datagrams."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states to ``$NOTIFY_SOCKET``; does nothing where that is not set. Never raises.

    Args:
        environ: for tests; the process's environment by default.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        address = env.get("NOTIFY_SOCKET", "")
        usable = address[:1] in ("/", "@") and hasattr(socket, "AF_UNIX")
        self._address = ("\0" + address[1:] if address.startswith("@") else address) if usable else ""
        self.watchdog_s = self._interval(env) if self._address else 0.0
        """How often a sign of life is wanted, in seconds; 0 for never."""

    def ready(self, status: str) -> None:
        """Programs can connect."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={_line(status)}")

    def status(self, text: str) -> None:
        """How it goes, for people."""
        self._send(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """A sign of life."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.sendto(state.encode(), self._address)

    @staticmethod
    def _interval(env: Mapping[str, str]) -> float:
        try:
            microseconds = int(env.get("WATCHDOG_USEC", "0"))
            meant_for = int(env.get("WATCHDOG_PID", "0")) or os.getpid()
        except ValueError:
            return 0.0
        # Half of the time that is allowed, so that one delay does no harm.
        return microseconds / 2e6 if meant_for == os.getpid() and microseconds > 0 else 0.0


def _line(text: str) -> str:
    return " ".join(text.split())
