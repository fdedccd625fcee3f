"""Which program listens on a port, where the system tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENING: Final = "0A"


def listener_on(port: int) -> str:
    """``nginx (process 4242)``, or an empty text where that cannot be told, as for programs of other users."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return ""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for entry in (folder / "fd").iterdir():
                with suppress(OSError):
                    if str(entry.readlink()) in sockets:
                        return f"{_name(folder)} (process {folder.name})"
    return "a program of another user"


def _inodes(port: int) -> Iterator[str]:
    for table in _TABLES:
        with suppress(OSError, ValueError, IndexError):
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _name(folder: Path) -> str:
    with suppress(OSError):
        words = (folder / "cmdline").read_bytes().split(b"\0")
        # Only the program: arguments may hold secrets.
        name = Path(os.fsdecode(words[0])).name
        return "".join(char if char.isprintable() else "?" for char in name[:60]) or "a program"
    return "a program"
