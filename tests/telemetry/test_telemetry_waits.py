"""Waits, contexts and pipes on their way to the hub: what a recording says was pending is what the engine said then."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hubs import free_port, run_program, start_program, until

from am_core import Machine, pipes
from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch
from am_telemetry.facts import MachineFact, SchemaFact, StateFact
from am_telemetry.receiving.collector import Collector
from am_telemetry.sending.client import Client
from am_telemetry.sending.drafts import Draft, Dropped, Span
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.retention import Retention
from am_telemetry.settings import read_settings
from am_telemetry.store.records import WaitRecord
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from am_telemetry.waits import (
    WaitBegun,
    WaitEnded,
    WaitFact,
    WaitOrigin,
    Waits,
    WaitsStanding,
)
from am_telemetry.wire import Decoder, WireError, encode

PROGRAM = """
import json, random, sys
import am_telemetry
from am_core import Machine, pipes

handle = am_telemetry.init(service="waits")
rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
schema = {"A": {"multi": True}, "B": {}, "C": {"auto": True, "require": ["B"]}, "D": {}}

class Handlers:
    def AState(self, e):
        e.machine.state_ctx("A")
        if rng.random() < 0.3:
            e.machine.when_not("B")

early = Machine(schema, id="early")
one, two = Machine(schema, id="one"), Machine(schema, id="two")
machines = [early, one, two]
one.bind(Handlers())
one.bind({"BState": pipes.add(one, two, "B", "D")})
two.bind({"DEnd": pipes.remove(two, one, "D", "B")})
waiters = []

def view(machine):
    pending = [[w.kind, list(w.states), w.reason] for w in machine.waiters()]
    pending += [["ctx", [c.state], ""] for c in machine.contexts()]
    pending += [["pipe-" + p.direction, [p.source_state if p.direction == "out" else p.target_state], ""]
                for p in machine.pipes()]
    return [machine.id, machine.transition_count, sorted(pending)]

def tell():
    for machine in machines:
        print(json.dumps(view(machine)))

for step in range(60):
    machine = rng.choice(machines)
    kind = rng.randrange(9)
    state = rng.choice("ABCD")
    if kind == 0:
        waiters.append(machine.when([state, rng.choice("ABCD")]) if state != "A" else machine.when("A"))
    elif kind == 1:
        waiters.append(machine.when_not(state))
    elif kind == 2:
        waiters.append(machine.when_time([state], [machine.tick(state) + rng.randrange(1, 4)]))
    elif kind == 3:
        waiters.append(machine.when_args("A", n=rng.randrange(3)))
    elif kind == 4:
        machine.state_ctx(state)
    elif kind == 5 and waiters:
        waiters.pop(rng.randrange(len(waiters))).cancel()
    elif kind == 6:
        machine.remove(state)
    else:
        machine.add(state, n=rng.randrange(3))
    tell()
