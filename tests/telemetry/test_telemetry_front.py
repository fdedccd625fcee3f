"""The door of the hub: who is let in, who is sent away and how, and that nobody at the door harms those inside."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hubs import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_sink import MemorySink

from am_telemetry.facts import ProcessFact
from am_telemetry.formats.go_rpc import GoPrograms, GoSession
from am_telemetry.receiving import foreign_connection, front
from am_telemetry.receiving.collector import Collector
from am_telemetry.receiving.sniffing import identify
from am_telemetry.store.errors import StorageError
from tests.formats.go_clients import client_bytes
from tests.formats.gob_encoder import message, sint, uint
from tests.support.go_program import GoProgram

HEAD = client_bytes("v0.19.1", "orders")[:47]
"""The definition of the header of calls."""


@pytest.fixture
def hub(sink: MemorySink) -> Iterator[Collector]:
    hub = Collector(sink, "localhost:0", foreign=(GoPrograms(),))
    hub.start()
    yield hub
    sink.go.set()
    hub.stop()


def connect(hub: Collector) -> socket.socket:
    return socket.create_connection(("127.0.0.1", hub.port), 10)


def rest_of(connection: socket.socket) -> bytes:
    """Everything until the other end closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            data += more
    return data


def answer_to(hub: Collector, data: bytes) -> bytes:
    with connect(hub) as connection:
        connection.sendall(data)
        return rest_of(connection)


