"""What the tracer was told: arguments of ``init`` before environment variables before defaults.

Nothing here raises: a bad value becomes a warning and the default.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from am_telemetry.endpoints import DEFAULT_ADDRESS, DEFAULT_PORT, is_loopback, parse_endpoint, split_address

__all__ = ["DEFAULT_ADDRESS", "LOG_LEVELS", "Settings", "is_loopback", "read_settings", "split_address"]

LOG_LEVELS: Final = ("nothing", "external", "changes", "ops", "decisions", "everything")

MOST_SYNC_SECONDS: Final = 3600

Scrub = Callable[[str, Mapping[str, object]], Mapping[str, object]]
"""Called with a machine id and the arguments of a mutation; returns the arguments that may leave the program."""


@dataclass(frozen=True)
class Security:
    """What the program shows to a hub, and what it wants to see of it. All but the token are paths of PEM files."""

    token: str = field(default="", repr=False)
    ca: str = ""
    """Authorities that may have signed the hub's certificate; empty for those that the system trusts."""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class Settings:
    """How to trace. An empty ``address`` means not at all."""

    address: str = ""
    service: str = ""
    machines: tuple[str, ...] = ("*",)
    """Shell patterns; a machine is traced when one matches its id."""
    detail: int = 2
    """0 state changes only, 1 + called states, flags, handlers, causes, argument names, logs, errors, waits, contexts,
    pipes, 2 + steps and tracebacks, 3 + argument values."""
    max_detail: int = 2
    """Up to which a hub may ask for more than ``detail``, when somebody looks at a machine."""
    log_level: int = 3
    scrub: Scrub | None = None
    tracebacks: bool = True
    spool: str = ""
    """Folder in which unsent records are kept beyond the end of the process; empty for none."""
    spool_sync: float = 1.0
    """Seconds of which a power failure may take the records from that folder; 0 for no limit."""
    security: Security = Security()
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def wants(self, machine_id: str) -> bool:
        """Whether a machine is to be traced."""
        return any(fnmatch.fnmatchcase(machine_id, pattern) for pattern in self.machines)

    @property
    def is_local(self) -> bool:
        """Whether the address is on this computer."""
        return parse_endpoint(self.address).is_local