print("delivered" if handle.close(10) else "left behind")
"""


@contextmanager
def recording(path: Path, port: int = 0) -> Iterator[tuple[SessionFile, Writer, Collector]]:
    session = SessionFile.open(path, writable=True) if path.exists() else SessionFile.create(path)
    with session, Writer(session) as writer:
        collector = Collector(writer, f"localhost:{port}")
        collector.start()
        try:
            yield session, writer, collector
        finally:
            collector.stop()


def told(waits: tuple[WaitRecord, ...]) -> list[list[Any]]:
    return sorted([wait.fact.kind, list(wait.fact.states), ""] for wait in waits)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_recording_knows_at_every_moment_what_the_engine_had_pending(tmp_path: Path, seed: int) -> None:
    """Of a program in another process, after each of its steps."""
    with recording(tmp_path / "s.db") as (session, writer, collector):
        done = run_program(PROGRAM.replace("SEED", str(seed)), f"localhost:{collector.port}")
        lines = done.stdout.splitlines()
        assert lines[-1] == "delivered", done.stderr
        assert writer.flush(5)
        session.catch_up()
        ids = {machine.name: machine.id for machine in session.machines}
        # The engine's view at the last of several moments with the same number of transitions is what stays.
        views = {(name, count): pending for name, count, pending in map(json.loads, lines[:-1])}
        assert len(set(map(str, views.values()))) > 10
        for (name, count), pending in views.items():
            assert told(session.waits(ids[name], count).pending) == pending, (name, count)


def test_what_was_pending_before_a_machine_is_traced_is_told_too(tmp_path: Path) -> None:
    machine = Machine({"A": {}, "B": {}}, id="early")
    machine.add("A")
    machine.when("B")
    machine.state_ctx("A")
    with recording(tmp_path / "s.db") as (session, writer, collector):
        client = Client(read_settings(f"localhost:{collector.port}", environ={}))
        client.start()
        client.flush(5)
        assert writer.flush(5)
        session.catch_up()
        (run,) = [run for run in session.machines if run.name == "early"]
        assert told(session.waits(run.id, 0).pending) == [["ctx", ["A"], ""], ["when", ["B"], ""]]
        machine.add("B")
        assert client.flush(5)
        assert writer.flush(5)
        session.catch_up()
        at = session.waits(run.id, 1)
        assert (told(at.pending), told(at.ended)) == ([["ctx", ["A"], ""]], [["when", ["B"], ""]])
        client.close(2)


def test_who_waits_and_how_it_ended_is_told(tmp_path: Path) -> None:
    with recording(tmp_path / "s.db") as (session, writer, collector):
        client = Client(read_settings(f"localhost:{collector.port}", environ={}))
        client.start()
        machine, other = Machine({"A": {}, "B": {}}, id="m"), Machine({"C": {}}, id="other")
        machine.bind({"AState": lambda e: e.machine.when_time(["B"], [3])})
        machine.bind({"AState": pipes.add(machine, other, "A", "C")})
        machine.add("A")
        waiter = machine.when("B")
        waiter.cancel()
        machine.dispose_force()
        assert client.flush(5)
        assert writer.flush(5)
        session.catch_up()
        run = next(run for run in session.machines if run.name == "m")
        ended = {wait.fact.kind: wait for wait in session.waits(run.id, 10).ended}
        assert {kind: wait.close_reason for kind, wait in ended.items()}["whenTime"] == "disposed"
        assert ended["when"].close_reason == "canceled"
        assert ended["whenTime"].origin == WaitOrigin("m", 1, "AState")
        assert (ended["whenTime"].fact.ticks, ended["whenTime"].opened_number) == ((3,), 1)
        everything = session.waits(run.id, 0).pending
        (piped,) = [wait.fact for wait in everything if wait.fact.kind == "pipe-out"]
        assert (piped.peer, piped.states, piped.peer_state, piped.mutation) == ("other", ("A",), "C", "add")
        client.close(2)


def test_a_hub_with_another_recording_is_told_what_is_pending(tmp_path: Path) -> None:
    """It knows nothing of what the one before it has stored."""
    port = free_port()
    source = """
import am_telemetry, sys
from am_core import Machine
handle = am_telemetry.init(service="long")
machine = Machine({"A": {"multi": True}, "B": {}}, id="m")
machine.when("B")
ended = machine.when_not("A") if machine.add("A") else None
print(handle.flush(5), flush=True)
sys.stdin.readline()
ended.cancel()
machine.add("A")
print(handle.flush(20), flush=True)
sys.stdin.readline()
"""
    program = start_program(source, f"localhost:{port}")
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        with recording(tmp_path / "first.db", port) as (session, _, _):
            assert program.stdout.readline() == "True\n"
        with recording(tmp_path / "second.db", port) as (session, writer, _):
            program.stdin.write("\n")
            program.stdin.flush()
            assert program.stdout.readline() == "True\n"
            assert writer.flush(5)

            def pending() -> bool:
                session.catch_up()
                return any(told(session.waits(m.id, 10**9).pending) == [["when", ["B"], ""]] for m in session.machines)

            until(pending)
    finally:
        program.kill()
        program.wait(10)
        program.stdin.close()
        program.stdout.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_of_a_fork_tell_what_was_pending_before_it(tmp_path: Path) -> None:
    """Also of the machine whose transition is the first thing that happens in the child."""
    source = """
import am_telemetry, os, sys
from am_core import Machine
handle = am_telemetry.init(service="forking")
busy, idle = Machine({"A": {"multi": True}, "B": {}}, id="busy"), Machine({"A": {}}, id="idle")
busy.when("B"), idle.when("A")
handle.flush(5)
child = os.fork()
if child == 0:
    busy.add("A")
    sys.stdin.readline()
    os._exit(0)
