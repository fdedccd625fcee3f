"""How a program introduces itself, checked."""

from __future__ import annotations

from typing import Final

from am_proto import telemetry_pb2 as pb
from am_telemetry.facts import ProcessFact
from am_telemetry.wire import WireError

PATH_KEY: Final = "amdbg.path"
"""Attribute of a process: ids of the hubs that have forwarded its records, the first one first."""


def process_of(hello: pb.Hello) -> ProcessFact:
    """The process behind a first frame.

    Raises:
        WireError: its identity or description is malformed.
    """
    if len(hello.session) != 16:
        raise WireError("a session is 16 bytes")
    texts = [hello.service, hello.host, hello.language, hello.library, *hello.resource, *hello.resource.values()]
    if len(hello.resource) > 256 or any(len(text) > 4096 for text in texts):
        raise WireError("the description of the process is too long")
    resource = dict(hello.resource)
    if hello.parent_session:
        resource["parent.session"] = hello.parent_session[:16].hex()
    return ProcessFact(
        session=hello.session.hex(),
        name=hello.service,
        host=hello.host,
        pid=hello.pid,
        language=hello.language,
        library=hello.library,
        resource=resource,
    )
