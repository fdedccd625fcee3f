"""Programs and hubs as real processes: they find each other, survive each other, and lose nothing in silence."""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hubs import HubProcess, free_port, run_program, start_program, until
from memory_sink import MemorySink, read_journal

import am_telemetry
from am_core import Machine
from am_telemetry.batch import Batch
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client
from am_telemetry.sending.tracer import Ring
from am_telemetry.settings import read_settings
from am_telemetry.wire import Decoder, WireError

SCHEMA: dict[str, Any] = {"A": {}, "B": {"auto": True, "require": ["A"]}}


def test_a_new_machine_shows_up_within_300_ms_even_without_transitions(client: Client, sink: MemorySink) -> None:
    warm = Machine(SCHEMA, id="warm")
    until(lambda: sink.machines)
    delays = []
    machines = []
    for attempt in range(5):  # the best of five, because a busy computer may interrupt any one of them
        started = time.monotonic()
        machines.append(Machine(SCHEMA, id="idle", parent=warm, tags=["x"]))
        until(lambda expected=attempt + 2: len(sink.machines) == expected)
        delays.append(time.monotonic() - started)
    assert min(delays) < 0.3
    fact = next(fact for fact in sink.machines.values() if fact.id == "idle")
    assert (fact.parent, fact.tags, fact.schema.names) == ("warm", ("x",), warm.states)


