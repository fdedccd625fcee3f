"""Sockets to listen on: who may connect decides which addresses are allowed."""

from __future__ import annotations

import errno
import logging
import socket
import stat
import sys
from pathlib import Path
from typing import ClassVar, Final

from am_telemetry.endpoints import DEFAULT_ADDRESS, Endpoint, is_loopback, parse_endpoint
from am_telemetry.errors import TelemetryError
from am_telemetry.receiving.admission import Credentials

logger = logging.getLogger("am_telemetry.receiving.collector")

BACKLOG: Final = 1024
_ATTEMPTS: Final = 20
_DESCRIPTORS: Final = 16_384


class CollectorError(TelemetryError):
    """The collector cannot listen."""

    exit_code: ClassVar[int] = 3


def check_address(address: str, credentials: Credentials) -> Endpoint:
    """Read an address to listen on.

    Raises:
        CollectorError: it is malformed, or other computers can reach it and nothing keeps strangers out.
    """
    try:
        endpoint = parse_endpoint(address)
    except ValueError as error:
        raise CollectorError(str(error), f"use host:port, for example {DEFAULT_ADDRESS}") from error
    if endpoint.kind == "tls" and credentials.certificate is None:
        raise CollectorError(f"{address} needs a certificate", "give one with --tls-cert FILE --tls-key FILE")
    if not endpoint.is_local and not credentials.any:
        raise CollectorError(
            f"refusing to listen on {address}, which other computers can reach, without encryption or a token",
            "give a certificate with --tls-cert FILE --tls-key FILE, better still also --tls-client-ca FILE or "
            f"--token-file FILE; or listen on {DEFAULT_ADDRESS} and forward the port: ssh -R 6831:localhost:6831 HOST",
        )
    if not endpoint.is_local and credentials.certificate is None:
        logger.warning("%s is not encrypted: whoever can read the network can read the token and all records", address)
    return endpoint


def bind_path(path: Path) -> socket.socket:
    """A Unix socket that only this user may connect to. What a killed hub left behind is replaced.

    Raises:
        CollectorError: it is in use, or cannot be made.
    """
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        one.bind(str(path))
        path.chmod(0o600)  # nobody can connect before it listens
        one.listen(BACKLOG)
        one.setblocking(False)
    except OSError as error:
        one.close()
        raise CollectorError(
            f"cannot listen on {path}: {error.strerror.lower() if error.strerror else error}",
            "another am-dbg may be using it; choose another path with --socket PATH",
        ) from error
    return one


def _clear(path: Path) -> None:
    """Remove a socket on which nobody listens any more."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "there is something else at that path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "address already in use")


def bind(endpoint: Endpoint) -> list[socket.socket]:
    """Sockets bound to all addresses the host stands for, on one port; port 0 picks a free one.

    Raises:
        CollectorError: the port is taken, or not to be had.
    """
    if endpoint.kind == "unix":
        return [bind_path(Path(endpoint.path))]
    port = endpoint.port
    for attempt in range(_ATTEMPTS):
        bound: list[socket.socket] = []
        try:
            for family, literal in _literals(endpoint.host):
                chosen = port or (bound[0].getsockname()[1] if bound else 0)
                bound.append(_bound(family, literal, chosen))
        except OSError as error:
            for one in bound:
                one.close()
            if port == 0 and attempt < _ATTEMPTS - 1:
                continue
            raise CollectorError(
                f"cannot listen on {endpoint}: {error.strerror.lower() if error.strerror else error}",
                "another am-dbg may be running: watch what it records with am-dbg --attach, stop it, or choose another "
                "port with --listen localhost:PORT",
            ) from error
        else:
            return bound
    raise AssertionError("unreachable")


def allow_many_connections() -> int:
    """Raise this process's limit of open files, where it is low and may be raised: connections count as files.

    Returns:
        The limit from now on.
    """
    if sys.platform == "win32":
        return _DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


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
    """Addresses that a host stands for and this computer has."""
    if ":" in host:
        return [(socket.AF_INET6, host)]
    if host.replace(".", "").isdigit():
        return [(socket.AF_INET, host)]
    if not is_loopback(host):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))
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
