"""The spool: what could not be delivered survives the program, and arrives exactly once."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hubs import HubProcess, free_port, run_program, start_program, until
from memory_sink import MemorySink
from test_telemetry_retention import Desk

from am_core import Machine
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.retention import Retention
from am_telemetry.sending.spool import Spool, leftovers, lock_folder, records
from am_telemetry.sending.spooling import ItemSpooler
from am_telemetry.settings import read_settings
from am_telemetry.wire import decode, encode

PROGRAM = """
import os, sys, am_telemetry
handle = am_telemetry.init(service=sys.argv[1])
from am_core import Machine
machine = Machine({"A": {"multi": True}, "B": {}}, id="m")
for n in range(int(sys.argv[2])):
    machine.add("A")
    if n % 50 == 0: machine.log(f"line {n}")
if sys.argv[3] == "flush": print(handle.flush(20), flush=True)
if sys.argv[3] == "wait": print("ready", flush=True); sys.stdin.readline()
if sys.argv[3] == "kill":
    import time
    while handle._client.sender.pending < int(sys.argv[2]): time.sleep(0.02)
    os.kill(os.getpid(), 9)
"""


def program(*arguments: object) -> str:
    return f"import sys; sys.argv[1:] = {[str(argument) for argument in arguments]!r}\n{PROGRAM}"


class TestFiles:
    def test_records_come_back_in_order_and_a_torn_one_ends_its_segment(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, b"a" * 16, b"hello")
        places = [spool.append(n, n, b"x" * n) for n in range(1, 6)]
        (path,) = leftovers(tmp_path)
        assert [(first, last, len(data)) for first, last, data in records(path)] == [(n, n, n) for n in range(1, 6)]
        assert places[2] is not None
        assert spool.read(places[2]) == b"xxx"
        assert lock_folder(path) is None, "its process lives"
        spool.close(delivered=False)
        (segment,) = path.glob("*.segment")
        segment.write_bytes(segment.read_bytes()[:-2])
        assert [last for _, last, _ in records(path)] == [1, 2, 3, 4]
        taken = lock_folder(path)
        assert taken is not None
        os.close(taken)

    def test_segments_go_when_they_are_acknowledged_or_too_many(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("am_telemetry.sending.spool.SEGMENT_BYTES", 1_000)
        spool = Spool(tmp_path, b"a" * 16, b"hello", max_bytes=20_000)
        first = spool.append(1, 1, b"x" * 500)
        for n in range(2, 11):
            spool.append(n, n, b"x" * 500)
        folder = tmp_path / (b"a" * 16).hex()
        assert len(list(folder.glob("*.segment"))) == 5
        spool.acknowledged(7)
        assert len(list(folder.glob("*.segment"))) == 2
        assert first is not None
        assert spool.read(first) is None
        for n in range(11, 200):
            spool.append(n, n, b"x" * 500)
        assert sum(file.stat().st_size for file in folder.glob("*.segment")) < 22_000
        spool.close(delivered=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_switches_the_spool_off(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        spool = Spool(tmp_path / "file", b"a" * 16, b"hello")
        assert spool.failed
        assert spool.append(1, 1, b"x") is None
        spool.close(delivered=False)

    def test_a_full_disk_is_told_once_counted_and_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk = Desk(10_000)
        schemas = desk.watch.builder.schemas
        spool = Spool(tmp_path, b"a" * 16, b"hello")
        desk.retention = Retention(encode, schemas, desk.watch.dropped, spooler=ItemSpooler(spool, encode, schemas))
        desk.work(0, 5)
        room = 40

        def write(file: int, data: bytes) -> int:
            if room < len(data):
                return really_write(file, data[:room])
            return really_write(file, data)

        really_write = os.write
        monkeypatch.setattr("am_telemetry.sending.spool.RETRY", 0.0)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            desk.work(1, 7)
            desk.work(2, 9)
        desk.work(0, 11)
        assert desk.watch.dropped.omitted == {"spool": 16}
        assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
            f"nothing is spooled in {leftovers(tmp_path)[0]} for now (the disk is full); what happens is kept in memory"
            " only, and counted in stats.omitted"
        ]
        (path,) = leftovers(tmp_path)
        assert [len(decode(data)) for _, _, data in records(path)] == [5, 11], "what was cut off hides nothing"
        spool.close(delivered=False)

    def test_only_what_no_hub_has_is_flushed_to_the_disk_and_not_too_often(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: list[int] = []
        now = 100.0
        spool = Spool(tmp_path, b"a" * 16, b"hello", sync=1.0)
        monkeypatch.setattr(os, "fsync", flushed.append)
        monkeypatch.setattr("am_telemetry.sending.spool.time.monotonic", lambda: now)
        spool._sync_at = now
        spool.append(1, 1, b"x")
        begun = len(flushed)
        for _ in range(3):
            spool.sync_if_due()
        assert len(flushed) == begun + 1
        spool.append(2, 2, b"x")
        spool.sync_if_due()
        assert len(flushed) == begun + 1, "not before a second is over"
        now = 102.0
        spool.acknowledged(2)
        spool.sync_if_due()
        assert len(flushed) == begun + 1, "the hub has it"
        now = 104.0
        spool.append(3, 3, b"x")
        spool.sync_if_due()
        assert len(flushed) == begun + 2
        spool.append(4, 4, b"x")
        spool.close(delivered=False)
        assert len(flushed) == begun + 3

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_children_of_a_fork_do_not_lock_what_their_parent_leaves(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, b"a" * 16, b"hello")
        spool.append(1, 1, b"x")
        (path,) = leftovers(tmp_path)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            spool.let_go()
            os.write(writing, b"!")
            while os.getppid() != 1 and not (tmp_path / "end").exists():
                time.sleep(0.01)
            os._exit(0)
        assert os.read(reading, 1) == b"!"
        assert lock_folder(path) is None, "the parent lives"
        spool.let_go()
        taken = lock_folder(path)
        assert taken is not None, "although the child lives"
        (tmp_path / "end").touch()
        assert os.waitpid(child, 0)[1] == 0
        for descriptor in (taken, reading, writing):
            os.close(descriptor)

    def test_every_record_can_be_read_without_those_before_it(self, tmp_path: Path) -> None:
        desk = Desk(10_000)
        schemas: SchemaTable = desk.watch.builder.schemas
        spool = Spool(tmp_path, b"a" * 16, b"hello")
        desk.retention = Retention(encode, schemas, desk.watch.dropped, spooler=ItemSpooler(spool, encode, schemas))
        for n in range(6):
            desk.machines[n % 3].log(f"line {n}")
            desk.work(n % 3, 5)
        (path,) = leftovers(tmp_path)
        batches = [decode(data) for _, _, data in records(path)]
        assert sum(map(len, batches)) == 30
        assert all(batch.opened for batch in batches)
        spool.close(delivered=False)


def test_what_does_not_fit_memory_waits_on_disk(tmp_path: Path, sink: MemorySink, monkeypatch: Any) -> None:
    """Without a spool most of it would have been given up."""
    monkeypatch.setattr(Retention.__init__, "__defaults__", (1_000, 200_000, None))
    port = free_port()
    client = Client(read_settings(f"localhost:{port}", spool=str(tmp_path), environ={}))
    client.start()
    machine = Machine({"A": {"multi": True}}, id="m")
    for _ in range(20):
        for _ in range(500):
            machine.add("A")
        until(lambda: not len(client.ring))
    assert client.stats.dropped == {}
    collector = Collector(sink, f"localhost:{port}")
    collector.start()
    assert client.flush(20)
    assert sink.summary()["transitions"] == 10_000
    assert (sink.summary()["lost"], sink.duplicates) == (0, 0)
    machine.add("A")
    assert client.close(5)
    assert list(tmp_path.iterdir()) == [], "nothing is left"
    collector.stop()


def test_what_a_killed_program_left_is_delivered_by_the_next_one(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    port = free_port()
    done = run_program(program("first", 2_000, "kill"), f"localhost:{port}", AM_SPOOL=str(spool))
    assert done.returncode == -9
    assert len(leftovers(spool)) == 1
    with HubProcess(port) as hub:
        for _ in range(2):  # once delivered, nothing is delivered again
            second = start_program(program("second", 10, "wait"), f"localhost:{port}", AM_SPOOL=str(spool))
            until(lambda: len(leftovers(spool)) == 1 and hub.summary()["transitions"] >= 2_010)
            second.communicate("\n", timeout=30)
        summary = hub.summary()
    assert summary["transitions"] == 2_020
    assert (summary["duplicates"], summary["lost"]) == (0, 0)
    assert summary["services"] == ["first", "second", "second"]
    assert leftovers(spool) == []


def test_what_was_partly_delivered_is_completed_once(tmp_path: Path) -> None:
    """A program sends, its hub dies, it is killed; the hub that comes back knows where to go on."""
    spool, journal, port = tmp_path / "spool", tmp_path / "journal", free_port()
    source = (
        program("first", 500, "flush")
        + """
hub_gone = sys.stdin.readline()
for _ in range(700): machine.add("A")
import time
while handle._client.sender.pending < 700: time.sleep(0.02)
os.kill(os.getpid(), 9)
"""
    )
    hub = HubProcess(port, journal)
    first = start_program(source, f"localhost:{port}", AM_SPOOL=str(spool))
    assert first.stdout is not None
    assert first.stdout.readline() == "True\n"
    hub.kill()
    first.communicate("\n", timeout=30)
    with HubProcess(port, journal) as hub:
        second = start_program(program("second", 1, "wait"), f"localhost:{port}", AM_SPOOL=str(spool))
        until(lambda: hub.summary()["transitions"] >= 701)
        second.communicate("\n", timeout=30)
        summary = hub.summary()
    assert summary["transitions"] == 701, "the first 500 were stored by the first hub"
    assert summary["duplicates"] == 0


def test_without_the_setting_nothing_is_written(tmp_path: Path, client: Client) -> None:
    machine = Machine({"A": {}}, id="m")
    machine.add("A")
    assert client.flush(10)
    assert client.sender._spooler is None
