"""How a process introduces itself to a hub."""

from __future__ import annotations

import os
import platform
import secrets
import socket
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from am_proto import telemetry_pb2 as pb
from am_telemetry.settings import Settings
from am_telemetry.wire import PROTO_VERSION, clean


@dataclass(frozen=True)
class Session:
    """One process image."""

    id: bytes
    """16 random bytes."""
    parent: bytes = b""
    """Of the process that forked this one."""

    @classmethod
    def new(cls, parent: bytes = b"") -> Session:
        return cls(secrets.token_bytes(16), parent)


def hello(session: Session, settings: Settings, next_seq: int, buffer_bytes: int) -> bytes:
    """The first frame of a stream, serialised."""
    frame = pb.ClientFrame()
    message = frame.hello
    message.proto_min = message.proto_max = PROTO_VERSION
    message.session = session.id
    message.parent_session = session.parent
    message.next_seq = next_seq
    message.anchor.wall_ns, message.anchor.mono_ns = time.time_ns(), time.monotonic_ns()
    message.service = clean(settings.service[:1000])
    message.host = clean(socket.gethostname())
    message.pid = os.getpid()
    message.language = "python"
    message.library = f"am_telemetry {version()}"
    message.buffer_bytes = buffer_bytes
    for key, value in resource().items():
        message.resource[key] = clean(value[:1000])
    return frame.SerializeToString()


def pulse(buffered: int, last_seq: int) -> bytes:
    """A sign of life, serialised, from which a hub sees how the clocks differ."""
    frame = pb.ClientFrame()
    frame.pulse.buffered_bytes = buffered
    frame.pulse.last_seq = last_seq
    frame.pulse.anchor.wall_ns, frame.pulse.anchor.mono_ns = time.time_ns(), time.monotonic_ns()
    return frame.SerializeToString()


def version() -> str:
    """Version of the installed distribution."""
    try:
        return metadata.version("am-dbg")
    except metadata.PackageNotFoundError:
        return "0"


def resource() -> dict[str, str]:
    """OpenTelemetry's process attributes; no command line, which may hold secrets."""
    return {
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": platform.python_version(),
        "process.executable.name": Path(sys.executable or "python").name,
        "process.command": Path(sys.argv[0]).name if getattr(sys, "argv", None) else "",
        "os.type": sys.platform,
    }
