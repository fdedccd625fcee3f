"""What happens between transitions, and while they last: late log lines, hanging handlers, durations."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hubs import until
from memory_sink import MemorySink

from am_core import Machine, Schema
from am_core.tracer import LastTxTracer
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client
from am_telemetry.settings import read_settings
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer

SCHEMA: dict[str, Any] = {"A": {}, "B": {"auto": True, "require": ["A"]}}


def own_lines(sink: MemorySink) -> list[tuple[str, int, str]]:
    return [(machine, sequence, text) for machine, sequence, _, text in sink.late if "[exter]" in text]


def test_lines_of_an_idle_machine_arrive_without_another_transition(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    machine.add("A")
    last = machine.transition_count
    machine.log("one")
    machine.log("two")
    until(lambda: len(own_lines(sink)) == 2)
    assert own_lines(sink) == [("m", last, "[exter] one"), ("m", last, "[exter] two")]
    machine.remove("A")
    assert client.flush(10)
    assert len(own_lines(sink)) == 2, "they are told once"
    assert not [text for _, _, text in sink.logs if "[exter]" in text]


def test_lines_of_a_machine_without_transitions_arrive(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    machine.log("born")
    assert client.flush(10)
    assert own_lines(sink) == [("m", 0, "[exter] born")]


def test_lines_before_and_during_a_disposal_arrive(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    machine.add("A")
    last = machine.transition_count
    machine.log("before")
    machine.on_dispose(lambda machine, _ctx: machine.log("meanwhile"))
    machine.dispose_force()
    until(lambda: sink.closed == ["m"])
    assert own_lines(sink) == [("m", last, "[exter] before"), ("m", last, "[exter] meanwhile")]


def test_lines_at_the_end_of_the_program_arrive(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    machine.add("A")
    machine.log("goodbye")
    assert client.close(5)
    assert own_lines(sink) == [("m", machine.transition_count, "[exter] goodbye")]


def test_nothing_is_logged_at_detail_0(sink: MemorySink, collector: Collector) -> None:
    client = Client(read_settings(f"localhost:{collector.port}", detail=0, environ={}))
    client.start()
    machine = Machine(SCHEMA, id="m")
    machine.add("A")
    machine.log("secret")
    assert client.close(5)
    assert (sink.late, sink.logs) == ([], [])


class Hanging:
    """Handlers that wait until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def AEnter(self, _event: object) -> bool:
        return True

    def AState(self, _event: object) -> None:
        self.go.wait(20)


def test_a_hanging_handler_is_visible_while_it_hangs(client: Client, sink: MemorySink) -> None:
    handlers = Hanging()
    machine = Machine(SCHEMA, id="m", handler_timeout=0.4)
    machine.bind(handlers)
    worker = threading.Thread(target=machine.add, args=("A",), daemon=True)
    started = time.time_ns()
    worker.start()
    first = until(lambda: sink.running[:1])[0]
    assert not sink.rows, "the transition itself is not over"
    assert (first.sequence, first.mutation, first.called, first.handler) == (1, "add", (0,), "AState")
    assert abs(first.at_ns - started) < 2_000_000_000
    assert first.noted_ns - first.at_ns >= 100_000_000
    assert not first.timed_out
    until(lambda: [fact for fact in sink.running if fact.timed_out])
    handlers.go.set()
    worker.join(20)
    assert client.flush(10)
    assert 1 in next(iter(sink.rows.values()))
    assert len(sink.running) == 2, "told once, and once more when something changed"


def test_quick_transitions_are_never_told_to_be_running(client: Client, sink: MemorySink) -> None:
    machine = Machine(SCHEMA, id="m")
    for _ in range(500):
        machine.add("A")
        machine.remove("A")
    assert client.flush(10)
    assert sink.running == []


def test_durations_of_handlers_are_told_at_detail_3(sink: MemorySink, collector: Collector) -> None:
    client = Client(read_settings(f"localhost:{collector.port}", detail=3, environ={}))
    client.start()
    handlers = Hanging()
    machine = Machine(SCHEMA, id="m", handler_timeout=10)
    machine.bind(handlers)
    timer = threading.Timer(0.05, handlers.go.set)
    timer.start()
    machine.add("A")
    assert client.flush(10)
    (enter, wait) = sink.runs["m", 1]
    assert (enter[0], wait[0]) == ("AEnter", "AState")
    assert 0 <= enter[1] <= wait[1]
    assert wait[2] > 20_000_000
    client.close(5)
    assert machine.tracers() == ()


def test_durations_cost_nothing_at_lower_detail(client: Client, sink: MemorySink) -> None:
    handlers = Hanging()
    handlers.go.set()
    machine = Machine(SCHEMA, id="m")
    machine.bind(handlers)
    machine.add("A")
    assert client.flush(10)
    assert sink.runs == {}
    assert len(machine.tracers()) == 1


def test_groups_travel_with_the_schema(client: Client, sink: MemorySink) -> None:
    machine = Machine(Schema({"A": {}, "B": {}, "C": {}}, {"Letters": ["A", "C"]}), id="grouped")
    assert machine.groups() == {"Letters": [0, 2]}
    assert client.flush(10)
    (fact,) = [fact for fact in sink.machines.values() if fact.id == "grouped"]
    assert fact.schema.groups == (("Letters", (fact.schema.index["A"], fact.schema.index["C"])),)


def test_ids_of_transitions_follow_from_what_the_hub_knows(client: Client, sink: MemorySink) -> None:
    last = LastTxTracer()
    machine = Machine(SCHEMA, id="m", tracers=[last])
    machine.add("A")
    assert client.flush(10)
    (prefix,) = [fact.id_prefix for fact in sink.machines.values() if fact.id == "m"]
    assert last.last is not None
    assert last.last.id == f"{prefix}{last.last.number:08x}"


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    with SessionFile.create(tmp_path / "s.db") as session, Writer(session) as writer:
        collector = Collector(writer, "localhost:0")
        collector.start()
        client = Client(read_settings(f"localhost:{collector.port}", environ={}))
        client.start()
        yield session, client
        client.close(5)
        collector.stop()


def test_late_lines_and_hanging_handlers_reach_the_recording(stored: tuple[SessionFile, Client]) -> None:
    session, client = stored
    handlers = Hanging()
    machine = Machine(SCHEMA, id="late", handler_timeout=10)
    machine.add("B")
    machine.log("waiting for orders")
    assert client.flush(10)
    session.catch_up()
    (key,) = [record.id for record in session.machines if record.name == "late"]
    count = session.timeline(key).count
    assert [(line.text, line.after) for line in session.log_lines(key, count, count) if line.after] == [
        ("[exter] waiting for orders", True)
    ]
    machine.bind(handlers)
    worker = threading.Thread(target=machine.add, args=("A",), daemon=True)
    worker.start()
    found = until(lambda: session.running(key))
    assert (found.handler, found.called) == ("AState", ("A",))
    handlers.go.set()
    worker.join(20)
    assert client.flush(10)
    assert session.running(key) is None
