"""What a hub takes of one program and of all of them, and how it says that it has had enough."""

from __future__ import annotations

import contextlib
import itertools
import queue
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from figures import show
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from hubs import until
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_sink import MemorySink
from test_telemetry_flow import RawClient

from am_core import Machine
from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, MachineClosed, PatternDef, TransitionColumns
from am_telemetry.errors import TelemetryError
from am_telemetry.facts import Flag, MachineFact, PatternFact, SchemaFact, StateFact
from am_telemetry.receiving.admission import Credentials, CredentialsError, Limits, Pace, Refusals, read_token
from am_telemetry.receiving.collector import Collector
from am_telemetry.receiving.listening import CollectorError, bind_path, check_address
from am_telemetry.sending.client import Client
from am_telemetry.sending.link import PUSH, STREAM
from am_telemetry.settings import read_settings
from am_telemetry.wire import encode

SCHEMA = SchemaFact((StateFact("A"),))
PATTERN = PatternDef(1, 1, PatternFact("add", (0,), Flag.ACCEPTED, ((0, 1),)))


@contextlib.contextmanager
def hub(sink: MemorySink, **options: Any) -> Iterator[Collector]:
    collector = Collector(sink, "localhost:0", **options)
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()


@contextlib.contextmanager
def program(collector: Collector, **options: Any) -> Iterator[Client]:
    client = Client(read_settings(f"localhost:{collector.port}", service="test", environ={}, **options))
    client.start()
    try:
        yield client
    finally:
        client.close(2)


def hello(session: bytes = b"s" * 16) -> pb.ClientFrame:
    return pb.ClientFrame(hello=pb.Hello(proto_min=1, proto_max=1, session=session, service="raw"))


def batch(
    number: int, rows: int = 0, opened: tuple[int, ...] = (), closed: tuple[int, ...] = (), after: int = 0
) -> pb.ClientFrame:
    """Machines begin and end, and machine 1 has transitions after a number."""
    columns = TransitionColumns(
        [1] * rows, list(range(after + 1, after + rows + 1)), [1] * rows, [0] * rows, [1] * rows, [0] * rows, [0] * rows
    )
    content = Batch(
        number,
        number,
        schemas=[(1, SCHEMA)],
        opened=[(handle, 1, MachineFact(f"m{handle}", SCHEMA)) for handle in opened],
        patterns=[PATTERN],
        transitions=columns,
        closed=[MachineClosed(handle, 2, "disposed") for handle in closed],
    )
    return pb.ClientFrame.FromString(encode(content))


def push(port: int, *frames: pb.ClientFrame) -> list[pb.HubFrame]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(PUSH, pb.PushRequest.SerializeToString, pb.PushReply.FromString)
        return list(call(pb.PushRequest(frames=frames), timeout=15).frames)


# -- limits -------------------------------------------------------------------------------------------------------


def test_programs_beyond_the_limit_are_asked_to_come_back(sink: MemorySink) -> None:
    with hub(sink, limits=Limits(clients=1)) as collector:
        sink.go.clear()
        with grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel:
            method: Any = channel.stream_stream(
                "/amdbg.v1.Collector/Stream", pb.ClientFrame.SerializeToString, pb.HubFrame.FromString
            )
            going_on = method(iter([hello(), batch(1, opened=(1,))]))
            assert next(going_on).WhichOneof("frame") == "welcome"
            away = push(collector.port, hello(b"t" * 16))[-1].go_away
            assert "1 programs" in away.reason
            assert not away.final
            assert collector.refusals.counts() == {"programs too many": 1}
            sink.go.set()
            until(lambda: collector.clients == 0)
            assert push(collector.port, hello(b"t" * 16))[0].WhichOneof("frame") == "welcome"


