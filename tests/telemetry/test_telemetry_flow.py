"""Credit, pauses, detail on demand and clocks: what hub and program tell each other apart from records."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import Any

import grpc
import pytest
from figures import show
from hubs import until
from memory_sink import MemorySink

from am_core import Machine
from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch
from am_telemetry.facts import MachineFact, SchemaFact, StateFact
from am_telemetry.receiving import credit
from am_telemetry.receiving.collector import Collector
from am_telemetry.receiving.credit import Account, Budget
from am_telemetry.sending.client import Client
from am_telemetry.sending.pacing import POLL, Pacing, interval
from am_telemetry.settings import read_settings
from am_telemetry.wire import encode

SCHEMA: dict[str, Any] = {"A": {}, "B": {"auto": True, "require": ["A"]}}
STREAM = "/amdbg.v1.Collector/Stream"


class TestBudget:
    def test_a_program_alone_gets_the_largest_share_and_many_get_less(self) -> None:
        budget = Budget(8 * credit.MAX_SHARE)
        accounts = [Account(budget) for _ in range(4)]
        assert [account.grant() for account in accounts] == [credit.MAX_SHARE] * 4
        accounts += [Account(budget) for _ in range(12)]
        assert accounts[-1].grant() == credit.MAX_SHARE // 2
        accounts += [Account(budget) for _ in range(10_000)]
        assert accounts[-1].grant() == credit.MIN_SHARE
        for account in accounts:
            account.close()
            account.close()
        assert budget.accounts == 0

    def test_credit_comes_back_when_batches_are_durable(self) -> None:
        budget = Budget()
        account = Account(budget)
        first = account.grant()
        assert account.grant() == 0, "all is granted"
        account.take(10, first // 2, 100)
        assert account.grant() == 0, "what is under way does not count as room"
        assert budget.held == first // 2 + 100 * credit.ROW_COST
        account.settle(10)
        assert (account.grant(), budget.held) == (first // 2, 0)

    def test_a_connection_that_ends_gives_back_what_it_held(self) -> None:
        budget = Budget(1000)
        account = Account(budget)
        assert budget.has_room(10**9), "the only one always has room"
        account.take(1, 900, 0)
        assert not budget.has_room(200)
        account.close()
        assert (budget.held, budget.has_room(200)) == (0, True)


class TestPacing:
    def test_without_credit_anything_goes(self) -> None:
        assert Pacing(0).permits(10**9, alone=False)

    def test_frames_wait_for_credit_unless_nothing_else_is_under_way(self) -> None:
        pacing = Pacing(100)
        pacing.spend(80)
        assert pacing.permits(20, alone=False)
        assert not pacing.permits(21, alone=False)
        assert pacing.permits(10**9, alone=True)
        pacing.add(1)
        assert pacing.permits(21, alone=False)

    def test_a_hub_that_answers_late_is_looked_after_less_often(self) -> None:
        """Fewer and larger batches for a busy one, and nobody waits for longer than a blink."""
        assert interval(0) == interval(1) == POLL
        assert [interval(n) / POLL for n in (2, 5, 6, 1000)] == [2, 5, 5, 5]
        assert interval(10**9) <= 0.1

    def test_a_pause_ends_by_itself_and_is_bounded(self) -> None:
        pacing = Pacing(0)
        assert not pacing.paused
        pacing.pause(10**9)
        assert pacing.paused
        pacing.pause(1)
        until(lambda: not pacing.paused)


def churn(machine: Machine, times: int) -> None:
    for _ in range(times):
        machine.add("A")
        machine.remove("A")


def test_a_stuck_sink_stops_the_program_within_its_credit(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credit, "MAX_SHARE", 64 * 1024)
    monkeypatch.setattr(credit, "MIN_SHARE", 32 * 1024)
    collector = Collector(sink, "localhost:0")
    collector.start()
    client = Client(read_settings(f"localhost:{collector.port}", environ={}))
    client.start()
    machine = Machine(SCHEMA, id="m")
    assert client.flush(10)
    sink.go.clear()
    machine.log_level = 5
    for n in range(400):
        machine.log(f"{n} " + "x" * 2_000)
        churn(machine, 5)
    until(lambda: client.stats.buffered > 0)
    budget = collector._intake.budget
    until(lambda: budget.held > 0)
    held = []
    for _ in range(20):
        threading.Event().wait(0.02)
        held.append(budget.held)
    assert max(held) < 64 * 1024 + 3 * 600 * 1024, "credit, and no more than a few frames beyond it"
    assert client.sender._retention.in_flight < 16
    sink.go.set()
    assert client.flush(20)
    assert sink.summary()["lost"] == 0
    assert client.close(5)
    collector.stop()
    assert budget.held == 0


class RawClient:
    """Speaks the protocol by itself, badly if wanted."""

    def __init__(self, port: int, session: bytes = b"s" * 16) -> None:
        self.outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.heard: list[pb.HubFrame] = []
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        stream = self.channel.stream_stream(STREAM, None, pb.HubFrame.FromString)
        self.call = stream(iter(self.outbox.get, None))
        hello = pb.Hello(proto_min=1, proto_max=1, session=session, service="raw")
        hello.anchor.wall_ns = time.time_ns()
        self.outbox.put(pb.ClientFrame(hello=hello).SerializeToString())

    def listen(self) -> threading.Thread:
        def run() -> None:
            try:
                for frame in self.call:
                    self.heard.append(frame)
            except grpc.RpcError:
                return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def kinds(self) -> list[str]:
        return [frame.WhichOneof("frame") or "" for frame in self.heard]

    def close(self) -> None:
        self.outbox.put(None)
        self.channel.close()


def opening(first: int, count: int) -> bytes:
    schema = SchemaFact((StateFact("A"),))
    batch = Batch(first, first + count - 1, schemas=[(1, schema)])
    batch.opened = [(first + n, 1, MachineFact(f"m{first + n}", schema)) for n in range(count)]
    return encode(batch)


def test_a_program_that_ignores_credit_is_held_by_the_transport(
    sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is decoded stays within the budget, whatever is sent."""
    collector = Collector(sink, "localhost:0")
    collector._intake.budget.total = 64 * 1024
    collector.start()
    sink.go.clear()
    raw = RawClient(collector.port)
    raw.listen()
    until(lambda: raw.kinds() == ["welcome"])
    count = 100
    for n in range(200):
        raw.outbox.put(opening(1 + n * count, count))
    until(lambda: sink.backlog > 5)
    seen = []
    for _ in range(20):
        threading.Event().wait(0.02)
        seen.append(collector._intake.budget.held)
    assert max(seen) <= 64 * 1024
    sink.go.set()
    until(lambda: len(sink.machines) == 200 * count, 30)
    raw.close()
    collector.stop()


