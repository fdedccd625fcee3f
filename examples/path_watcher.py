"""Watch a folder and tell what has changed in it.

Looking is one state, having found something another. ``Start`` keeps it going: timers and threads are bound to its
context, so removing ``Start`` is all it takes to end everything.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/path_watcher.py`` in another. Select
``Changed``: H and L jump over the many looks that found nothing.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import am_telemetry
from am_core import Event, Machine, State, States, on

am_telemetry.init()

Seen = dict[str, tuple[int, int]]


class WatcherStates(States):
    Start = State()
    Looking = State(multi=True, require=[Start])
    Changed = State(multi=True, require=[Start])


class Watcher:
    """Polls a folder. ``Changed`` carries the names of files as ``created``, ``modified`` and ``deleted``."""

    def __init__(self, folder: Path, every: float = 0.01) -> None:
        self.folder = folder
        self.every = every
        self.seen: Seen = {}

    @on.state(WatcherStates.Start)
    def begin(self, e: Event) -> None:
        self.seen = self.look()
        e.machine.add(WatcherStates.Looking)

    @on.state(WatcherStates.Looking)
    def compare(self, e: Event) -> None:
        now = self.look()
        changes = {
            "created": tuple(sorted(now.keys() - self.seen.keys())),
            "modified": tuple(sorted(name for name in now.keys() & self.seen.keys() if now[name] != self.seen[name])),
            "deleted": tuple(sorted(self.seen.keys() - now.keys())),
        }
        self.seen = now
        if any(changes.values()):
            e.machine.add(WatcherStates.Changed, changes)
        started = e.machine.state_ctx(WatcherStates.Start)
        e.machine.go_after(started, self.every, e.machine.add, WatcherStates.Looking)

    def look(self) -> Seen:
        """Every file with its size and time of change."""
        found: Seen = {}
        for path in self.folder.iterdir():
            status = path.stat()
            found[path.name] = (status.st_size, status.st_mtime_ns)
        return found


def main() -> list[str]:
    """Change some files and wait for each change to be noticed; returns what was noticed."""
    said: list[str] = []

    def tell(e: Event) -> None:
        said.extend(f"{kind}: {' '.join(names)}" for kind, names in e.args.items() if names)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "a.txt"
        watcher = Machine.create(WatcherStates, [Watcher(folder)], id="watcher")
        watcher.bind({"ChangedState": tell})
        watcher.add(WatcherStates.Start)
        changes: list[tuple[Callable[[], object], dict[str, tuple[str]]]] = [
            (file.touch, {"created": (file.name,)}),
            (lambda: os.utime(file, (0, 0)), {"modified": (file.name,)}),
            (file.unlink, {"deleted": (file.name,)}),
        ]
        for change, args in changes:
            noticed = watcher.when_args(WatcherStates.Changed, args)
            change()
            if not noticed.wait(30):
                raise SystemExit(f"nobody noticed {args}: {watcher}")
        watcher.remove(WatcherStates.Start)
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main()