def test_machines_beyond_the_limit_are_not_recorded_until_others_have_ended(sink: MemorySink) -> None:
    with hub(sink, limits=Limits(machines=2)) as collector:
        answers = push(
            collector.port,
            hello(),
            batch(1, opened=(1, 2, 3)),
            batch(2, closed=(1,)),
            batch(3, opened=(4, 5)),
            batch(4, opened=(2, 4)),
        )
        assert answers[-1].ack.upto_seq == 4
        assert sorted(fact.id for fact in sink.machines.values()) == ["m1", "m2", "m4"]
        assert collector.refusals.counts() == {"machines too many": 2}


def test_machines_that_begin_and_end_in_one_batch_do_not_fill_the_room(sink: MemorySink) -> None:
    with hub(sink, limits=Limits(machines=1)) as collector:
        push(collector.port, hello(), *(batch(n, opened=(n,), closed=(n,)) for n in range(1, 6)))
        assert len(sink.machines) == 5
        assert collector.refusals.counts() == {}


def test_a_batch_that_is_too_large_is_acknowledged_without_its_transitions(sink: MemorySink) -> None:
    """The numbers of the next transitions show what is missing; definitions are kept."""
    with hub(sink, limits=Limits(rows=10)) as collector:
        answers = push(collector.port, hello(), batch(1, 11, opened=(1,)), batch(2, 3, after=11))
        assert answers[-1].ack.upto_seq == 2
        assert [len(stored) for stored in sink.batches] == [0, 3]
        assert len(sink.machines) == 1
        assert collector.refusals.counts() == {"transitions in batches too large": 11}


def test_a_program_that_is_too_fast_is_slowed_down(sink: MemorySink) -> None:
    with hub(sink, limits=Limits(rate=100)) as collector:
        began = time.monotonic()
        push(collector.port, hello(), batch(1, 200, opened=(1,)), batch(2, 50, after=200), batch(3, 1, after=250))
        assert time.monotonic() - began >= 0.45
        assert collector.refusals.counts() == {"batches slowed down": 2}


def test_a_program_is_told_once_what_a_hub_leaves_out(sink: MemorySink, caplog: pytest.LogCaptureFixture) -> None:
    with hub(sink, limits=Limits(machines=2)) as collector, program(collector) as client:
        machines = [Machine({"A": {}}, id=f"m{n}") for n in range(4)]
        assert client.flush(10)
        machines += [Machine({"A": {}}, id=f"n{n}") for n in range(4)]
        assert client.flush(10)
        text = until(lambda: client.stats.notices.get("machines"))
        assert "more than 2 machines" in text
        assert "--max-machines" in text
        assert collector.refusals.counts() == {"machines too many": len(machines) - 2}
    assert sum("the hub says" in line for line in caplog.messages) == 1


def test_messages_are_as_large_as_the_hub_takes_them(sink: MemorySink) -> None:
    """What cannot be sent in one is counted as lost, and what comes after it arrives."""
    with hub(sink, limits=Limits(message=20_000)) as collector, program(collector, detail=3) as client:
        machine = Machine({"A": {"multi": True}}, id="m", log_level=3)
        machine.add("A")
        assert client.flush(10)
        for _ in range(30):
            machine.log("x" * 2_000 + str(random.random()))
        machine.add("A")
        assert client.flush(10)
        machine.add("A")
        assert client.flush(10)
        assert client.stats.dropped == {"too large": 1}
        assert client.stats.reconnects == 0
    assert [gap.reason for gap in sink.gaps] == ["too large"]
    assert sum(map(len, sink.rows.values())) == 2


def test_a_message_that_is_too_large_all_the_same_ends_its_stream(sink: MemorySink) -> None:
    with hub(sink, limits=Limits(message=1_000_000)) as collector:
        raw = RawClient(collector.port)
        texts = [pb.Text(handle=1, text="x" * 1_000_000)]
        raw.outbox.put(pb.ClientFrame(batch=pb.Batch(first_seq=1, last_seq=1, texts=texts)).SerializeToString())
        with pytest.raises(grpc.RpcError) as caught:
            list(raw.call)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        raw.close()
        until(lambda: collector.clients == 0)


