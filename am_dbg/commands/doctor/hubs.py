"""Checks of addresses, secrets, and the hub that programs here report to."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from am_dbg.commands.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from am_dbg.config.resolving import Config

_SKEW_MS: Final = 500
"""More makes the order of what different computers did hard to believe."""


def listening(addresses: tuple[str, ...]) -> Iterator[Finding]:
    """Whether a hub could listen at the addresses, or who does."""
    from am_dbg.runtime import running_hubs
    from am_telemetry.endpoints import parse_endpoint

    hubs = {hub.port: hub for hub in running_hubs()}
    for address in addresses:
        try:
            endpoint = parse_endpoint(address)
        except ValueError as error:
            yield fail("listen", str(error), "am-dbg config set hub.listen HOST:PORT")
            continue
        if endpoint.kind == "unix" or not endpoint.port:
            yield ok(address, "chosen when a hub starts")
        elif endpoint.port in hubs:
            hub = hubs[endpoint.port]
            yield ok(address, f"am-dbg (process {hub.pid}) records here into {hub.session}; watch it: am-dbg --attach")
        else:
            yield _port(address, endpoint.host, endpoint.port)


def _port(address: str, host: str, port: int) -> Finding:
    from am_dbg.commands.doctor.listeners import listener_on

    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return fail(address, f"{host} is no known name: {error.strerror}", "use localhost, or a number")
    for family, kind, protocol, _, place in found:
        try:
            with socket.socket(family, kind, protocol) as one:
                if os.name != "nt":
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                who = listener_on(port) or "another program"
                return fail(
                    address, f"{who} listens there", f"end it, or use another port: am-dbg -l {host}:{port + 1}"
                )
            if error.errno == errno.EACCES:
                return fail(address, "may not be listened on by this user", "use a port above 1023")
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and len(found) > 1:
                continue
            return fail(address, error.strerror or str(error), "choose another address")
    return ok(address, "free")


def security(config: Config, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Certificates and tokens, of the hub and of programs. Secrets are not printed."""
    from am_telemetry.settings import read_security

    shown = read_security(os.environ if environ is None else environ)
    certificate, key = config.value("hub.tls_cert"), config.value("hub.tls_key")
    if certificate:
        yield _pair("hub's certificate", str(certificate), str(key or ""))
    elif key:
        yield fail("hub's certificate", "there is a key, but no certificate", "am-dbg config set hub.tls_cert FILE")
    for name, value in (("hub.tls_client_ca", config.value("hub.tls_client_ca")), ("AM_DBG_CA", shown.ca)):
        if value:
            yield _authorities(name, str(value))
    token_file = config.value("hub.token_file")
    if token_file:
        yield _token_file(Path(str(token_file)))
    if shown.token:
        yield ok("AM_DBG_TOKEN", f"set ({len(shown.token)} characters)")
    if shown.certificate:
        yield _pair("AM_DBG_CERT", shown.certificate, shown.key)
    if not any((certificate, key, token_file, shown.token, shown.certificate, shown.ca)):
        yield ok("TLS and token", "not used, as is fine as long as hubs listen on this computer only")


def _pair(name: str, certificate: str, key: str) -> Finding:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key or None, password=lambda: b"")
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return fail(
            name, f"{certificate} and its key cannot be used: {reason}", "both are PEM files, and belong together"
        )
    except (OSError, ValueError) as error:
        return fail(name, f"{certificate} cannot be read: {getattr(error, 'strerror', None) or error}", "")
    return ok(name, certificate)


def _authorities(name: str, path: str) -> Finding:
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        return fail(name, f"{path} cannot be used: {error.strerror or error}", "it is a PEM file with certificates")
    return ok(name, path)


def _token_file(path: Path) -> Finding:
    from am_telemetry.errors import TelemetryError
    from am_telemetry.receiving.admission import read_token

    try:
        token = read_token(path)
        mode = path.stat().st_mode
    except TelemetryError as error:
        return fail("hub.token_file", error.message, error.hint)
    except OSError as error:
        return fail("hub.token_file", f"{path} cannot be read: {error.strerror}", "")
    if os.name != "nt" and mode & (stat.S_IRGRP | stat.S_IROTH):
        return warn("hub.token_file", f"{path} can be read by other users", f"chmod 600 {path}")
    return ok("hub.token_file", f"{path} ({len(token)} characters)")


def reporting(address: str | None = None, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """The hub that programs started here report to, and those that run on this computer; or a certain one."""
    from am_dbg.runtime import running_hubs
    from am_telemetry.settings import read_settings

    env = os.environ if environ is None else environ
    settings = read_settings(address, environ=env)
    for warning in settings.warnings:
        yield warn("hub" if address else "variables of programs", warning)
    if settings.address or address:
        if settings.address:
            yield from _visit("hub" if address else "AM_DBG_ADDR", settings.address, env)
        return
    hubs = running_hubs()
    for hub in hubs:
        if hub.addresses:
            yield from _visit(f"process {hub.pid}", hub.addresses[0], env)
    if not hubs:
        yield ok("hub", "none runs here, and AM_DBG_ADDR names none; am-dbg starts one")


def _visit(name: str, address: str, env: Mapping[str, str]) -> Iterator[Finding]:
    from am_telemetry.sending.route import LinkError, TlsRejectedError
    from am_telemetry.sending.visiting import visit
    from am_telemetry.settings import read_security

    try:
        found = visit(address, read_security(env))
    except LinkError as error:
        hint = "start a hub there: am-dbg collect; or correct AM_DBG_ADDR"
        if "UNAUTHENTICATED" in str(error):
            hint = "set AM_DBG_TOKEN to the token of that hub"
        elif isinstance(error, TlsRejectedError):
            hint = ""  # the message itself says what to do
        yield fail(name, f"{address}: {error}", hint)
        return
    yield ok(name, f"{address}: {found.hub or 'an older am-dbg'}, {found.round_trip_ns / 1e6:.1f} ms away")
    if found.protocol:
        from am_telemetry.wire import PROTO_VERSION

        if found.protocol != PROTO_VERSION:
            yield warn(name, f"it speaks revision {found.protocol}, this is {PROTO_VERSION}", "use the same version")
        skew = found.skew_ns / 1e6
        if abs(skew) > _SKEW_MS + found.round_trip_ns / 1e6:
            ahead = "ahead of" if skew > 0 else "behind"
            yield warn(name, f"its clock is {abs(skew) / 1000:,.1f} s {ahead} ours", "let both computers use NTP")
        else:
            yield ok("clocks", f"{abs(skew):.0f} ms apart")
