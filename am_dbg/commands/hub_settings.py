"""The command-line options of everything that contains a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from am_dbg.errors import AmDbgError, ExitCode

if TYPE_CHECKING:
    from am_dbg.hub import HubOptions
    from am_telemetry.store.trimming import Limits as SessionLimits

Command = TypeVar("Command", bound=Callable[..., Any])

MIN_MESSAGE = 1_000_000
"""Bytes; programs make messages of half that size, and cut what is larger."""
MAX_MESSAGE = 256_000_000
MIN_KEEP_S = 1
MIN_SIZE = 1_000_000

_FILE = click.Path(path_type=Path, dir_okay=False)

listen_option = click.option(
    "-l",
    "--listen",
    "--listen-on",
    "listen",
    multiple=True,
    default=["localhost:6831"],
    metavar="HOST:PORT",
    show_default="localhost:6831",
    help="Where programs report to; may be given several times.",
)

_OPTIONS = (
    click.option(
        "--socket", type=_FILE, metavar="PATH", help="Unix socket to listen on.  [default: in the runtime folder]"
    ),
    click.option("--no-socket", is_flag=True, help="Make no Unix socket."),
    click.option("--tls-cert", type=_FILE, metavar="FILE", help="Certificate in PEM format; makes --listen speak TLS."),
    click.option("--tls-key", type=_FILE, metavar="FILE", help="Private key of the certificate."),
    click.option(
        "--tls-client-ca", type=_FILE, metavar="FILE", help="Accept only programs with a certificate of these."
    ),
    click.option("--token-file", type=_FILE, metavar="FILE", help="Accept only programs that send the token in FILE."),
    click.option(
        "-f",
        "--forward",
        "--fwd-data",
        "forward",
        multiple=True,
        metavar="HOST:PORT",
        help="Send all records to another hub as well.",
    ),
    click.option(
        "--max-clients", type=click.IntRange(min=1), metavar="N", help="Programs at the same time.  [default: 2000]"
    ),
    click.option(
        "--max-machines", type=click.IntRange(min=0), metavar="N", help="Machines per program.  [default: 20000]"
    ),
    click.option(
        "--max-batch", type=click.IntRange(min=1), metavar="N", help="Transitions in one message.  [default: 65536]"
    ),
    click.option("--max-message", metavar="SIZE", help="Size of one message, at least 1MB.  [default: 4MiB]"),
    click.option("--max-rate", type=click.IntRange(min=0), metavar="N", help="Transitions per second and program."),
    click.option(
        "--keep", metavar="AGE", help="Remove transitions from the session when they are older, like 2h or 7d."
    ),
    click.option(
        "--max-size", metavar="SIZE", help="Remove the oldest transitions when the session is larger, like 2GB."
    ),
    click.option("--min-free", metavar="SIZE", help="Report trouble when the disk has less room.  [default: 256MB]"),
)


def hub_options(command: Command) -> Command:
    """Add the options, which :func:`read_hub_options` understands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_hub_options(values: dict[str, Any], *, resume: bool = False) -> HubOptions:
    """Combine the options of :func:`hub_options`.

    Raises:
        AmDbgError: they contradict each other.
        TelemetryError: a file cannot be used.
    """
    import os

    from am_dbg.hub import HubOptions
    from am_telemetry.receiving.admission import Credentials, Limits, read_token
    from am_telemetry.settings import read_security

    if values["socket"] is not None and values["no_socket"]:
        raise AmDbgError("--socket and --no-socket contradict each other", "leave one out", ExitCode.USAGE)
    standard = Limits()
    token_file: Path | None = values["token_file"]
    return HubOptions(
        credentials=Credentials(
            values["tls_cert"],
            values["tls_key"],
            values["tls_client_ca"],
            read_token(token_file) if token_file is not None else "",
        ),
        limits=Limits(
            clients=values["max_clients"] or standard.clients,
            machines=standard.machines if values["max_machines"] is None else values["max_machines"],
            rows=values["max_batch"] or standard.rows,
            rate=values["max_rate"] or standard.rate,
            message=_message_size(values["max_message"]) if values["max_message"] else standard.message,
        ),
        socket=values["socket"] or not values["no_socket"],
        forward=tuple(_forward_address(text) for given in values["forward"] for text in given.split(",")),
        security=read_security(os.environ),
        min_free=_size("--min-free", values["min_free"]) if values["min_free"] else HubOptions.min_free,
        resume=resume,
        keep=_session_limits(values["keep"], values["max_size"]),
    )


def _forward_address(text: str) -> str:
    from am_telemetry.settings import read_settings

    found = read_settings(text, environ={})
    if not found.address:
        reason = found.warnings[0] if found.warnings else f"{text!r} is no address"
        raise AmDbgError(f"--forward: {reason}", "give host:port, tls://host:port or unix:/path", ExitCode.USAGE)
    return found.address


def _session_limits(age: str | None, size: str | None) -> SessionLimits:
    from am_telemetry.store.limits import parse_length
    from am_telemetry.store.trimming import Limits

    try:
        keep_ns = parse_length(age) if age else None
    except ValueError as error:
        raise AmDbgError(f"--keep: {error}", "", ExitCode.USAGE) from error
    max_size = _size("--max-size", size) if size else None
    if keep_ns is not None and keep_ns < MIN_KEEP_S * 1_000_000_000:
        raise AmDbgError(f"--keep {age} is less than a second", "give at least 1s", ExitCode.USAGE)
    if max_size is not None and max_size < MIN_SIZE:
        raise AmDbgError(f"--max-size {size} is less than 1MB", "give at least 1MB", ExitCode.USAGE)
    return Limits(keep_ns, max_size, age or "", size or "")


def _size(option: str, text: str) -> int:
    from am_telemetry.store.limits import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise AmDbgError(f"{option}: {error}", "", ExitCode.USAGE) from error


def _message_size(text: str) -> int:
    size = _size("--max-message", text)
    if not MIN_MESSAGE <= size <= MAX_MESSAGE:
        raise AmDbgError(f"--max-message {text} is not between 1MB and 256MB", "", ExitCode.USAGE)
    return size
