"""Hubs that are killed, and programs that talk nonsense: sums agree, others are not disturbed, nothing grows.

The figures are printed. ``AM_FAULTS=N`` makes the long ones N times as long.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from figures import show
from hubs import HERE, PATHS, free_port, start_program, until
from memory_sink import MemorySink
from test_telemetry_flow import RawClient, opening

from am_core import Machine
from am_proto import telemetry_pb2 as pb
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client

TIMES = int(os.environ.get("AM_FAULTS", "1"))

LOAD = """
import json, random, sys, threading, time, am_telemetry
handle = am_telemetry.init(service=sys.argv[1])
from am_core import Machine
machines = [Machine({"A": {"multi": True}, "B": {}, "C": {"remove": ["B"]}}, id=f"{sys.argv[1]}-{n}") for n in range(5)]
rng = random.Random(sys.argv[1])
told_to_stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), told_to_stop.set()), daemon=True).start()
while not told_to_stop.is_set():
    machine = rng.choice(machines)
    machine.add(rng.choice("ABC"))
    if rng.random() < 0.1:
        machine.log(f"line {rng.random()}")
    if rng.random() < 0.2:
        time.sleep(0.001)
flushed = handle.flush(100)
stats = handle.stats
counts = {m.id: (m.transition_count, list(m.time())) for m in machines}
print(json.dumps({"flushed": flushed, "dropped": stats.dropped, "reconnects": stats.reconnects, "counts": counts}))
"""


class StoreHub:
    """``store_hub.py`` as a process."""

    def __init__(self, port: int, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "store_hub.py"), str(port), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": PATHS},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "the hub did not start"

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(30)
        self._reap()

    def _reap(self) -> None:
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.mark.timeout(120 * TIMES)
def test_a_hub_killed_under_load_stores_everything_once(tmp_path: Path) -> None:
    """Stored once or counted as a gap: the sums are those of the programs themselves."""
    kills, programs = 4 * TIMES, 2
    port, path = free_port(), tmp_path / "s.db"
    rng = random.Random(7)
    hub = StoreHub(port, path)
    loads = [
        start_program(f"import sys; sys.argv[1:] = [{f'load{n}'!r}]\n{LOAD}", f"localhost:{port}")
        for n in range(programs)
    ]
    try:
        for _ in range(kills):
            time.sleep(rng.uniform(0.3, 1.1))  # any moment is as good as another
            hub.kill()
            hub = StoreHub(port, path)
        answers = [json.loads(load.communicate("\n", timeout=150)[0].splitlines()[-1]) for load in loads]
    finally:
        for load in loads:
            load.kill()
        hub.stop()
    with closing(sqlite3.connect(path)) as db:
        stored = dict(
            db.execute("SELECT name, count(*) FROM transitions JOIN machines ON machine_id = machines.id GROUP BY name")
        )
        lost = dict(
            db.execute("SELECT name, sum(lost) FROM gaps JOIN machines ON machine_id = machines.id GROUP BY name")
        )
        gaps = dict(db.execute("SELECT reason, sum(lost) FROM gaps GROUP BY reason"))
        twice = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM transitions GROUP BY machine_id, number + skipped HAVING count(*) > 1)"
        ).fetchone()[0]
        ticks = {
            name: list(json.loads(text).values())
            for name, text in db.execute("SELECT name, ticks_json FROM machine_clocks JOIN machines ON machine_id = id")
        }
        runs = db.execute("SELECT count(*) FROM machines").fetchone()[0]
    reconnects = [answer["reconnects"] for answer in answers]
    total = 0
    for answer in answers:
        assert answer["flushed"], "everything was delivered in the end"
        for name, (count, clock) in answer["counts"].items():
            assert stored[name] + lost.get(name, 0) == count, name
            assert ticks[name] == clock, name
            total += count
    dropped: Counter[str] = Counter()
    for answer in answers:
        dropped.update(answer["dropped"])
    assert gaps == dropped, "every loss has its reason on both sides"
    assert runs == 5 * programs, "a machine goes on in the same run"
    assert twice == 0
    show(
        "hub killed under load",
        kills=kills,
        programs=programs,
        transitions=total,
        stored_once=sum(stored.values()),
        counted_as_lost=sum(lost.values()),
        twice=twice,
        reconnects=reconnects,
    )


def sent_away(raw: RawClient) -> str:
    raw.listen()
    (frame,) = until(lambda: [frame for frame in raw.heard if frame.WhichOneof("frame") == "go_away"])
    return str(frame.go_away.reason)


def test_duplicated_and_reordered_frames_are_refused_and_what_came_before_is_kept(
    collector: Collector, sink: MemorySink
) -> None:
    for number, frames in enumerate([[opening(1, 3), opening(1, 3)], [opening(4, 3), opening(1, 3)]]):
        raw = RawClient(collector.port, bytes([number]) * 16)
        for frame in frames:
            raw.outbox.put(frame)
        assert "begin before" in sent_away(raw)
        raw.close()
    until(lambda: len(sink.machines) == 6)
    assert sink.duplicates == 0
    assert collector.refusals.counts() == {"programs that broke the protocol": 2}
    show("duplicated and reordered frames", refused=2, machines_kept=len(sink.machines), twice=sink.duplicates)


def test_a_frame_repeated_on_a_later_connection_is_stored_once(collector: Collector, sink: MemorySink) -> None:
    for _ in range(3):
        raw = RawClient(collector.port)
        raw.listen()
        until(lambda raw=raw: raw.kinds()[:1] == ["welcome"])
        have = raw.heard[0].welcome.have_seq
        assert have in (0, 3)
        if not have:
            raw.outbox.put(opening(1, 3))
            until(lambda raw=raw: "ack" in raw.kinds())
        raw.close()
        until(lambda: not sink.open)
    assert len(sink.batches) == 1
    show("a frame sent on three connections", stored=len(sink.batches))


def test_frames_and_fields_of_the_future_are_ignored(collector: Collector, sink: MemorySink) -> None:
    raw = RawClient(collector.port)
    raw.listen()
    unknown = bytes([0xF2, 0x3F, 0x03]) + b"abc"  # field 1022, three bytes
    raw.outbox.put(unknown)
    raw.outbox.put(opening(1, 2) + unknown)
    until(lambda: len(sink.machines) == 2)
    until(lambda: "ack" in raw.kinds())
    assert "go_away" not in raw.kinds()
    raw.close()
    show(
        "frames and fields of the future", ignored=2, machines=len(sink.machines), refused=str(collector.refusals) or 0
    )


def test_an_oversized_frame_ends_its_stream_alone(collector: Collector, sink: MemorySink, client: Client) -> None:
    machine = Machine({"A": {}}, id="innocent")
    assert client.flush(10)
    raw = RawClient(collector.port)
    batch = pb.Batch(first_seq=1, last_seq=1, texts=[pb.Text(handle=1, text="x" * (5 * 1024 * 1024))])
    raw.outbox.put(pb.ClientFrame(batch=batch).SerializeToString())
    with pytest.raises(grpc.RpcError) as caught:
        list(raw.call)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    raw.close()
    machine.add("A")
    assert client.flush(10)
    show("an oversized frame", bytes=5 * 1024 * 1024, status=caught.value.code().name, reconnects_of_others=0)
    assert client.stats.reconnects == 0


def test_random_bytes_in_frames_never_reach_the_sink(collector: Collector, sink: MemorySink) -> None:
    rng = random.Random(5)
    for number in range(40):
        raw = RawClient(collector.port, number.to_bytes(16, "big"))
        frame = bytearray(opening(1, 2))
        for _ in range(rng.randrange(1, 6)):
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        raw.outbox.put(bytes(frame))
        raw.outbox.put(None)
        raw.listen().join(10)
        raw.close()
    until(lambda: not sink.open)
    assert collector.clients == 0
    show("random bytes in 40 frames", refused=str(collector.refusals), taken_in=len(sink.batches))


def test_two_hubs_do_not_write_into_one_session_file(tmp_path: Path) -> None:
    """The second one says so and ends; the first one goes on."""
    path = tmp_path / "s.db"
    first = StoreHub(free_port(), path)
    second = subprocess.run(
        [sys.executable, "-m", "am_dbg", "collect", "-l", "localhost:0", "--no-socket", "-s", str(path)],
        env={**os.environ, "AM_DBG_RUNTIME_DIR": str(tmp_path / "r")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert str(path) in second.stderr
    assert "Traceback" not in second.stderr
    assert first.process.poll() is None
    first.stop()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    show("a second hub on a session file", exit_code=second.returncode, says=second.stderr.strip().splitlines()[0])
