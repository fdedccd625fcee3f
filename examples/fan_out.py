"""Many pieces of work, a few at a time, and what follows when all of them are done.

``fan_out_in`` gives each piece two states, so a debugger shows which of them is running, and what the whole waits for.
The state that means *all done* is automatic: nothing counts, nothing polls.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/fan_out.py`` in another to watch it.
"""

import threading
import time
from random import Random

import am_telemetry
from am_core import Event, Machine
from am_core.helpers import fan_out_in

am_telemetry.init()

IMAGES = ["sun.png", "moon.png", "mars.png", "venus.png", "pluto.png", "ceres.png"]
AT_A_TIME = 2


class Album:
    """Makes small versions of images."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0
        self.most = 0
        self.made: list[str] = []
        self.machine = Machine({"Shrink": {"multi": True}, "ShrinkDone": {}, "Published": {}}, id="album")
        seed = Random(7)  # an order that is the same each time
        self.fan = fan_out_in(self.machine, "Shrink", len(IMAGES), AT_A_TIME, self.start, random=seed)
        self.machine.bind({"ShrinkDoneState": self.publish})

    def start(self, number: int, state: str, done: str) -> None:
        """Called in a handler, so the work itself goes to the background."""
        self.machine.fork(self.shrink, number, done)

    def shrink(self, number: int, done: str) -> None:
        """On a thread of its own."""
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.01)
        with self.lock:
            self.running -= 1
            self.made.append(IMAGES[number])
        self.machine.add(done)

    def publish(self, e: Event) -> None:
        e.machine.add("Published")


def main() -> Album:
    """Shrink all images; returns the album."""
    album = Album()
    album.fan.run()
    if not album.machine.when("Published").wait(30):
        raise SystemExit(f"the work got stuck: {album.machine}")
    print(f"{len(album.made)} images, at most {album.most} at a time: {', '.join(sorted(album.made))}")
    return album


if __name__ == "__main__":
    main()