def transitions(sink: MemorySink) -> int:
    return sum(map(len, sink.rows.values()))


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1", b"POST /v1/traces HTTP/1.1", b"CONNECT /_goRPC_ HTTP/1.0"])
def test_browsers_are_told_what_this_is(hub: Collector, request_line: bytes) -> None:
    """A complete HTTP answer of status 400, whose text says where one is and what to do."""
    head, _, body = answer_to(hub, request_line + b"\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"am-dbg's telemetry port" in body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "not encrypted"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "SSH client"),
        (b"\x00\x01\x02\x03 hello", "no protocol"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1 request"),
    ],
)
def test_others_are_sent_away_with_one_line_in_the_log(
    hub: Collector, data: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same mistake a hundred times is not a hundred lines."""
    with caplog.at_level(logging.WARNING, "am_telemetry"):
        for _ in range(20):
            answer_to(hub, data)
    (line,) = [record.getMessage() for record in caplog.records]
    assert words in line
    assert line.startswith("127.0.0.1:")


@pytest.mark.parametrize("beginning", [b"", b"PRI * HT", b"GE", HEAD[:9]])
def test_who_does_not_say_who_it_is_has_a_few_seconds(
    hub: Collector, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drops sent ever so slowly do not hold a connection open."""
    monkeypatch.setattr(front, "HEAD_DEADLINE_S", 0.3)
    with connect(hub) as connection:
        connection.sendall(beginning)
        assert rest_of(connection) == b""


def test_a_go_message_that_never_ends_is_given_up(hub: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence between messages is fine, for as long as it lasts; within one it is not."""
    monkeypatch.setattr(foreign_connection, "MESSAGE_DEADLINE_S", 0.3)
    with GoProgram(hub.port) as patient, connect(hub) as slow:
        patient.call(2)
        slow.sendall(HEAD + b"\x7f\x01\x02")
        assert rest_of(slow) == b""
        patient.call(2)


@pytest.mark.parametrize(
    "attack",
    [
        HEAD + uint(2**40) + b"\x01",
        HEAD + message(sint(99) + b"\0"),
        HEAD + message(sint(-65) + b"\2\1\2" + sint(65) + b"\0\1" + sint(65) + b"\0\0") + bytes(200_000),
        HEAD * 500,
        HEAD + message(sint(64) + b"\1" + uint(10**9) + b"x"),
        HEAD + b"\xff" * 300_000,
    ],
)
def test_attacks_through_the_format_end_the_connection_only(hub: Collector, sink: MemorySink, attack: bytes) -> None:
    with GoProgram(hub.port) as program:
        program.call(5)
        with connect(hub) as connection, contextlib.suppress(OSError):  # it may be closed at any of these
            connection.sendall(attack)
            connection.shutdown(socket.SHUT_WR)
            assert rest_of(connection) == b""
        program.call(5)
        until(lambda: transitions(sink) == 9)
        until(lambda: hub.clients == 1)


def test_a_defect_in_a_reader_costs_one_connection(hub: Collector, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is raised by mistake is written down with its traceback, and the others go on."""
    with GoProgram(hub.port) as lucky, GoProgram(hub.port, machine="billing") as unlucky:
        lucky.call(1)
        unlucky.call(3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(GoSession, "_transition", lambda *_: 1 / 0)
            unlucky.socket.sendall(unlucky.left[0][0])
            assert rest_of(unlucky.socket) == b""
        lucky.call(3)
        until(lambda: hub.clients == 1)
    assert any(record.exc_info and "defect" in record.getMessage() for record in caplog.records)


def test_thousands_of_strangers_leave_nothing_behind(hub: Collector) -> None:
    """No connection, no file descriptor and no complaint per stranger stays. All of them: TEST_CONNECTS=10000."""
    count = int(os.environ.get("TEST_CONNECTS", "1000"))
    folder = Path("/proc/self/fd")

    def descriptors() -> int:
        return len(list(folder.iterdir())) if sys.platform.startswith("linux") else 0

    with GoProgram(hub.port) as program:
        program.call(1)
        before = descriptors()
        for number in range(count):
            with connect(hub) as stranger:
                if number % 3:
                    stranger.sendall((b"\0" * 30, HEAD[:5], b"GET / HTTP/1.0\r\n\r\n")[number % 3])
        program.call(1)
        assert hub._front is not None
        until(lambda: hub._front is not None and hub._front.callers == 0)
        until(lambda: descriptors() <= before + 2)
        assert len(hub._front.complaints._quiet_until) < 10


def test_there_is_a_limit_to_those_who_wait_at_the_door(hub: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is turned away at once, and there is room again when others have left."""
    monkeypatch.setattr(front, "MAX_CALLERS", 3)
    waiting = [connect(hub) for _ in range(3)]
    try:
        until(lambda: hub._front is not None and hub._front.callers == 3)
        with connect(hub) as late:
            assert rest_of(late) == b""
    finally:
        for one in waiting:
            one.close()
    until(lambda: hub._front is not None and hub._front.callers == 0)
    with GoProgram(hub.port) as program:
        program.call(3)


def test_a_system_with_few_files_lets_in_fewer(sink: MemorySink, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told at the door, before accepting anybody fails."""
    monkeypatch.setattr("am_telemetry.receiving.collector.allow_many_connections", lambda: front.FILES_RESERVED + 7)
    collector = Collector(sink, "localhost:0")
    collector.start()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(connect(collector))
            until(lambda: collector._front is not None and collector._front.callers == 2)
            assert rest_of(stack.enter_context(connect(collector))) == b""
            assert collector.refusals.counts() == {"connections sent away": 1}
    finally:
        collector.stop()


def test_a_stuck_store_does_not_stop_a_go_program(
    hub: Collector, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a moment, then its transitions are counted instead of kept; nothing is lost without a number."""
    monkeypatch.setattr(foreign_connection, "FLUSH_SIZE", 5)
    monkeypatch.setattr(foreign_connection, "MAX_HELD", 10)
    monkeypatch.setattr(foreign_connection, "MAX_BACKLOG", 1)
    monkeypatch.setattr(foreign_connection, "PATIENCE_S", 0.3)
    with GoProgram(hub.port) as program:
        program.call(5)
        until(lambda: transitions(sink) == 4)
        sink.go.clear()
        began = time.monotonic()
        program.call(80)
        assert time.monotonic() - began < 5
        sink.go.set()
        until(lambda: sink.backlog == 0)
        until(lambda: hub._front is not None and not any(c._session.overloaded for c in hub._front._foreign))
        program.call()
        until(lambda: sink.gaps)
        (gap,) = sink.gaps
        assert gap.reason == "hub busy"
        until(lambda: transitions(sink) + gap.lost == 106)
    ((sequences),) = sink.rows.values()
    assert sequences == [n for n in range(1, 107) if not gap.after_sequence < n <= gap.after_sequence + gap.lost]


def test_a_store_that_cannot_be_opened_at_first_is_tried_again(
    hub: Collector, sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the moment of connecting is no reason to lose the program for good."""
    monkeypatch.setattr(foreign_connection, "REOPEN_S", 0.05)
    failures = [StorageError("the disk is full"), StorageError("the disk is full")]
    open_session = sink.open_session

    def refuse_at_first(process: ProcessFact, at_ns: int) -> int:
        if failures:
            raise failures.pop()
        return open_session(process, at_ns)

    monkeypatch.setattr(sink, "open_session", refuse_at_first)
    with GoProgram(hub.port) as program:
        program.call()
        until(lambda: transitions(sink) == 106)


def test_who_does_not_read_its_answers_is_not_read_either(hub: Collector, sink: MemorySink) -> None:
    """Answers pile up to a limit; then the program's own calls pile up, on its side."""
    with GoProgram(hub.port) as deaf, GoProgram(hub.port, machine="billing") as other:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.call(3)
        call = deaf.left[0][0]
        deaf.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            deaf.socket.sendall(call * (50_000_000 // len(call)))
        other.call(20)
        until(lambda: [n for n in sink.rows.values() if len(n) == 19])


def test_a_big_message_does_not_keep_the_others_waiting(hub: Collector, sink: MemorySink) -> None:
    """Two megabytes of one call are decoded beside the event loop; meanwhile another program gets its answers."""
    from tests.formats.test_go_rpc import REQUEST, SCHEMA, TRANSITION, Encoder

    encoder = Encoder()
    states = [f"State{i}" for i in range(200)]
    opening = encoder.value(REQUEST, {"ServiceMethod": "RPCServer.DbgMsgSchema"})
    opening += encoder.value(SCHEMA, {"ID": "big", "StatesIndex": states})
    call = encoder.value(REQUEST, {"ServiceMethod": "RPCServer.DbgMsgTx", "Seq": 1})
    called = [i % 200 for i in range(1_500_000)]
    call += encoder.value(TRANSITION, {"MachineID": "big", "Clocks": [1] * 200, "CalledStatesIdxs": called})
    with connect(hub) as big, GoProgram(hub.port) as other:
        big.sendall(opening)
        until(lambda: [m for m in sink.machines.values() if m.id == "big"])
        sender = threading.Thread(target=big.sendall, args=(call,))
        sender.start()
        longest = 0.0
        for _ in range(50):
            began = time.monotonic()
            other.call(1)
            longest = max(longest, time.monotonic() - began)
        sender.join()
        until(lambda: transitions(sink) >= 50)
    print(f"longest wait for an answer: {longest * 1e3:.0f} ms")
    assert longest < 2


def test_programs_of_other_computers_that_cannot_prove_who_they_are_are_refused(
    hub: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go programs have no way to authenticate, so they are served from this computer only."""
    monkeypatch.setattr(front, "is_local", lambda _: False)
    with connect(hub) as connection:
        connection.sendall(HEAD)
        assert rest_of(connection) == b""
    assert hub.clients == 0


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_everybody_is_identified_after_sixty_four_bytes_at_the_latest(data: bytes) -> None:
    """And a verdict does not change when more arrives."""
    protocols = (GoPrograms(),)
    verdicts = [identify(data[:size], protocols) for size in range(65)]
    known = [verdict for verdict in verdicts if verdict is not None]
    assert len(data) < 64 or known
    assert len({id(verdict) for verdict in known}) <= 1


@given(st.lists(st.binary(max_size=200), max_size=4), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_on_the_port_leave_the_hub_standing(hub: Collector, pieces: list[bytes], greeted: bool) -> None:
    """Any bytes in any pieces; afterwards a program is served as if nothing had happened."""
    with connect(hub) as connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        if greeted:
            connection.sendall(client_bytes("v0.10.1", "orders")[:0x248])
        for piece in pieces:
            connection.sendall(piece)
    with GoProgram(hub.port) as program:
        program.call(3)
