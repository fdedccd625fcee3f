"""A hub as a process of its own: ``python -m benchmarks.hub_process FILE READERS``.

Prints its port, follows its recording as that many viewers would at 30 frames per second, and ends with its input.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

ON_SCREEN = 8
"""Machines that a viewer draws."""


def main() -> None:
    """Record until standard input ends."""
    from am_telemetry.receiving.collector import Collector
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    ended = threading.Event()
    with SessionFile.create(Path(sys.argv[1])) as session, Writer(session) as writer:
        collector = Collector(writer, "localhost:0")
        collector.start()
        print(collector.port, flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        while not ended.is_set():
            began = time.monotonic()
            for _ in range(int(sys.argv[2])):
                session.catch_up()
                for machine in session.machines[:ON_SCREEN]:
                    timeline = session.timeline(machine.id)
                    if timeline.count:
                        len(timeline.accepted - timeline.empty)
                        session.transition(machine.id, timeline.count)
                        session.log_lines(machine.id, max(1, timeline.count - 40), timeline.count)
            ended.wait(max(0.0, 1 / 30 - (time.monotonic() - began)))
        collector.stop()


if __name__ == "__main__":
    main()
