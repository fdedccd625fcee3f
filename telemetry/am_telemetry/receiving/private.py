"""Where the gRPC server listens: nobody but this process is meant to call it there."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc

from am_telemetry.receiving.relay import Dial


@contextlib.contextmanager
def private_address(server: grpc.aio.Server, confidential: bool) -> Iterator[Dial]:
    """Have the gRPC server listen where nobody but this process calls; yields how to call it there.

    Args:
        server: not yet started.
        confidential: whether other users of this computer could do harm there, because they are kept out elsewhere.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        port = server.add_insecure_port("127.0.0.1:0")
        yield partial(loop.create_connection, host="127.0.0.1", port=port)
        return
    if (
        platform.system() == "Linux" and not confidential
    ):  # an abstract socket leaves no file behind, even when this process is killed
        name = f"am-dbg-{uuid.uuid4().hex}"
        server.add_insecure_port(f"unix-abstract:{name}")
        yield partial(loop.create_unix_connection, path=f"\0{name}")
        return
    folder = Path(tempfile.mkdtemp(prefix="am-dbg-"))  # readable for this user only
    try:
        path = folder / "grpc"
        server.add_insecure_port(f"unix:{path}")
        yield partial(loop.create_unix_connection, path=str(path))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
