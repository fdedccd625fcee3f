"""Who may report, and how much: credentials, limits, and the counts of what was refused."""

from __future__ import annotations

import hmac
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_telemetry.errors import TelemetryError
from am_telemetry.wire.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    import ssl

MIN_TOKEN: Final = 16
"""Characters of the shortest token that is accepted."""
_BEARER: Final = "Bearer "


class CredentialsError(TelemetryError):
    """Files of a certificate, key or token cannot be used."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Credentials:
    """What makes connections over a network safe. They concern all TCP addresses of a hub, not its Unix socket.

    Args:
        certificate: PEM file with the hub's certificate and those between it and the authority; makes it speak TLS.
        key: PEM file with the certificate's private key.
        client_ca: PEM file with the authorities whose certificates programs must show (mutual TLS).
        token: text that programs must send.
    """

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    token: str = field(default="", repr=False)

    @property
    def any(self) -> bool:
        """Whether strangers are kept out, or at least from listening in."""
        return self.certificate is not None or bool(self.token)

    def permit(self, authorization: str) -> bool:
        """Whether an ``authorization`` header carries the token. Takes the same time for every wrong one."""
        shown = authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else ""
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self.token.encode("utf-8", "replace"))

    def tls(self) -> ssl.SSLContext | None:
        """How to speak TLS; None without a certificate.

        Raises:
            CredentialsError: a file is missing or is not what it should be.
        """
        if self.certificate is None:
            if self.client_ca is not None or self.key is not None:
                raise CredentialsError(
                    "a key or client authority without a certificate does nothing", "add --tls-cert FILE"
                )
            return None
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise CredentialsError(
                f"{self.certificate} cannot be used as the hub's certificate: {_reason(error)}",
                "give a PEM file with --tls-cert and the private key that belongs to it with --tls-key",
            ) from error
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(self.client_ca)
            except (OSError, ssl.SSLError) as error:
                raise CredentialsError(
                    f"{self.client_ca} cannot be used to check programs' certificates: {_reason(error)}",
                    "give a PEM file of certificates with --tls-client-ca",
                ) from error
        return context


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def read_token(path: Path) -> str:
    """The token in a file, without surrounding white space.

    Raises:
        CredentialsError: there is no such file, or nothing useful in it.
    """
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"the token file {path} cannot be read: {getattr(error, 'strerror', None) or error}", ""
        ) from error
    if len(text) < MIN_TOKEN or not text.isascii() or not text.isprintable() or any(map(str.isspace, text)):
        raise CredentialsError(
            f"{path} holds no token: {MIN_TOKEN} or more printable ASCII characters without spaces are needed",
            f"make one: openssl rand -hex 32 > {path}",
        )
    return text


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one hub takes. 0 means unlimited, except for ``clients``.

    Args:
        clients: programs connected at the same time.
        machines: machines that one program may have at the same time; further ones are not recorded.
        rows: transitions in one batch.
        rate: transitions per second of one program, on average over a few seconds; beyond that it is slowed down.
        message: bytes of one message. Programs are told, and leave out what is larger; who sends it all the same is cut
            off.
    """

    clients: int = 2_000
    machines: int = 20_000
    rows: int = 65_536
    rate: int = 0
    message: int = MAX_MESSAGE_BYTES


class Refusals:
    """Counts what was refused, by reason. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.last_at = float("-inf")
        """When something was refused last, in monotonic seconds."""

    def count(self, reason: str, number: int = 1) -> None:
        """Count something. Reasons are few and fixed; text of strangers must not become one."""
        with self._lock:
            self._counts[reason] += number
        self.last_at = time.monotonic()

    def counts(self) -> dict[str, int]:
        """Reason to number, the most frequent first."""
        with self._lock:
            return dict(self._counts.most_common())

    def __str__(self) -> str:
        """As shown to people, such as ``3 connections without a valid token``; empty when nothing was refused."""
        return ", ".join(f"{number:,} {reason}" for reason, number in self.counts().items())


class Pace:
    """Lets one program go on at a rate (a token bucket that holds what two seconds bring). Used by one thread.

    Args:
        rate: per second; 0 for any.
        now: the present, monotonic seconds.
    """

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._room = 2.0 * rate
        self._at = now

    def take(self, number: int, now: float) -> float:
        """Take in some; returns the seconds to wait until the next."""
        if not self._rate:
            return 0.0
        self._room = min(2.0 * self._rate, self._room + (now - self._at) * self._rate) - number
        self._at = now
        return max(0.0, -self._room / self._rate)