os.waitpid(child, 0)
"""
    with recording(tmp_path / "s.db") as (session, _, collector):
        program = start_program(source, f"localhost:{collector.port}")
        assert program.stdin is not None
        assert program.stdout is not None
        one = [("busy", [["when", ["B"], ""]]), ("idle", [["when", ["A"], ""]])]

        def both_told() -> bool:
            session.catch_up()
            found = [(run.name, told(session.waits(run.id, 10**9).pending)) for run in session.machines]
            return sorted(found) == sorted(2 * one)

        until(both_told)
        program.stdin.write("\n")
        program.stdin.close()
        program.wait(10)
        program.stdout.close()


def test_waits_that_found_the_ring_full_are_counted_and_told_again(tmp_path: Path) -> None:
    with recording(tmp_path / "s.db") as (session, writer, collector):
        client = Client(read_settings(f"localhost:{collector.port}", environ={}))
        client.start()
        machine = Machine({"A": {"multi": True}, "B": {}}, id="m")
        machine.add("A")
        assert client.flush(5)
        room, client.ring.room = client.ring.room, 1
        waiters = [machine.when_time(["B"], [n]) for n in range(1, 400, 2)]
        client.ring.room = room
        waiters[0].cancel()
        machine.add("A")

        def settled() -> bool:
            client.flush(5)
            writer.flush(5)
            session.catch_up()
            run = next(run for run in session.machines if run.name == "m")
            return len(session.waits(run.id, 10**9).pending) == len(waiters) - 1

        until(settled)
        run = next(run for run in session.machines if run.name == "m")
        omitted = [omission for omission in session.omissions(run.id) if omission.what == "waits"]
        assert sum(omission.count for omission in omitted) == client.sender.dropped.omitted.get("waits", 0)
        client.close(2)


def sample() -> Waits:
    fact = WaitFact("whenTime", ("A", "ünï\udc80"), (3, 4), "A 3")
    pipe = WaitFact("pipe-out", ("A",), peer="other", peer_state="C", mutation="add")
    begun = [WaitBegun(1, 2, 5, 1_000, fact, WaitOrigin("m", 4, "AState")), WaitBegun(1, 5, 4, 900, pipe)]
    return Waits([WaitsStanding(1, 6, 2_000, (2, 5))], begun, [WaitEnded(1, 2, 6, 1_500, "match")])


def opened() -> Batch:
    schema = SchemaFact((StateFact("A"),))
    return Batch(1, 1, schemas=[(1, schema)], opened=[(1, 1, MachineFact("m", schema))])


def test_waits_survive_the_wire() -> None:
    batch = opened()
    batch.waits = sample()
    found = Decoder().decode(pb.ClientFrame.FromString(encode(batch)).batch).waits
    fact = WaitFact("whenTime", ("A", "ünï\\udc80"), (3, 4), "A 3")
    expected = sample()
    expected.begun[0] = expected.begun[0]._replace(fact=fact)
    assert found == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda waits: waits.machine.append(9),
        lambda waits: waits.subject.__setitem__(0, 7),
        lambda waits: waits.origin.__setitem__(0, 7),
        lambda waits: waits.machine.__setitem__(0, 7),
        lambda waits: waits.sequence.__setitem__(0, -50),
        lambda waits: waits.ended_reason.__setitem__(0, 4),
        lambda waits: waits.ended_ident.append(4),
        lambda waits: waits.standing[0].idents.append(2**63),
        lambda waits: waits.subjects.add(kind="x" * 20_000),
    ],
)
def test_waits_that_make_no_sense_are_refused(change: Any) -> None:
    batch = opened()
    batch.waits = sample()
    message = pb.ClientFrame.FromString(encode(batch)).batch
    change(message.waits)
    with pytest.raises(WireError):
        Decoder().decode(message)


def test_what_was_given_up_is_counted_and_its_machines_are_told_again() -> None:
    """As long as no hub is there, the oldest goes first."""
    schemas, dropped = SchemaTable(), Dropped()
    retention = Retention(encode, schemas, dropped, max_transitions=10, max_bytes=3_000)
    schema = schemas.handle(("A",), {})
    fact = MachineFact("m", schemas.facts[schema])
    for number in range(1, 40):
        batch = Batch(number, number)
        if number == 1:
            batch.opened = [(1, 1, fact)]
        batch.waits.begun = [WaitBegun(1, n + 10 * number, 0, 5, WaitFact("when", ("A",))) for n in range(10)]
        retention.add(Draft(batch, {}, {}, {1: Span(0, 0)}))
    assert retention.lost_waits == {1}
    kept = 0
    lost = 0
    while (item := retention.next_to_send()) is not None:
        message = pb.ClientFrame.FromString(retention.frame_of(item)).batch
        kept += len(message.waits.machine)
        lost += sum(omission.count for omission in message.omissions if omission.what == "waits")
        retention.mark_sent()
    assert (kept + lost, lost) == (390, dropped.omitted["waits"])
    assert 0 < kept < 390
