"""The collector alone: what it refuses, and how it says so."""

from __future__ import annotations

import queue
import socket
from typing import Any

import grpc
import pytest
from hubs import until
from memory_sink import MemorySink
from test_telemetry_wire import sample

from am_core import Machine
from am_proto import telemetry_pb2 as pb
from am_telemetry.receiving.collector import Collector, CollectorError
from am_telemetry.sending.client import Client
from am_telemetry.sending.link import PUSH, STREAM
from am_telemetry.wire import encode

SCHEMA: dict[str, Any] = {"A": {}, "B": {"auto": True, "require": ["A"]}}


def _hello(session: bytes = b"s" * 16, **fields: Any) -> pb.ClientFrame:
    return pb.ClientFrame(hello=pb.Hello(proto_min=1, proto_max=1, session=session, service="raw", **fields))


def _talk(port: int, *frames: pb.ClientFrame | bytes) -> list[pb.HubFrame]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream: Any = channel.stream_stream(STREAM, None, pb.HubFrame.FromString)
        data = [frame if isinstance(frame, bytes) else frame.SerializeToString() for frame in frames]
        return list(stream(iter(data), timeout=10))


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ((pb.ClientFrame(batch=pb.Batch(first_seq=1, last_seq=1)),), "first frame is not Hello"),
        ((b"\xff\xff\xff",), "not a telemetry frame"),
        ((_hello(b"short"),), "session is 16 bytes"),
        ((pb.ClientFrame(hello=pb.Hello(proto_min=7, proto_max=9, session=b"s" * 16)),), "7 to 9"),
        ((_hello(), b"\xff\xff\xff"), "not a telemetry frame"),
        ((_hello(), _hello()), "twice"),
        ((_hello(), pb.ClientFrame(batch=pb.Batch(first_seq=1, last_seq=1, machine=[1]))), "differ in length"),
    ],
)
def test_who_breaks_the_protocol_is_told_why_and_sent_away_alone(
    frames: tuple[Any, ...], reason: str, client: Client, sink: MemorySink, collector: Collector
) -> None:
    machine = Machine(SCHEMA, id="innocent")
    until(lambda: sink.machines)
    answers = _talk(collector.port, *frames)
    assert reason in answers[-1].go_away.reason
    assert answers[-1].go_away.final
    machine.add("A")
    assert client.flush(5)
    until(lambda: collector.clients == 1)


def test_a_second_connection_of_a_session_supersedes_the_first(collector: Collector, sink: MemorySink) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel:
        stream: Any = channel.stream_stream(STREAM, None, pb.HubFrame.FromString)
        outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        outbox.put(_hello().SerializeToString())
        first = stream(iter(outbox.get, None), timeout=10)
        assert next(first).WhichOneof("frame") == "welcome"
        goodbye = pb.ClientFrame(farewell=pb.Farewell())
        answers = _talk(collector.port, _hello(), goodbye)
        assert answers[0].WhichOneof("frame") == "welcome"
        away = next(first).go_away
        outbox.put(None)
    assert "superseded" in away.reason
    assert not away.final
    until(lambda: list(sink.reasons.values()) == ["closed"])


def test_a_whole_session_fits_one_call(collector: Collector, sink: MemorySink) -> None:
    batch = pb.ClientFrame.FromString(encode(sample()))
    farewell = pb.ClientFrame(farewell=pb.Farewell(last_seq=48))
    with grpc.insecure_channel(f"127.0.0.1:{collector.port}") as channel:
        call: Any = channel.unary_unary(PUSH, pb.PushRequest.SerializeToString, pb.PushReply.FromString)
        reply = call(pb.PushRequest(frames=[_hello(), batch, farewell]), timeout=10)
        again = call(pb.PushRequest(frames=[_hello(), farewell]), timeout=10)
    assert [frame.WhichOneof("frame") for frame in reply.frames] == ["welcome", "ack"]
    assert reply.frames[1].ack.upto_seq == 48
    assert again.frames[0].welcome.have_seq == 48
    assert sink.summary()["transitions"] == 3


def test_a_taken_port_is_reported_with_a_way_out(collector: Collector, sink: MemorySink) -> None:
    with pytest.raises(CollectorError) as failure:
        Collector(sink, f"localhost:{collector.port}").start()
    assert str(collector.port) in failure.value.message
    assert "in use" in failure.value.message
    assert failure.value.hint


def test_a_port_taken_on_ipv6_only_is_taken(sink: MemorySink) -> None:
    if not socket.has_ipv6:
        pytest.skip("this computer has no IPv6")
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("this computer has no IPv6 loopback address")
        other.listen()
        with pytest.raises(CollectorError):
            Collector(sink, f"localhost:{other.getsockname()[1]}").start()


@pytest.mark.parametrize("address", ["0.0.0.0:6831", "[::]:6831", "192.168.1.5:1", "example.com:1"])
def test_addresses_that_others_can_reach_are_refused(address: str, sink: MemorySink) -> None:
    with pytest.raises(CollectorError, match="encryption"):
        Collector(sink, address).start()


@pytest.mark.parametrize("address", ["localhost", "localhost:x", "::1:6831", "localhost:70000"])
def test_malformed_addresses_are_refused(address: str, sink: MemorySink) -> None:
    with pytest.raises(CollectorError):
        Collector(sink, address).start()


def test_localhost_is_both_ipv4_and_ipv6(collector: Collector) -> None:
    socket.create_connection(("127.0.0.1", collector.port), 2).close()
    try:
        socket.create_connection(("::1", collector.port), 2).close()
    except OSError as error:
        if isinstance(error, ConnectionRefusedError):
            raise
        pytest.skip("this computer has no IPv6 loopback address")


def test_a_collector_can_be_stopped_twice_and_its_port_used_again(sink: MemorySink) -> None:
    first = Collector(sink, "localhost:0")
    first.start()
    first.stop()
    first.stop()
    second = Collector(sink, f"localhost:{first.port}")
    second.start()
    assert second.port == first.port
    second.stop()
