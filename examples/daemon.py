"""A background service with a command line, over a Unix socket.

::

    python examples/daemon.py start /tmp/d.sock     runs until it is told to stop
    python examples/daemon.py work /tmp/d.sock tea
    python examples/daemon.py status /tmp/d.sock
    python examples/daemon.py stop /tmp/d.sock
    python examples/daemon.py                       all of that in one process

A service is several things at once: it listens, it works, it is about to stop. Stopping means removing ``Start``; the
socket is closed by the handler of the state that ends with it, and the work that runs is waited for.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/daemon.py`` in another to watch it.
"""

import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import am_telemetry
from am_core import Event, ExceptionHandler, Machine, State, States, on

am_telemetry.init()


class DaemonStates(States):
    """What a service can be. It has ended when it is not started and idle: when what it was doing is done."""

    Start = State(remove=["Ended"])
    Opening = State(auto=True, require=[Start], remove=["Listening"])
    Listening = State(require=[Start], remove=[Opening])
    Working = State(multi=True, remove=["Idle"])
    Done = State(multi=True)
    Idle = State(auto=True)
    Ended = State(auto=True, require=[Idle])


class Daemon(ExceptionHandler):
    """Serves one request per connection: a line in, a line out."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self.jobs: list[str] = []
        self.done: list[str] = []
        self.machine = Machine.create(DaemonStates, [self], id="daemon")

    @on.state(DaemonStates.Opening)
    def open(self, e: Event) -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.address))
        self.server.listen()
        e.machine.add(DaemonStates.Listening)

    @on.state(DaemonStates.Listening)
    def listen(self, e: Event) -> None:
        e.machine.fork(self.accept, e, ctx=e.machine.state_ctx(DaemonStates.Listening))

    def accept(self, e: Event) -> None:
        """In the background, until the socket is closed."""
        while DaemonStates.Listening in e.machine:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, connection.makefile("rw", encoding="utf-8") as stream:
                verb, _, rest = stream.readline().strip().partition(" ")
                stream.write(self.answer(verb, rest) + "\n")

    def answer(self, verb: str, rest: str) -> str:
        """What the service says to a request."""
        if verb == "status":
            active = [state for state in self.machine.states if state in self.machine]
            return f"{' '.join(active)}; done: {', '.join(self.done) or 'nothing'}"
        if verb == "work":
            return str(self.machine.add(DaemonStates.Working, job=rest))
        if verb == "stop":
            return str(self.machine.remove(DaemonStates.Start))
        return f"unknown command {verb}, use status, work or stop"

    @on.end(DaemonStates.Listening)
    def hang_up(self, e: Event) -> None:
        # Wakes up whoever is waiting for a connection.
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.address.unlink(missing_ok=True)

    @on.state(DaemonStates.Working)
    def work(self, e: Event) -> None:
        self.jobs.append(e.args["job"])
        e.machine.fork(self.do, e.args["job"])

    def do(self, job: str) -> None:
        """In the background."""
        time.sleep(0.02)
        self.machine.add(DaemonStates.Done, job=job)

    @on.state(DaemonStates.Done)
    def finish(self, e: Event) -> None:
        self.jobs.remove(e.args["job"])
        self.done.append(e.args["job"])
        if not self.jobs:
            e.machine.remove(DaemonStates.Working)

    def run(self) -> None:
        """Serve until the end."""
        self.machine.add(DaemonStates.Start)
        self.machine.when(DaemonStates.Ended).wait()


def ask(address: Path, *words: str) -> str:
    """Send a request to a service and return its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        with connection.makefile("rw", encoding="utf-8") as stream:
            stream.write(" ".join(words) + "\n")
            stream.flush()
            return stream.readline().strip()


def demo() -> list[str]:
    """Start a service, talk to it, stop it while it works; returns what was said."""
    with tempfile.TemporaryDirectory() as folder:
        address = Path(folder) / "d.sock"
        daemon = Daemon(address)
        serving = threading.Thread(target=daemon.run)
        serving.start()
        daemon.machine.when(DaemonStates.Listening).wait(5)
        said = [f"{words}: {ask(address, *words.split())}" for words in ("status", "dance", "work tea", "stop")]
        serving.join(10)
        said.append(f"ended: {not serving.is_alive()}, done: {', '.join(daemon.done)}, socket left: {address.exists()}")
    return said


def main(*arguments: str) -> list[str]:
    """The command line; returns what was printed."""
    match arguments:
        case []:
            said = demo()
        case ["start", address]:
            daemon = Daemon(Path(address))
            listening = daemon.machine.when(DaemonStates.Listening)
            listening.add_done_callback(lambda _: print(f"listening on {address}", flush=True))
            daemon.run()
            said = ["stopped"]
        case [verb, address, *rest]:
            said = [ask(Path(address), verb, *rest)]
        case _:
            raise SystemExit(__doc__)
    print("\n".join(said))
    return said


if __name__ == "__main__":
    main(*sys.argv[1:])
