"""Programs that never stop making machines with other states."""

from __future__ import annotations

import pytest
from hubs import free_port, until
from memory_sink import MemorySink

from am_core import Machine
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending import known
from am_telemetry.sending.client import Client
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.tracer import Ring
from am_telemetry.settings import read_settings

LIMIT = 10


def live_and_end(number: int) -> None:
    """A machine with a state of its own, and one that changes its states while it lives."""
    machine = Machine({f"S{number}": {}}, id=f"m{number}")
    machine.add(f"S{number}")
    machine.set_schema({**machine.schema(), f"T{number}": {}}, [*machine.states, f"T{number}"])
    machine.add(f"T{number}")
    machine.dispose_force()


def test_a_schema_that_was_forgotten_gets_another_handle() -> None:
    table = SchemaTable(limit=3)
    facts = [Machine({name: {}}).schema() for name in "ABC"]
    handles = [table.handle((name,), schema) for name, schema in zip("ABC", facts, strict=True)]
    assert handles == [1, 2, 3]
    assert table.is_full
    table.keep({2})
    assert (sorted(table.facts), sorted(table.sizes), list(table.handles.values())) == ([2], [2], [2])
    assert not table.is_full
    assert [table.handle((name,), schema) for name, schema in zip("AB", facts, strict=False)] == [4, 2]


def test_schemas_of_machines_that_are_gone_are_forgotten_and_everything_is_delivered(
    client: Client, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of machines that live on are kept, and connections are renewed before a hub has to remember too many."""
    monkeypatch.setattr(known, "MAX_DEFINED", 2 * LIMIT)
    keeper = Machine({"Kept": {"multi": True}}, id="keeper")
    until(lambda: client.stats.connected)
    sender = client.sender
    sender._schemas._limit = sender._schemas._full = LIMIT
    for number in range(200):
        live_and_end(number)
        keeper.add("Kept")
        if number % 20 == 0:
            assert client.flush(10)
            assert len(sender._schemas.facts) <= 125
    assert client.flush(10)
    assert client.stats.dropped == {}
    assert sink.duplicates == 0
    assert sorted(fact.id for fact in sink.machines.values()) == sorted(["keeper", *(f"m{n}" for n in range(200))])
    assert sorted(len(rows) for rows in sink.rows.values())[-2:] == [2, 200]
    assert len(sender._schemas.facts) <= 125
    assert len(sender._builder.patterns.by_key) <= 125
    assert client.stats.reconnects > 2


def test_schemas_are_kept_as_long_as_what_needs_them_was_not_delivered(sink: MemorySink) -> None:
    """Machines come and go without any hub, and then there is one."""
    port = free_port()
    client = Client(read_settings(f"localhost:{port}", environ={}), Ring())
    client.start()
    try:
        keeper = Machine({"Kept": {}}, id="keeper")
        until(lambda: hasattr(client.sender, "_builder"))
        client.sender._schemas._limit = client.sender._schemas._full = LIMIT
        for number in range(100):
            live_and_end(number)
        until(lambda: client.stats.enqueued == 200)
        assert len(client.sender._schemas.facts) > 200
        collector = Collector(sink, f"localhost:{port}")
        collector.start()
        try:
            assert client.flush(20)
            keeper.add("Kept")
            for number in range(100, 250):
                live_and_end(number)
                if number % 20 == 0:
                    assert client.flush(10)
            assert client.flush(10)
            assert (client.stats.dropped, sum(map(len, sink.rows.values()))) == ({}, 501)
            assert len(client.sender._schemas.facts) < 150
        finally:
            client.close(5)
            collector.stop()
    finally:
        client.close(5)
