"""Which process of this computer is at the other end of a connection? Told by Linux, best effort."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_MAX_NAME: Final = 200
_recent: deque[int] = deque(maxlen=4)
"""Processes that were found; a hint only, so it does not matter who changes it when."""


def find_peer(transport: asyncio.BaseTransport | None) -> tuple[int, str]:
    """Process id and program name of who connected; (0, "") where it cannot be told.

    Reads a few hundred small files, so not on an event loop. Processes of other users are not seen.
    """
    if transport is None or not sys.platform.startswith("linux"):
        return 0, ""
    ours, theirs = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    if not isinstance(ours, tuple) or not isinstance(theirs, tuple):
        return 0, ""
    with contextlib.suppress(OSError, ValueError):
        inode = _inode(theirs, ours)
        if inode:
            return _owner(f"socket:[{inode}]")
    return 0, ""


def _inode(local: tuple[str, int], remote: tuple[str, int]) -> str:
    """Of the socket with these ends, as the process at its local end sees it."""
    ends = [_hex(local), _hex(remote)]
    table = _PROC / "net" / ("tcp6" if ":" in local[0] else "tcp")
    with table.open(encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[1:3] == ends:
                return fields[9]
    return ""


def _hex(end: tuple[str, int]) -> str:
    """An address as the kernel's table spells it: 32-bit words in the byte order of this computer, then the port."""
    packed = ipaddress.ip_address(end[0]).packed
    words = [packed[i : i + 4] for i in range(0, len(packed), 4)]
    spelled = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{spelled}:{end[1]:04X}"


def _owner(link: str) -> tuple[int, str]:
    for pid in _pids():
        with contextlib.suppress(OSError):
            if link in _targets(f"{_PROC}/{pid}/fd"):
                _recent.appendleft(pid)
                return pid, _name(pid)
    return 0, ""


def _targets(folder: str) -> Iterator[str]:
    """What the descriptors of a process lead to. There may be thousands, one per machine."""
    with os.scandir(folder) as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):  # closed meanwhile
                yield os.readlink(descriptor.path)  # noqa: PTH115 - several times as fast as a Path


def _pids() -> Iterator[int]:
    """Those found before first, since a program connects once per machine; then the newest."""
    yield from dict.fromkeys(_recent.copy())
    yield from sorted((int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()), reverse=True)


def _name(pid: int) -> str:
    first = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0", 1)[0]
    return Path(first.decode("utf-8", "replace")).name[:_MAX_NAME]
