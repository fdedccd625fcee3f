"""A hub with a real session file, as a program: ``store_hub.py PORT FILE``. Ends with its standard input."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    from am_telemetry.receiving.collector import Collector
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    path = Path(sys.argv[2])
    session = SessionFile.open(path, writable=True) if path.exists() else SessionFile.create(path)
    with session, Writer(session) as writer:
        collector = Collector(writer, f"localhost:{sys.argv[1]}")
        collector.start()
        print(collector.port, flush=True)
        sys.stdin.read()
        collector.stop()


if __name__ == "__main__":
    main()