def test_everything_arrives_once_and_counters_agree(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    for _ in range(1000):
        machine.add("A")
        machine.remove("A")
    assert client.flush(10)
    count = machine.transition_count
    assert sink.summary()["transitions"] == count
    assert sink.duplicates == 0
    assert list(sink.rows.values()) == [list(range(1, count + 1))]
    stats = client.stats
    assert (stats.enqueued, stats.sent, stats.acked, stats.buffered, stats.dropped) == (count, count, count, 0, {})
    assert stats.connected


def test_the_end_of_a_machine_and_of_a_session_are_told(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    until(lambda: sink.machines)
    machine.dispose_force()
    until(lambda: sink.closed == ["m"])
    assert client.close(2)
    until(lambda: list(sink.reasons.values()) == ["closed"])


def test_a_machine_that_lives_for_an_instant_is_told_with_its_own_states(client: Client, sink: MemorySink) -> None:
    """Its schema is read while it exists, not when the sender gets to it."""
    for n in range(50):
        machine = Machine(SCHEMA, id=f"short-{n}", parent=None, tags=["t"])
        machine.add("A")
        machine.dispose_force()
    assert client.flush(10)
    names = {fact.schema.names for fact in sink.machines.values()}
    assert len(sink.machines) == 50
    assert names == {("A", "B", "Exception")}


def test_a_closed_client_leaves_machines_as_it_found_them(client: Client) -> None:
    machine = Machine(SCHEMA, id="m")
    assert machine.tracers()
    assert machine.log_level == 3
    client.close(2)
    assert machine.tracers() == ()
    assert machine.log_level == 0
    machine.add("A")


def test_only_chosen_machines_are_traced(collector: Collector, sink: MemorySink) -> None:
    client = Client(read_settings(f"localhost:{collector.port}", machines="shop*,till", environ={}))
    client.start()
    kept = [Machine(SCHEMA, id=name) for name in ("shop-1", "other", "till")]
    until(lambda: len(sink.machines) == 2)
    assert client.close(2)
    assert sorted(fact.id for fact in sink.machines.values()) == ["shop-1", "till"]
    assert len(kept) == 3


def test_a_slow_hub_slows_nobody_and_loses_nothing(client: Client, sink: MemorySink) -> None:
    machine = Machine({"A": {"multi": True}}, id="m")
    until(lambda: sink.machines)
    sink.go.clear()
    started = time.monotonic()
    for _ in range(30_000):
        machine.add("A")
    took = time.monotonic() - started
    assert not client.flush(0.1)
    sink.go.set()
    assert client.flush(20)
    assert sink.summary()["transitions"] == 30_000
    assert took < 15


def test_a_full_buffer_becomes_a_gap_that_accounts_for_everything(sink: MemorySink, caplog: Any) -> None:
    port = free_port()
    client = Client(read_settings(f"localhost:{port}", environ={}), Ring(500))
    client.start()
    machine = Machine({"A": {"multi": True}}, id="m")
    until(lambda: client.sender.started)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(20_000):
            machine.add("A")
        collector = Collector(sink, f"localhost:{port}")
        collector.start()
        assert client.flush(10)
    lost = sum(gap.lost for gap in sink.gaps)
    assert lost == sum(client.stats.dropped.values())
    assert lost > 0
    assert lost + int(str(sink.summary()["transitions"])) == 20_000
    assert sink.gaps[-1].clock[0] % 2 == 1
    client.close(2)
    collector.stop()


def test_what_a_full_buffer_drops_of_a_disposed_machine_is_counted(sink: MemorySink, collector: Collector) -> None:
    client = Client(read_settings(f"localhost:{collector.port}", environ={}), Ring(100))
    client.start()
    total = 0
    for n in range(20):
        machine = Machine({"A": {"multi": True}}, id=f"m{n}")
        for _ in range(200):
            machine.add("A")
        total += machine.transition_count
        machine.dispose_force()
    assert client.flush(10)
    lost = sum(client.stats.dropped.values())
    assert lost > 0
    assert lost + int(str(sink.summary()["transitions"])) == total
    client.close(2)


def test_retention_gives_up_the_oldest_and_says_so(sink: MemorySink) -> None:
    port = free_port()
    client = Client(read_settings(f"localhost:{port}", environ={}))
    client.start()
    machine = Machine({"A": {"multi": True}}, id="m")
    machine.add("A")
    until(lambda: client.stats.buffered == 1 and not len(client.ring))
    client.sender._retention._max_transitions = 2_000
    for _ in range(10):
        for _ in range(1000):
            machine.add("A")
        until(lambda: not len(client.ring))
    collector = Collector(sink, f"localhost:{port}")
    collector.start()
    assert client.flush(10)
    (sequences,) = sink.rows.values()
    lost = sum(gap.lost for gap in sink.gaps)
    assert 500 < len(sequences) <= 2_000
    assert sequences[-1] == 10_001
    assert lost + len(sequences) == 10_001
    assert client.stats.dropped == {"buffer full": lost}
    client.close(2)
    collector.stop()


PROGRAM = """
import sys, time, am_telemetry
handle = am_telemetry.init(service="program")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
worst = 0.0
count = 0
deadline = time.monotonic() + float(sys.stdin.readline())
while time.monotonic() < deadline:
    before = time.perf_counter()
    machine.add("A")
    worst = max(worst, time.perf_counter() - before)
    count += 1
    if count == 300:
        print("under way", flush=True)
    time.sleep(0.0002)
print(count, worst, handle.flush(15), sum(handle.stats.dropped.values()), handle.stats.reconnects, flush=True)
"""


def _has_stored(hub: HubProcess, transitions: int) -> bool:
    return bool(hub.summary()["transitions"] > transitions)


def test_a_hub_may_be_killed_and_started_again_without_loss_or_duplicates(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "journal"
    hub = HubProcess(port, journal)
    program = start_program(PROGRAM, f"localhost:{port}")
    try:
        assert program.stdin is not None
        program.stdin.write("3\n")
        program.stdin.flush()
        for _ in range(3):
            until(partial(_has_stored, hub, 50))
            hub.kill()
            hub = HubProcess(port, journal)
        output, _ = program.communicate(timeout=30)
    finally:
        program.kill()
        hub.stop()
    count, worst, flushed, dropped, reconnects = output.splitlines()[-1].split()
    assert (flushed, dropped) == ("True", "0")
    assert int(reconnects) >= 2
    assert float(worst) < 1.0
    rows = [tuple(row) for entry in read_journal(journal) for row in entry["rows"]]
    assert len(rows) == len(set(rows)) == int(count)


def test_a_program_finds_a_hub_that_starts_later_and_what_happened_before_is_not_lost() -> None:
    port = free_port()
    program = start_program(PROGRAM, f"localhost:{port}")
    assert program.stdin is not None
    program.stdin.write("1.5\n")
    program.stdin.flush()
    assert program.stdout is not None
    assert program.stdout.readline() == "under way\n"
    with HubProcess(port) as hub:
        output, _ = program.communicate(timeout=30)
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s)
    count, worst, flushed, *_ = output.split()
    assert flushed == "True"
    assert summary["transitions"] == int(count)
    assert float(worst) < 1.0


def test_a_program_that_ends_at_once_delivers_everything() -> None:
    source = """
import am_telemetry
am_telemetry.init()
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="short")
for _ in range(700): machine.add("A")
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", AM_SERVICE="brief")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        summary = hub.summary()
    assert summary["transitions"] == 700
    assert summary["services"] == ["brief"]
    assert summary["reasons"] == ["closed"]


def test_a_program_without_a_hub_ends_quickly_with_one_line_of_warning() -> None:
    source = """
import am_telemetry
am_telemetry.init()
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="short")
for _ in range(700): machine.add("A")
import time; start = time.monotonic()
import atexit; atexit._run_exitfuncs()
print(time.monotonic() - start)
"""
    done = run_program(source, f"localhost:{free_port()}")
    assert done.returncode == 0
    assert float(done.stdout) < 1.0
    (line,) = done.stderr.splitlines()
    assert "no hub" in line
    assert "am-dbg" in line


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_becomes_a_session_of_its_own_and_does_not_hang() -> None:
    source = """
import os, warnings, am_telemetry
warnings.simplefilter("ignore")
handle = am_telemetry.init(service="parent")
from am_core import Machine
machine = Machine({"A": {"multi": True}}, id="m")
for _ in range(10): machine.add("A")
assert handle.flush(10)
child = os.fork()
if child == 0:
    silent = os.fork()
    if silent == 0:
        os._exit(0)
    os.waitpid(silent, 0)
    machine.add("A")
    other = Machine({"B": {}}, id="born-in-child")
    other.add("B")
    ok = handle.flush(10) and handle.close(5)
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
for _ in range(5): machine.add("A")
assert handle.flush(10)
print(os.waitstatus_to_exitcode(status), handle.close())
"""
    with HubProcess() as hub:
        done = run_program(source, f"localhost:{hub.port}", timeout=40)
        assert (done.stdout, done.returncode) == ("0 True\n", 0), done.stderr
        summary = hub.summary()
    assert summary["services"] == ["parent", "parent"]
    assert summary["machines"] == ["born-in-child", "m", "m"]
    assert summary["transitions"] == 10 + 1 + 1 + 5
    assert (summary["duplicates"], summary["lost"]) == (0, 0)


def test_a_killed_program_is_disconnected() -> None:
    with HubProcess() as hub:
        program = start_program(PROGRAM, f"localhost:{hub.port}")
        assert program.stdin is not None
        program.stdin.write("60\n")
        program.stdin.flush()
        until(lambda: hub.summary()["transitions"])
        program.kill()
        program.communicate(timeout=10)
        summary = until(lambda: (s := hub.summary())["open"] == 0 and s, 3)
    assert summary["reasons"] == ["disconnected"]


def test_a_hub_that_refuses_for_good_ends_telemetry_and_frees_its_memory(
    client: Client, sink: MemorySink, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    machine = Machine({"A": {"multi": True}}, id="m")
    machine.add("A")
    assert client.flush(10)

    def refuse(_decoder: Decoder, _message: object) -> Batch:
        raise WireError("not like this")

    monkeypatch.setattr(Decoder, "decode", refuse)
    for _ in range(100):
        machine.add("A")
    until(lambda: not client.stats.connected)
    assert not client.flush(1)
    for number in range(100):
        machine.add("A")
        Machine({"A": {}}, id=f"later-{number}")
    assert (client.stats.buffered, len(client.ring)) == (0, 0)
    assert client.stats.dropped == {"refused": 100}
    assert not client.close(1)
    assert any("not like this" in record.getMessage() for record in caplog.records)


def test_init_as_documented(collector: Collector, sink: MemorySink, caplog: Any) -> None:
    with am_telemetry.init(f"localhost:{collector.port}", service="documented") as handle:
        assert handle.enabled
        assert am_telemetry.init(f"localhost:{collector.port}", service="documented") is handle
        assert not caplog.records
        assert am_telemetry.init(f"localhost:{collector.port}", detail=0) is handle
        assert "before with other arguments" in caplog.text
        machine = Machine(SCHEMA, id="m")
        machine.add("A")
        assert handle.flush()
        assert handle.stats.acked == 2
    assert not handle.enabled
    assert sink.summary()["services"] == ["documented"]
