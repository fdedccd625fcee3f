"""Who is calling? Told from the first bytes of a connection, without answering any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from am_telemetry.receiving.foreign import ForeignProtocol

Caller = Literal["grpc", "http", "tls", "ssh", "stranger", "unknown"]

MAX_HEAD: Final = 64
"""Bytes after which there is nothing left to find out."""

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
_SIGNS: Final[tuple[tuple[bytes, Caller], ...]] = (
    (_PREFACE, "grpc"),
    *((method + b" ", "http") for method in _METHODS),
    (b"\x16\x03", "tls"),
    (b"SSH-", "ssh"),
)
_PAGE: Final = (
    "This is am-dbg's telemetry port. Programs report here by themselves; there is nothing to see in a browser.\n"
    "Start a program with AM_DBG_ADDR set to this address, and look at it with am-dbg.\n"
)
HTTP_ANSWER: Final = (
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(_PAGE)}\r\n"
    "Connection: close\r\n"
    "\r\n"
    f"{_PAGE}"
).encode()

REFUSALS: Final[dict[Caller, str]] = {
    "http": "an HTTP/1 request; programs report here, there is nothing for browsers and no web page",
    "tls": "a TLS handshake; this port is not encrypted, connect without TLS",
    "ssh": "an SSH client; this is the port for programs that report, not for people",
    "stranger": "a program of another computer that cannot prove who it is; forward the port with ssh -L instead",
    "unknown": "bytes of no protocol that is understood here",
}


def identify(head: bytes, foreign: Sequence[ForeignProtocol]) -> Caller | ForeignProtocol | None:
    """Who begins a connection with these bytes; None when more of them are needed."""
    possible = False
    for sign, caller in _SIGNS:
        if head.startswith(sign):
            return caller
        possible = possible or sign.startswith(head)
    for protocol in foreign:
        verdict = protocol.recognises(head)
        if verdict:
            return protocol
        possible = possible or verdict is None
    return None if possible and len(head) < MAX_HEAD else "unknown"
