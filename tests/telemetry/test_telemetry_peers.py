"""Finding out which process is at the other end of a connection."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from am_telemetry.receiving.peers import find_peer

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")

CALLER = "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); sys.stdin.read()"


async def _accepted(host: str, family: socket.AddressFamily) -> tuple[int, tuple[int, str]]:
    """The process that connected, as it is and as it was found."""
    arrived: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: arrived.put_nowait(writer), host, 0, family=family)
    port = server.sockets[0].getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", CALLER, host, str(port)], stdin=subprocess.PIPE) as caller:
        writer = await asyncio.wait_for(arrived.get(), 10)
        found = await asyncio.to_thread(find_peer, writer.transport)
        assert caller.stdin is not None
        caller.stdin.close()
        caller.wait(10)
    writer.close()
    server.close()
    return caller.pid, found


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
async def test_number_and_name_of_another_process_are_found(host: str, family: socket.AddressFamily) -> None:
    """Over IPv4 and IPv6, and again from what is remembered."""
    try:
        socket.create_server((host, 0), family=family).close()
    except OSError:
        pytest.skip(f"this computer has no {host}")
    for _ in range(2):
        pid, found = await _accepted(host, family)
        assert found == (pid, Path(sys.executable).name)


async def test_what_cannot_be_told_is_not_made_up() -> None:
    """No connection, a connection that is gone, and one that is no network connection."""
    assert find_peer(None) == (0, "")
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    assert find_peer(writer.transport) == (0, "")
    writer.close()
    theirs.close()
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        _, writer = await asyncio.open_connection(sock=accepted)
        assert find_peer(writer.transport)[0] == os.getpid()
        client.close()
        assert find_peer(writer.transport) == (0, "")
        writer.close()
