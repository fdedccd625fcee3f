"""Addresses of hubs as people write them: ``host:port``, ``tls://host:port`` and ``unix:/path/of/a/socket``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

DEFAULT_PORT: Final = 6831
DEFAULT_ADDRESS: Final = f"localhost:{DEFAULT_PORT}"

_TLS: Final = "tls://"
_TCP: Final = "tcp://"
_UNIX: Final = "unix:"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a hub listens."""

    kind: Literal["tcp", "tls", "unix"]
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is on this computer."""
        return self.kind == "unix" or is_loopback(self.host)

    def __str__(self) -> str:
        if self.kind == "unix":
            return f"{_UNIX}{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{_TLS if self.kind == 'tls' else ''}{host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read an address.

    Raises:
        ValueError: it is none, or the port is not between 0 and 65535.
    """
    if text.startswith(_UNIX):
        path = text.removeprefix(_UNIX).removeprefix("//")
        if not path.startswith("/"):
            raise ValueError(f"{text!r} is not unix: and the full path of a socket")
        return Endpoint("unix", path=path)
    kind: Literal["tcp", "tls"] = "tls" if text.startswith(_TLS) else "tcp"
    host, port = split_address(text.removeprefix(_TLS).removeprefix(_TCP))
    return Endpoint(kind, host, port)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``.

    Raises:
        ValueError: it is neither, or the port is not between 0 and 65535.
    """
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(
            f"{address!r} is not host:port (put an IPv6 address into brackets, as in [::1]:{DEFAULT_PORT})"
        )
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is not host:port")
    return host or "localhost", int(port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this computer only. Does not ask a name server."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
