"""A collector that stores into memory, and machines of nobody else."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest
from memory_sink import MemorySink

from am_core import live_machines
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client
from am_telemetry.settings import read_settings


@pytest.fixture(autouse=True)
def _only_machines_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients find no machines that earlier tests have left to the garbage collector."""
    earlier = weakref.WeakSet(live_machines())
    monkeypatch.setattr(
        "am_telemetry.sending.client.live_machines",
        lambda: [machine for machine in live_machines() if machine not in earlier],
    )


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    sink = MemorySink()
    yield sink
    sink.go.set()
    sink.close()


@pytest.fixture
def collector(sink: MemorySink) -> Iterator[Collector]:
    collector = Collector(sink, "localhost:0")
    collector.start()
    yield collector
    sink.go.set()
    collector.stop()


@pytest.fixture
def client(collector: Collector) -> Iterator[Client]:
    client = Client(read_settings(f"localhost:{collector.port}", service="test", environ={}))
    client.start()
    yield client
    client.close(2)