def read_settings(
    addr: str | int | bool | None = None,
    *,
    service: str | None = None,
    machines: str | Iterable[str] = "*",
    detail: int | str | None = None,
    log: int | str | None = None,
    scrub: Scrub | None = None,
    spool: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Combine arguments and environment.

    Args:
        addr: ``host:port``, ``host``, ``:port``, a port, or ``1`` for ``localhost:6831``; ``tls://host:port`` for a hub
            that speaks TLS, ``unix:/path`` for its socket on this computer; None reads ``AM_DBG_ADDR``.
        service: what people call the program; None reads ``AM_SERVICE`` and falls back to the script's name.
        machines: one or several shell patterns for machine ids; a string may separate them by commas.
        detail: 0 to 3, see :class:`Settings`; None reads ``AM_DETAIL`` (or ``AM_LOG_FULL``). ``AM_DETAIL_MAX`` says how
            much a hub may ask for.
        log: a name of ``LOG_LEVELS`` or its position; None reads ``AM_LOG``.
        scrub: see :data:`Scrub`.
        spool: a folder for what cannot be sent before the program ends; None reads ``AM_SPOOL``. ``AM_SPOOL_SYNC`` says
            how many seconds of it a power failure may take.
        environ: for tests; the process's environment by default.
    """
    env = os.environ if environ is None else environ
    warnings: list[str] = []
    if detail is None:
        detail = env.get("AM_DETAIL") or (3 if env.get("AM_LOG_FULL") == "1" else 2)
    level = _read_detail(detail, warnings)
    most = env.get("AM_DETAIL_MAX", "")
    return Settings(
        address=_read_address(env.get("AM_DBG_ADDR", "") if addr is None else addr, warnings),
        service=str(service or env.get("AM_SERVICE") or _script_name()),
        machines=_read_patterns(machines, warnings),
        detail=level,
        max_detail=_read_detail(most, warnings) if most else max(level, 2),
        log_level=_read_log_level(env.get("AM_LOG", "ops") if log is None else log, warnings),
        scrub=_read_scrub(scrub, warnings),
        tracebacks=env.get("AM_DBG_NO_TRACE", "0") in ("", "0"),
        spool=str((env.get("AM_SPOOL") or env.get("AM_DBG_SPOOL", "")) if spool is None else spool),
        spool_sync=_read_spool_sync(env.get("AM_SPOOL_SYNC", ""), warnings),
        security=read_security(env),
        warnings=tuple(warnings),
    )


def read_security(env: Mapping[str, str]) -> Security:
    """``AM_DBG_TOKEN``, ``AM_DBG_CA`` (or ``AM_DBG_TLS_CA``), ``AM_DBG_CERT`` and ``AM_DBG_KEY``."""
    return Security(
        token=env.get("AM_DBG_TOKEN", "").strip(),
        ca=env.get("AM_DBG_CA") or env.get("AM_DBG_TLS_CA", ""),
        certificate=env.get("AM_DBG_CERT", ""),
        key=env.get("AM_DBG_KEY", ""),
    )


def _read_address(value: object, warnings: list[str]) -> str:
    text = "1" if value is True else "" if value is False else str(value).strip()
    if text.lower() in ("", "0", "off", "no", "false"):
        return ""
    if text.lower() in ("1", "on", "yes", "true"):
        return DEFAULT_ADDRESS
    scheme, slashes, rest = text.rpartition("://")
    if text.startswith("unix:"):
        rest = ""
    elif rest.isascii() and rest.isdigit():
        text = f"{scheme}{slashes}localhost:{rest}"
    elif ":" not in rest or rest.endswith("]"):
        text = f"{scheme}{slashes}{rest}:{DEFAULT_PORT}"
    try:
        endpoint = parse_endpoint(text)
        if endpoint.kind != "unix":
            if not endpoint.port:
                raise ValueError(f"{text!r} has no port to connect to")
            if "/" in endpoint.host or any(c.isspace() for c in endpoint.host):
                raise ValueError(f"{text!r} is not host:port")
    except ValueError as error:
        warnings.append(f"no telemetry is sent: {error}; set AM_DBG_ADDR=1 for {DEFAULT_ADDRESS}")
        return ""
    return str(endpoint)


def _read_detail(value: object, warnings: list[str]) -> int:
    text = str(value).strip()
    if text in ("0", "1", "2", "3"):
        return int(text)
    warnings.append(f"detail {text!r} is not one of 0, 1, 2, 3; using 2")
    return 2


def _read_spool_sync(text: str, warnings: list[str]) -> float:
    if not text.strip():
        return Settings.spool_sync
    try:
        seconds = float(text)
        if 0 <= seconds <= MOST_SYNC_SECONDS:
            return seconds
    except ValueError:
        pass
    warnings.append(f"AM_SPOOL_SYNC={text!r} is no number of seconds from 0 to {MOST_SYNC_SECONDS}; using 1")
    return Settings.spool_sync


def _read_log_level(value: object, warnings: list[str]) -> int:
    text = str(value).strip().lower()
    if text in LOG_LEVELS:
        return LOG_LEVELS.index(text)
    if text in ("0", "1", "2", "3", "4", "5"):
        return int(text)
    import difflib

    near = difflib.get_close_matches(text, LOG_LEVELS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(LOG_LEVELS)}"
    warnings.append(f"log level {text!r} is unknown ({hint}); using 'ops'")
    return LOG_LEVELS.index("ops")


def _read_patterns(value: object, warnings: list[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        patterns = tuple(part.strip() for part in value.split(",") if part.strip())
    elif isinstance(value, Iterable):
        patterns = tuple(str(part) for part in value)
    else:
        patterns = ()
    if patterns:
        return patterns
    warnings.append(f"machines={value!r} names no pattern; tracing all machines")
    return ("*",)


def _read_scrub(value: object, warnings: list[str]) -> Scrub | None:
    if value is None or callable(value):
        return cast("Scrub | None", value)
    warnings.append(f"scrub={value!r} cannot be called; no arguments beyond their names are sent")
    return _nothing


def _nothing(_machine: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
    return dict.fromkeys(arguments, "[hidden]")


def _script_name() -> str:
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name:
        return str(main.name).removesuffix(".__main__")
    script = Path(sys.argv[0]) if getattr(sys, "argv", None) and sys.argv[0] not in ("", "-c") else Path("python")
    if script.name == "-m":
        # Python itself has not found the module yet.
        module = sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] if "-m" in sys.orig_argv else []
        return module[0] if module else "python"
    return script.stem or "python"
