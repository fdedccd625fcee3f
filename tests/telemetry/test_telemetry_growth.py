"""Programs come and go by the thousand, and leave nothing in a hub but what they recorded.

The figures are printed. TEST_CONNECTS=10000 makes it that many.
"""

from __future__ import annotations

import gc
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from figures import open_files, peak_memory, show, threads
from hubs import until
from test_telemetry_flow import RawClient, opening

from am_proto import telemetry_pb2 as pb
from am_telemetry.formats.go_rpc import GoPrograms
from am_telemetry.receiving.collector import Collector
from am_telemetry.store.known_sessions import MAX_GONE
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.go_program import GoProgram

COUNT = int(os.environ.get("TEST_CONNECTS", "120"))
WARM_UP = 30


class RecordingHub:
    """A hub over a session file."""

    def __init__(self, path: Path) -> None:
        self.session = SessionFile.create(path)
        self.writer = Writer(self.session)
        self.collector = Collector(self.writer, "localhost:0", foreign=(GoPrograms(),))
        self.collector.start()

    @property
    def is_idle(self) -> bool:
        front, intake = self.collector._front, self.collector._intake
        assert front is not None
        tables = (front._open, front._foreign, front._joining, front._relayed, intake._connections, intake._ending)
        return not any(tables) and not len(intake._locks) and not intake.budget.held and not intake.budget.accounts

    def close(self) -> None:
        self.collector.stop()
        self.writer.close()
        self.session.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RecordingHub]:
    hub = RecordingHub(tmp_path / "s.db")
    yield hub
    hub.close()


def native(port: int, number: int) -> None:
    """Says goodbye, or is cut off."""
    raw = RawClient(port, number.to_bytes(16, "big"))
    raw.outbox.put(opening(1, 2))
    if number % 2:
        raw.outbox.put(pb.ClientFrame(farewell=pb.Farewell(last_seq=2)).SerializeToString())
        raw.outbox.put(None)
        list(raw.call)
    else:
        assert next(raw.call).WhichOneof("frame") == "welcome"
        assert next(raw.call).WhichOneof("frame") == "ack"
    raw.close()


def go(port: int, number: int) -> None:
    """Old and new ones, which introduce a machine and are gone."""
    with GoProgram(port, "v0.10.1" if number % 2 else "v0.19.1") as program:
        program.call(2)


def nonsense(port: int, number: int) -> None:
    """Random bytes, also behind beginnings that look right, and connections that say nothing."""
    source = random.Random(number)
    with socket.create_connection(("127.0.0.1", port), 10) as stranger:
        head = (b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01", b"GET ")[number % 4]
        if number % 5:
            stranger.sendall(head + source.randbytes(source.randrange(1, 200)))


@pytest.mark.timeout(120 + COUNT // 10)
@pytest.mark.parametrize("caller", [native, go, nonsense])
def test_callers_come_and_go_without_a_trace(hub: RecordingHub, caller: Callable[[int, int], None]) -> None:
    port = hub.collector.port
    for number in range(WARM_UP):
        caller(port, number)
    until(lambda: hub.is_idle, 20)
    gc.collect()
    files, before, busy = open_files(), peak_memory(), threads()
    began = time.monotonic()
    for number in range(WARM_UP, WARM_UP + COUNT):
        caller(port, number)
        if not number % 100:
            hub.session.catch_up()
    spent = time.monotonic() - began
    until(lambda: hub.is_idle, 20)
    until(lambda: open_files() <= files)
    assert hub.writer.flush(10)
    known = len(hub.writer._ingest._sessions)
    assert known <= min(MAX_GONE, WARM_UP + COUNT)
    assert threads() <= busy + 20, "pools fill up, and no further"
    hub.session.catch_up()
    grown = peak_memory() - before
    show(
        f"{caller.__name__} callers",
        count=COUNT,
        seconds=spent,
        files=open_files() - files,
        threads=threads() - busy,
        KiB=grown,
        sessions_remembered=known,
        machines_recorded=len(hub.session.machines),
        refused=str(hub.collector.refusals) or "nobody",
    )
    assert grown < 15_000 + 12 * COUNT, "what they recorded takes some, and the callers are in this process too"