def test_a_client_that_connects_and_says_nothing_is_sent_away(
    sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("am_telemetry.receiving.intake.HELLO_S", 0.1)
    with hub(sink) as collector:
        with grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel:
            silence: queue.SimpleQueue[None] = queue.SimpleQueue()
            method: Any = channel.stream_stream(STREAM, pb.ClientFrame.SerializeToString, pb.HubFrame.FromString)
            (frame,) = method(iter(silence.get, None))
            silence.put(None)
        assert "no Hello" in frame.go_away.reason
        assert collector.refusals.counts() == {"programs that broke the protocol": 1}
        until(lambda: not collector._front or not collector._front._relayed)
        show("a client that says nothing", refused=str(collector.refusals), says=frame.go_away.reason)


def test_programs_are_asked_to_come_back_while_nothing_can_be_recorded(
    sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once when the reason is known, and soon when the disk does not answer."""

    def refuse(process: object, at_ns: int) -> int:
        raise TelemetryError("no room is left on the disk", "")

    with hub(sink) as collector:
        monkeypatch.setattr(sink, "open_session", refuse)
        away = push(collector.port, hello())[-1].go_away
        assert "no room is left on the disk" in away.reason
        assert not away.final
        assert away.reconnect_after_ms > 0
        answered = threading.Event()
        monkeypatch.setattr(sink, "open_session", lambda process, at_ns: answered.wait(10) and 0)
        monkeypatch.setattr("am_telemetry.receiving.intake.OPENING_S", 0.1)
        for _ in range(3):
            assert "in time" in push(collector.port, hello())[-1].go_away.reason
        answered.set()
        monkeypatch.undo()
        assert push(collector.port, hello())[0].WhichOneof("frame") == "welcome"
        assert collector.clients == 0


@settings(max_examples=50)
@given(st.integers(1, 1000), st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 3)), max_size=20))
def test_nobody_is_faster_than_the_rate_for_long(rate: int, steps: list[tuple[int, float]]) -> None:
    """Who waits as told takes in no more than the rate and what the bucket holds."""
    now = 100.0
    pace = Pace(rate, now)
    taken = 0
    for number, idle in steps:
        now += idle
        taken += number
        now += pace.take(number, now)
        assert taken <= rate * (now - 100.0) + 2 * rate + 1e-6 * taken + 1


def test_without_a_rate_nobody_waits() -> None:
    assert Pace(0, 0.0).take(10**9, 0.0) == 0.0


def test_hubs_do_not_take_back_what_they_have_passed_on(sink: MemorySink) -> None:
    with hub(sink, hub_id="h1") as collector:
        own, others = hello(), hello(b"t" * 16)
        own.hello.resource["amdbg.path"] = "h0,h1"
        others.hello.resource["amdbg.path"] = "h0,h10"
        away = push(collector.port, own)[-1].go_away
        assert "in a circle" in away.reason
        assert away.final
        assert push(collector.port, others)[0].WhichOneof("frame") == "welcome"
        assert str(collector.refusals) == "1 sessions forwarded in a circle"


# -- credentials --------------------------------------------------------------------------------------------------


def test_only_the_token_itself_opens_the_door() -> None:
    credentials = Credentials(token="0123456789abcdef")
    assert credentials.permit("Bearer 0123456789abcdef")
    for wrong in (
        "",
        "Bearer ",
        "0123456789abcdef",
        "bearer 0123456789abcdef",
        "Bearer 0123456789abcdeF",
        "Bearer é\ud800",
    ):
        assert not credentials.permit(wrong)
    assert "0123" not in repr(credentials)


@pytest.mark.parametrize("content", ["", "short", "a b c d e f g h i j k", "é" * 20, "0123456789\x00abcdefgh"])
def test_a_file_without_a_usable_token_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content, "utf-8")
    with pytest.raises(CredentialsError) as caught:
        read_token(tmp_path / "token")
    assert "openssl rand" in caught.value.hint
    assert content not in caught.value.message or not content


def test_addresses_beyond_this_computer_need_something_that_keeps_strangers_out() -> None:
    token = Credentials(token="0123456789abcdef")
    for address in ("0.0.0.0:1", "[::]:1", "hub.example:1", "192.0.2.1:1"):
        with pytest.raises(CollectorError, match="refusing to listen"):
            check_address(address, Credentials())
        assert check_address(address, token).port == 1
    for address in ("localhost:1", "127.0.0.1:1", "[::1]:1", "unix:/run/hub.sock"):
        check_address(address, Credentials())
    with pytest.raises(CollectorError, match="needs a certificate"):
        check_address("tls://localhost:1", token)


def test_two_hubs_do_not_share_a_socket_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = bind_path(path)
    with pytest.raises(CollectorError, match="in use"):
        bind_path(path)
    first.close()
    bind_path(path).close()


def test_refusals_are_listed_by_number() -> None:
    refusals = Refusals()
    assert str(refusals) == ""
    refusals.count("calls without the token")
    refusals.count("machines too many", 1234)
    assert str(refusals) == "1,234 machines too many, 1 calls without the token"


# -- health -------------------------------------------------------------------------------------------------------


def test_the_health_service_answers_while_every_thread_waits_for_the_disk(
    sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``grpc_health_probe`` asks: one call of ``Check`` per service, without a token."""
    stuck = threading.Event()
    troubles = [""]
    monkeypatch.setattr(sink, "open_session", lambda process, at_ns: stuck.wait(20) and 0)
    token = Credentials(token="0123456789abcdef")
    with (
        hub(sink, credentials=token, checks={"Disk": lambda: "", "Writer": lambda: troubles[0]}) as collector,
        grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(stuck.set)
        check: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        status = HealthCheckResponse.ServingStatus

        def serving(service: str) -> bool:
            with contextlib.suppress(grpc.RpcError):  # it has not looked at its parts yet
                return bool(check(HealthCheckRequest(service=service), timeout=5).status == status.SERVING)
            return False

        parts = ("", "amdbg.v1.Collector", "amdbg.v1.Writer", "amdbg.v1.Disk")
        until(lambda: all(map(serving, parts)))
        method: Any = channel.stream_stream(STREAM, pb.ClientFrame.SerializeToString, pb.HubFrame.FromString)
        silence: queue.SimpleQueue[None] = queue.SimpleQueue()
        shown = (("authorization", "Bearer 0123456789abcdef"),)
        calls = [
            method(itertools.chain([hello(bytes([n]) * 16)], iter(silence.get, None)), metadata=shown)
            for n in range(40)
        ]
        stack.callback(lambda: [silence.put(None) for _ in calls])
        troubles[0] = "writer stuck"
        until(lambda: not serving("amdbg.v1.Writer"))
        assert [serving(part) for part in parts] == [False, False, False, True]
        for call in calls:
            call.cancel()


def test_who_watches_the_health_service_hears_of_trouble_and_of_its_end(sink: MemorySink) -> None:
    troubles = [""]
    with (
        hub(sink, checks={"Disk": lambda: troubles[0], "Writer": lambda: ""}) as collector,
        grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel,
    ):
        watch: Any = channel.unary_stream(
            "/grpc.health.v1.Health/Watch", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        status = HealthCheckResponse.ServingStatus
        states = (answer.status for answer in watch(HealthCheckRequest(service="amdbg.v1.Disk"), timeout=15))
        until(lambda: next(states) == status.SERVING)
        troubles[0] = "disk nearly full"
        assert next(states) == status.NOT_SERVING
        assert collector.troubles == {"Disk": "disk nearly full"}
        troubles[0] = ""
        assert next(states) == status.SERVING
        assert collector.troubles == {}
