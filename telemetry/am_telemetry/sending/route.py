"""The way to a hub: where it is, how to prove who one is, and finding out whether both sides agree to speak TLS."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_telemetry.settings import Security

if TYPE_CHECKING:
    import ssl

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_NO_TLS: Final = "TLS rejected: what listens there does not seem to speak TLS; leave tls:// out of the address"
_EMPTY_SETTINGS: Final = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


class LinkError(Exception):
    """The connection could not be made, or is gone; the text says why."""


class TlsRejectedError(LinkError):
    """One side does not trust the other. Trying again helps only after somebody has changed something."""


@dataclass(frozen=True, slots=True)
class Route:
    """How gRPC gets to a hub."""

    target: str
    security: Security
    tls_host: str = ""
    """The name that the hub's certificate must carry; empty without TLS."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.security.token}"),) if self.security.token else ()

    def pem_files(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Contents of the authorities', the key's and the certificate's file, as gRPC wants them.

        Raises:
            TlsRejectedError: one cannot be read.
        """
        security = self.security
        certificate = _read(security.certificate)
        return _read(security.ca), _read(security.key or security.certificate), certificate


def tls_probe(connection: socket.socket, host: str, security: Security) -> None:
    """Shake hands and wait for the hub's first word, because a refused certificate only shows then.

    Raises:
        TlsRejectedError: one side does not trust the other.
        OSError: the connection is gone.
    """
    import ssl

    context = _context(security)
    shaken = False
    try:
        with context.wrap_socket(connection, server_hostname=host) as wrapped:
            shaken = True
            wrapped.sendall(_PREFACE + _EMPTY_SETTINGS)
            if not wrapped.recv(1):
                raise ConnectionResetError
    except ssl.SSLCertVerificationError as error:
        raise TlsRejectedError(
            f"TLS rejected: the hub's certificate is not trusted ({error.verify_message}); "
            "name the authority that signed it in AM_DBG_CA"
        ) from error
    except (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError) as error:
        # Many servers hang up without giving their reason.
        raise TlsRejectedError(_refused(security) if shaken else _NO_TLS) from error
    except ssl.SSLError as error:
        raise TlsRejectedError(_explain(error, security)) from error


def _context(security: Security) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=security.ca or None)
        if security.certificate:
            context.load_cert_chain(security.certificate, security.key or None)
    except OSError as error:
        raise TlsRejectedError(
            "the files in AM_DBG_CA, AM_DBG_CERT and AM_DBG_KEY cannot be used: "
            f"{(error.strerror or str(error)).lower()}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context


def _explain(error: ssl.SSLError, security: Security) -> str:
    reason = (error.reason or str(error)).lower().replace("_", " ")
    if "wrong version number" in reason or "record layer" in reason:
        return _NO_TLS
    if "certificate" in reason or ("alert" in reason and security.certificate):
        return f"{_refused(security)} ({reason})"
    return f"TLS rejected: {reason}"


def _refused(security: Security) -> str:
    if security.certificate:
        return "TLS rejected: the hub does not accept the certificate in AM_DBG_CERT"
    return (
        "TLS rejected: the hub wants a certificate of this program; name one in AM_DBG_CERT and its key in AM_DBG_KEY"
    )


def _read(path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise TlsRejectedError(f"{path} cannot be read: {error.strerror}") from error