def test_a_program_that_floods_a_hub_does_not_keep_others_waiting(
    sink: MemorySink, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of one waits for the disk, a batch of another one is taken in at once, and so are those after it."""
    monkeypatch.setattr("am_telemetry.receiving.intake.HELD_BESIDE", 20_000)
    sink.go.clear()
    flooding, quiet = RawClient(collector.port, b"f" * 16), RawClient(collector.port, b"q" * 16)
    until(lambda: collector.clients == 2)
    for n in range(500):
        flooding.outbox.put(opening(1 + n * 20, 20))
    connections = collector._intake._connections
    held = connections[(b"f" * 16).hex()].account
    until(lambda: held.held > 15_000)
    for n in range(3):
        quiet.outbox.put(opening(1 + n, 1))
    until(lambda: connections[(b"q" * 16).hex()].put_seq == 3)
    assert held.held <= 20_000
    sink.go.set()
    until(lambda: len(sink.machines) == 500 * 20 + 3, 30)
    for raw in (flooding, quiet):
        raw.close()


def test_a_program_that_never_reads_costs_the_hub_nothing(collector: Collector, sink: MemorySink) -> None:
    """Acknowledgements are cumulative and answers bounded, so nothing piles up."""
    raw = RawClient(collector.port)
    for n in range(300):
        raw.outbox.put(opening(1 + n, 1))
    until(lambda: len(sink.machines) == 300)
    for _ in range(2_000):
        collector.request_detail("", 2, 5)
    connection = next(iter(collector._intake._connections.values()))
    assert len(connection.outbox) <= 256
    show("a client that never reads", frames_waiting=len(connection.outbox), batches_taken_in=len(sink.batches))
    raw.close()
    until(lambda: not sink.open)


def test_a_hub_in_trouble_asks_for_a_pause_and_says_why(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sink), "failure", OSError("the disk is full"))
    monkeypatch.setattr("am_telemetry.receiving.intake.MAX_BACKLOG", 1)
    collector = Collector(sink, "localhost:0")
    collector.start()
    sink.go.clear()
    raw = RawClient(collector.port)
    raw.listen()
    for n in range(5):
        raw.outbox.put(opening(1 + n, 1))
    (frame,) = until(lambda: [frame for frame in raw.heard if frame.WhichOneof("frame") == "throttle"])
    assert (frame.throttle.reason, frame.throttle.pause_ms) == ("the disk is full", 1000)
    sink.go.set()
    raw.close()
    collector.stop()


def test_a_program_pauses_when_it_is_asked_to(client: Client, sink: MemorySink, collector: Collector) -> None:
    from am_telemetry.receiving import answers

    machine = Machine(SCHEMA, id="m")
    assert client.flush(10)
    connection = next(iter(collector._intake._connections.values()))
    loop = collector._loop
    assert loop is not None
    loop.call_soon_threadsafe(connection.say, answers.throttle(600, "please wait"))
    until(lambda: client.sender._pacing.paused)
    before = sink.summary()["transitions"]
    started = time.monotonic()
    churn(machine, 10)
    until(lambda: client.stats.buffered > 0)
    assert sink.summary()["transitions"] == before
    assert client.flush(10)
    assert time.monotonic() - started > 0.2
    assert sink.summary()["lost"] == 0


class TestDetailOnDemand:
    @pytest.fixture
    def lean(self, collector: Collector) -> Any:
        client = Client(read_settings(f"localhost:{collector.port}", detail=1, environ={"AM_DETAIL_MAX": "3"}))
        client.start()
        yield client
        client.close(5)

    def steps(self, sink: MemorySink, machine: str) -> list[int]:
        handles = {key for key, fact in sink.machines.items() if fact.id == machine}
        return [
            len(fact.steps) for (session, handle, _), fact in sorted(sink.facts.items()) if (session, handle) in handles
        ]

    def test_steps_and_values_are_told_while_somebody_asks(
        self, lean: Client, sink: MemorySink, collector: Collector
    ) -> None:
        watched, other = Machine(SCHEMA, id="watched"), Machine(SCHEMA, id="other")
        for machine in (watched, other):
            machine.add("A", {"amount": 41})
        assert lean.flush(10)
        assert set(self.steps(sink, "watched")) == {0}
        assert collector.request_detail("watched", 3, 60) == 1
        until(lambda: len(watched.tracers()) == 2)
        for machine in (watched, other):
            machine.add("A", {"amount": 42})
        assert lean.flush(10)
        assert self.steps(sink, "watched")[-1] > 0
        assert set(self.steps(sink, "other")) == {0}
        texts = [text for batch in sink.batches for _, text in batch.arguments]
        assert any("42" in text for text in texts)
        assert not any("41" in text for text in texts)
        assert collector.request_detail("watched", 0, 0) == 1
        until(lambda: len(watched.tracers()) == 1)
        watched.add("A", {"amount": 43})
        assert lean.flush(10)
        assert self.steps(sink, "watched")[-1] == 0
        assert not any("43" in text for batch in sink.batches for _, text in batch.arguments)

    def test_a_request_ends_by_itself(self, lean: Client, sink: MemorySink, collector: Collector) -> None:
        machine = Machine(SCHEMA, id="m")
        assert lean.flush(10)
        collector.request_detail("", 3, 1)
        until(lambda: len(machine.tracers()) == 2)
        until(lambda: len(machine.tracers()) == 1)

    def test_no_more_is_told_than_the_settings_permit(
        self, client: Client, sink: MemorySink, collector: Collector
    ) -> None:
        machine = Machine(SCHEMA, id="m")
        assert client.flush(10)
        assert client.settings.max_detail == 2
        collector.request_detail("m", 3, 60)
        until(lambda: client.sender._requests._levels)
        machine.add("A", {"value": "confidential"})
        assert client.flush(10)
        assert "confidential" not in str([batch.arguments for batch in sink.batches])

    def test_it_ends_with_the_connection(self, lean: Client, sink: MemorySink, collector: Collector) -> None:
        machine = Machine(SCHEMA, id="m")
        assert lean.flush(10)
        collector.request_detail("m", 3, 3600)
        until(lambda: len(machine.tracers()) == 2)
        collector.stop()
        until(lambda: len(machine.tracers()) == 1)

    def test_nobody_is_asked_for_unknown_machines(self, client: Client, collector: Collector) -> None:
        assert collector.request_detail("nobody", 2, 5) == 0


@pytest.mark.parametrize("offset_s", [-5, 0, 5])
def test_differences_of_clocks_are_measured_and_change_no_times(
    sink: MemorySink, collector: Collector, monkeypatch: pytest.MonkeyPatch, offset_s: int
) -> None:
    real = time.time_ns
    from am_telemetry.sending import drafts, identity

    class Clock:
        monotonic_ns = staticmethod(time.monotonic_ns)

        @staticmethod
        def time_ns() -> int:
            return real() + offset_s * 1_000_000_000

    monkeypatch.setattr(identity, "time", Clock)
    monkeypatch.setattr(drafts, "time", Clock)
    client = Client(read_settings(f"localhost:{collector.port}", environ={}))
    client.start()
    Machine(SCHEMA, id="m").add("A")
    before = Clock.time_ns()
    assert client.close(10)
    skews = [batch.skew_ns for batch in sink.batches if batch.skew_ns is not None]
    assert abs(skews[0] + offset_s * 1_000_000_000) < 1_000_000_000
    times = [at for batch in sink.batches for at in batch.transitions.at_ns]
    assert times
    show("clocks apart", seconds=offset_s, estimate_off_by_ms=abs(skews[0] + offset_s * 10**9) / 1e6)
    assert all(abs(at - before) < 2_000_000_000 for at in times), "as the program's own clock shows them"


def test_requests_from_another_loop_are_fine(client: Client, collector: Collector) -> None:
    machine = Machine(SCHEMA, id="m")
    assert client.flush(10)
    assert not machine.disposed

    async def ask() -> int:
        return await asyncio.to_thread(collector.request_detail, "m", 2, 1)

    assert asyncio.run(ask()) == 1
    collector.stop()
    assert collector.request_detail("m", 2, 1) == 0
