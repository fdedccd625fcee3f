"""Sockets to listen on: of this computer only, IPv4 and IPv6 where ``localhost`` means both."""

from __future__ import annotations

import socket
import sys
from typing import ClassVar, Final

from am_telemetry.errors import TelemetryError
from am_telemetry.settings import DEFAULT_ADDRESS, is_loopback, split_address

BACKLOG: Final = 1024
_ATTEMPTS: Final = 20
_DESCRIPTORS: Final = 16_384


class CollectorError(TelemetryError):
    """The collector cannot listen."""

    exit_code: ClassVar[int] = 3


def check_address(address: str) -> None:
    """Raise ``CollectorError`` unless the address is well-formed and only this computer can reach it."""
    try:
        host, _ = split_address(address)
    except ValueError as error:
        raise CollectorError(str(error), f"use host:port, for example {DEFAULT_ADDRESS}") from error
    if not is_loopback(host):
        raise CollectorError(
            f"refusing to listen on {address}, which other computers can reach, without encryption",
            f"listen on {DEFAULT_ADDRESS} and forward the port, for example with: ssh -R 6831:localhost:6831 HOST",
        )


def bind(address: str) -> list[socket.socket]:
    """Sockets bound to all addresses the host stands for, on one port; port 0 picks a free one.

    Raises:
        CollectorError: the port is taken, or not to be had.
    """
    host, port = split_address(address)
    for attempt in range(_ATTEMPTS):
        bound: list[socket.socket] = []
        try:
            for family, literal in _literals(host):
                chosen = port or (bound[0].getsockname()[1] if bound else 0)
                bound.append(_bound(family, literal, chosen))
        except OSError as error:
            for one in bound:
                one.close()
            if port == 0 and attempt < _ATTEMPTS - 1:
                continue
            raise CollectorError(
                f"cannot listen on {address}: {error.strerror.lower() if error.strerror else error}",
                "another am-dbg may be running: stop it, or choose another port with --listen localhost:PORT",
            ) from error
        else:
            return bound
    raise AssertionError("unreachable")


def allow_many_connections() -> None:
    """Raise this process's limit of open files, where it is low and may be raised: connections count as files."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bound(family: socket.AddressFamily, literal: str, port: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((literal, port))
        # Connecting works from here on; two sockets can be bound to a port, but only one of them can listen.
        one.listen(BACKLOG)
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


def _literals(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """Addresses that a loopback host stands for and this computer has."""
    if ":" in host:
        return [(socket.AF_INET6, host)]
    if host.replace(".", "").isdigit():
        return [(socket.AF_INET, host)]
    both = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    return both if _has_ipv6() else both[:1]


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
