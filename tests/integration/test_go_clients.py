"""Connections of real Go programs, replayed against a whole hub: answered as Go expects, stored as Go meant."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_dbg.hub import Hub
from tests.formats.go_clients import MACHINES, VERSIONS, client_bytes, read_by_go
from tests.support.go_program import GoProgram, recorded

GARBAGE = [
    b"\x00" * 5000,
    bytes(range(256)) * 20,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00" + bytes(512),
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4000,
    client_bytes("v0.19.1", "orders")[:46] + b"\xf8" + b"\xff" * 4000,
    client_bytes("v0.10.1", "orders")[:46] + b"\xfb\x7f\xff\xff\xff\xff",
]


def until(condition: Callable[[], Any], timeout: float = 15.0) -> Any:
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)
    return value


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "go.db", "localhost:0") as hub:
        yield hub


def port_of(hub: Hub) -> int:
    return int(hub.address.rpartition(":")[2])


def rows(hub: Hub, question: str, *values: object) -> list[tuple[Any, ...]]:
    with sqlite3.connect(hub.path) as database:
        return database.execute(question, values).fetchall()


def transitions(hub: Hub) -> int:
    return int(rows(hub, "SELECT count(*) FROM transitions")[0][0])


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_a_go_program_said_is_stored(hub: Hub, version: str) -> None:
    """Both machines at once; every answer is the recorded one, and every transition, log line and tick is there."""
    programs = [GoProgram(port_of(hub), version, machine) for machine in MACHINES]
    threads = [threading.Thread(target=program.call) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(program.left for program in programs)
    for program in programs:
        program.close()
    assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    for machine in MACHINES:
        schema, *sent = read_by_go(version, machine)
        ((number, parent, reason, tags),) = rows(
            hub, "SELECT id, parent, end_reason, tags_json FROM machines WHERE name = ?", machine
        )
        assert (parent, reason) == (schema["Parent"], "disconnected")
        assert all(tag in tags for tag in schema["Tags"])
        stored = rows(
            hub,
            "SELECT t.number, i.external_id, t.machine_time FROM transitions t"
            " JOIN transition_ids i ON i.transition_id = t.id WHERE t.machine_id = ? ORDER BY t.number",
            number,
        )
        assert stored == [(n, one["ID"], sum(one["Clocks"])) for n, one in enumerate(sent, 1)]
        texts = rows(
            hub,
            "SELECT x.text FROM log_lines l JOIN texts x ON x.id = l.text_id"
            " JOIN transitions t ON t.id = l.transition_id WHERE t.machine_id = ? ORDER BY t.number, l.position",
            number,
        )
        lines = [line["Text"] for one in sent for line in (one["PreLogEntries"] or []) + (one["LogEntries"] or [])]
        assert [text for (text,) in texts] == lines
    assert rows(hub, "SELECT count(*) FROM gaps") == [(0,)]


def test_the_process_row_tells_version_and_language(hub: Hub) -> None:
    """One row for each connection; on Linux with the name and number of the process that made it."""
    with GoProgram(port_of(hub), "v0.10.1") as old, GoProgram(port_of(hub), "v0.19.1", "billing") as new:
        old.call(1)
        new.call(1)
        until(lambda: len(rows(hub, "SELECT id FROM machines")) == 2)
        found = rows(
            hub, "SELECT p.language, p.library FROM processes p JOIN machines m ON m.process_id = p.id ORDER BY m.name"
        )
        assert found == [("go", "asyncmachine-go v0.19"), ("go", "asyncmachine-go v0.10")]
        if sys.platform.startswith("linux"):
            assert rows(hub, "SELECT DISTINCT pid FROM processes") == [(os.getpid(),)]


def test_a_machine_is_there_before_its_first_transition(hub: Hub) -> None:
    """The schema alone makes it appear, connected."""
    with GoProgram(port_of(hub)) as program:
        program.call(1)
        until(lambda: rows(hub, "SELECT name, end_reason FROM machines") == [("orders", "")])
        assert transitions(hub) == 0
        program.call()
        until(lambda: transitions(hub) == len(recorded("v0.19.1", "orders")) - 1)
        assert rows(hub, "SELECT count(*) FROM gaps") == [(0,)]


def test_a_connection_that_ends_greys_its_machine_and_a_new_one_is_another_run(hub: Hub) -> None:
    """The earlier run keeps its transitions."""
    for run in (1, 2):
        with GoProgram(port_of(hub)) as program:
            program.call(10 * run)
            until(lambda run=run: len(rows(hub, "SELECT id FROM machines WHERE end_reason = ''")) == 1)
        assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    found = rows(
        hub,
        "SELECT m.run, m.end_reason, count(*) FROM machines m JOIN transitions t ON t.machine_id = m.id GROUP BY m.id",
    )
    assert found == [(1, "disconnected", 9), (2, "disconnected", 19)]


def test_a_program_killed_in_the_middle_of_a_call_leaves_what_it_had_finished(hub: Hub) -> None:
    """Half a call is no transition."""
    program = GoProgram(port_of(hub))
    program.call(8)
    call, _ = program.left[0]
    program.socket.sendall(call[: len(call) // 2])
    program.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset instead of an end
    program.close()
    assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    assert transitions(hub) == 7


def test_garbage_on_the_port_harms_nobody(hub: Hub) -> None:
    """A Python program and a Go program go on while strangers send what they like."""
    source = (
        "import sys, am_telemetry; am_telemetry.init()\n"
        "from am_core import Machine\n"
        "machine = Machine({'On': {}}, id='lamp')\n"
        "for line in sys.stdin:\n"
        "    machine.toggle('On'); print('ok', flush=True)\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "AM_DBG_ADDR": hub.address},
        ) as python,
        GoProgram(port_of(hub)) as go,
    ):
        assert python.stdin is not None
        assert python.stdout is not None
        go.call(1)
        for garbage in GARBAGE:
            with socket.create_connection(("127.0.0.1", port_of(hub)), 5) as stranger:
                stranger.sendall(garbage)
                python.stdin.write("\n")
                python.stdin.flush()
                assert python.stdout.readline() == "ok\n"
                go.call(3)
        expected = 3 * len(GARBAGE) + len(GARBAGE)
        until(lambda: transitions(hub) == expected)
        assert rows(hub, "SELECT count(*) FROM machines WHERE end_reason = ''") == [(2,)]
        assert hub.clients == 2
        python.stdin.close()
        python.wait(20)


def test_many_machines_at_once(hub: Hub) -> None:
    """A hundred connections, as one program with a hundred machines makes them."""
    programs = [GoProgram(port_of(hub), VERSIONS[n % 2], MACHINES[n // 2 % 2]) for n in range(100)]
    try:
        for _ in range(12):
            for program in programs:
                program.call(1)
        until(lambda: transitions(hub) == 1100)
        assert hub.clients == 100
    finally:
        for program in programs:
            program.close()
    assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    assert rows(hub, "SELECT count(*) FROM machines WHERE end_reason = 'disconnected'") == [(100,)]
    assert rows(hub, "SELECT count(*) FROM gaps") == [(0,)]


def test_a_hub_that_closes_keeps_what_it_had_answered(tmp_path: Path) -> None:
    """An answered call is stored, even when the hub is closed in the same moment."""
    path = tmp_path / "closing.db"
    with Hub(path, "localhost:0") as hub:
        program = GoProgram(port_of(hub))
        program.call(30)
    program.close()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM transitions").fetchone() == (29,)
        assert database.execute("SELECT end_reason FROM machines").fetchall() == [("disconnected",)]


def test_transitions_without_a_machine_are_counted_in_the_file(hub: Hub) -> None:
    """A program that never says what its machine is gets its answers all the same."""
    with GoProgram(port_of(hub)) as program:
        renamed = program.left[0][0].replace(b"\x01\x06orders", b"\x01\x06ordirs")
        program.left[0] = (renamed, program.left[0][1])
        program.call(8)
    assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    assert transitions(hub) == 0
    assert rows(hub, "SELECT value FROM meta WHERE key = 'orphaned_transitions'") == [("7",)]


@given(st.sampled_from(VERSIONS), st.lists(st.tuples(st.integers(600, 8999), st.integers(0, 255)), max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_changed_stream_still_says_can_be_stored(
    hub: Hub, version: str, changes: list[tuple[int, int]]
) -> None:
    """Numbers out of range, unknown states, clocks that run backwards: no batch is too strange for the store."""
    stream = bytearray(client_bytes(version, "orders")[:9000])
    for at, value in changes:
        stream[at] = value
    with (
        socket.create_connection(("127.0.0.1", port_of(hub)), 5) as connection,
        contextlib.suppress(OSError),  # it may be closed at any of these
    ):
        connection.sendall(stream)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert hub.wait_for_clients_to_leave(10)
    assert hub.writer.flush(10)
    assert not hub.failure
    assert rows(hub, "SELECT * FROM meta WHERE key = 'refused_batches'") == []
