"""Hubs that pass on to other hubs what they record, as real processes."""

from __future__ import annotations

import queue
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, PatternDef, TransitionColumns
from am_telemetry.facts import Flag, GapFact, MachineFact, PatternFact, SchemaFact, StateFact
from am_telemetry.sending.link import PUSH, STREAM
from am_telemetry.wire import encode
from tests.support.hub_process import HubProcess, environment, free_port, program, stored, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and Unix sockets")

EVENTFUL = """
import am_telemetry
from am_core import Machine, pipes

def fail(e):
    raise RuntimeError("out of order")

class Handlers:
    def BState(self, e): pass
    def CEnter(self, e): return False
    def DState(self, e): fail(e)

handle = am_telemetry.init(detail=3, log="everything")
schema = {"A": {}, "B": {"require": ["A"]}, "C": {"multi": True}, "D": {}}
one = Machine(schema, id="one", tags=["blue"])
two = Machine(schema, id="two", parent=one)
idle = Machine({"X": {}}, id="idle")
one.bind(Handlers())
pipes.add(one, two, "D", "D")
never, cycles = idle.when("X"), one.when_time(["A", "C"], [1, 600])
for n in range(700):
    one.add("A", n=n)
    waiting, context = two.when("A"), one.state_ctx("B")
    one.add(["B", "C"])
    one.remove("B")
    two.toggle("A")
one.add("D")
two.set_schema({**schema, "E": {}}, ["A", "B", "C", "D", "E", "Exception"])
two.add("E")
two.log("a last word")
two.dispose_force()
idle.dispose_force()
print("delivered" if handle.close(10) else "left behind")
"""

EVERYTHING = (
    # What is the same in both files, whatever ids rows have there.
    "SELECT m.name, m.parent, m.tags_json, m.started_ns, m.ended_ns, m.end_reason, m.initial_clock_json, m.id_prefix,"
    " c.transitions, c.log_lines, c.lost, c.last_sequence, c.machine_time, c.ticks_json"
    " FROM machines m JOIN machine_clocks c ON c.machine_id = m.id ORDER BY m.name, m.run",
    "SELECT m.name, t.number, t.skipped, t.at_ns, t.duration_ns, t.queue_len, t.queue_tick, t.machine_time,"
    " p.mutation, p.accepted, p.auto, p.canceled_by, p.called_json, p.added_json, p.removed_json, p.handlers_json,"
    " p.steps_json, p.indexes_json, s.digest, a.arguments_json, e.type, e.message, e.traceback"
    " FROM transitions t JOIN machines m ON m.id = t.machine_id JOIN patterns p ON p.id = t.pattern_id"
    " JOIN schemas s ON s.id = p.schema_id LEFT JOIN arguments a ON a.transition_id = t.id"
    " LEFT JOIN errors e ON e.transition_id = t.id ORDER BY m.name, m.run, t.number",
    "SELECT m.name, t.number, l.position, l.level, l.before, x.text FROM log_lines l JOIN transitions t"
    " ON t.id = l.transition_id JOIN machines m ON m.id = t.machine_id JOIN texts x ON x.id = l.text_id"
    " ORDER BY m.name, t.number, l.position",
    "SELECT m.name, l.after_number, l.at_ns, l.level, x.text FROM late_log_lines l JOIN machines m"
    " ON m.id = l.machine_id JOIN texts x ON x.id = l.text_id ORDER BY m.name, l.id",
    "SELECT m.name, t.number, r.position, r.handler, r.offset_ns, r.duration_ns FROM handler_runs r JOIN transitions t"
    " ON t.id = r.transition_id JOIN machines m ON m.id = t.machine_id ORDER BY m.name, t.number, r.position",
    "SELECT m.name, t.number, s.machine, s.sequence, s.machine_time FROM sources s JOIN transitions t"
    " ON t.id = s.transition_id JOIN machines m ON m.id = t.machine_id ORDER BY m.name, t.number",
    "SELECT m.name, g.after_number, g.after_sequence, g.lost, g.reason, g.clock_json FROM gaps g JOIN machines m"
    " ON m.id = g.machine_id ORDER BY m.name, g.id",
    "SELECT m.name, w.ident, w.kind, w.states_json, w.ticks_json, w.text, w.peer, w.peer_state, w.mutation,"
    " w.opened_number, w.opened_ns, w.closed_number, w.closed_ns, w.close_reason, w.origin_machine, w.origin_handler"
    " FROM waits w JOIN machines m ON m.id = w.machine_id ORDER BY m.name, w.ident",
    "SELECT m.name, r.revision, s.digest, r.after_number FROM machine_schemas r JOIN machines m ON m.id = r.machine_id"
    " JOIN schemas s ON s.id = r.schema_id ORDER BY m.name, r.revision",
    "SELECT name, host, pid, language, library FROM processes ORDER BY name, pid",
)


@pytest.fixture(autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_DBG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))


def contents(path: Path) -> list[list[Any]]:
    with closing(sqlite3.connect(path)) as db:
        return [db.execute(query).fetchall() for query in EVERYTHING]


def same(one: Path, other: Path) -> None:
    for query, mine, theirs in zip(EVERYTHING, contents(one), contents(other), strict=True):
        assert mine == theirs, query


def eventful(address: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", EVENTFUL],
        env=environment(address),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout == "delivered\n", result.stderr


def counts(path: Path) -> dict[str, int]:
    try:
        return stored(path)
    except sqlite3.OperationalError:
        return {}


def test_another_hub_gets_everything_as_it_was(tmp_path: Path) -> None:
    """Times, ids, arguments, log lines, errors, steps, schemas and ends; only row ids may differ."""
    with (
        HubProcess(tmp_path, session="far.db") as far,
        HubProcess(tmp_path, "--forward", far.address, session="near.db") as near,
    ):
        eventful(near.address)
        assert near.end() == 0
        assert far.end() == 0
    assert stored(near.path)["one"] > 2000
    same(near.path, far.path)
    with closing(sqlite3.connect(far.path)) as db:
        (resource,) = db.execute("SELECT resource_json FROM processes").fetchone()
    assert "amdbg.path" in resource


def test_a_hub_that_comes_later_gets_what_was_recorded_before(tmp_path: Path) -> None:
    port = free_port()
    with HubProcess(tmp_path, "--forward", f"localhost:{port}", session="near.db") as near:
        eventful(near.address)
        assert program(near.address, "early", 3000).stdout == "delivered\n"
        with HubProcess(tmp_path, listen=f"localhost:{port}", session="far.db") as far:
            until(lambda: counts(far.path).get("early") == 3000)
            assert near.end() == 0
            assert far.end() == 0
    assert "nothing is forwarded" in near.text, "that the other hub was away has to be told"
    same(near.path, far.path)


def test_killing_either_hub_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """While a program goes on, the far hub is killed twice and the near one once."""
    far_port, near_port = free_port(), free_port()

    def far() -> HubProcess:
        return HubProcess(tmp_path, listen=f"localhost:{far_port}", session="far.db")

    def near() -> HubProcess:
        forward = ("--forward", f"localhost:{far_port}")
        return HubProcess(tmp_path, *forward, listen=f"localhost:{near_port}", session="near.db")

    def kill_when(hub: HubProcess, path: Path, count: int) -> None:
        until(lambda: counts(path).get("busy", 0) >= count)
        hub.end(signal.SIGKILL)

    source = (
        "import time, am_telemetry\nfrom am_core import Machine\nhandle = am_telemetry.init()\n"
        "machine = Machine({'A': {'multi': True}}, id='busy')\n"
        "for n in range(300):\n    [machine.add('A') for _ in range(20)]\n    time.sleep(0.01)\n"
        "short = [Machine({'A': {}}, id=f'short{n}') for n in range(5)]\n"
        "[m.dispose_force() for m in short]\nprint(handle.close(20))"
    )
    with near() as first_near, far() as first_far:
        process = subprocess.Popen(
            [sys.executable, "-c", source],
            env=environment(f"localhost:{near_port}"),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            kill_when(first_far, first_far.path, 500)
            with far() as second_far:
                kill_when(second_far, second_far.path, 1500)
            kill_when(first_near, first_near.path, 2500)
            with near() as second_near, far() as third_far:
                assert process.communicate(timeout=60)[0] == "True\n"
                until(lambda: counts(third_far.path).get("busy") == 6000)
                until(lambda: len(counts(third_far.path)) == 6)
                assert second_near.end() == 0
                assert third_far.end() == 0
        finally:
            process.kill()
            process.wait()
    assert counts(second_near.path) == {"busy": 6000, **{f"short{n}": 0 for n in range(5)}}
    same(second_near.path, third_far.path)


class Connection:
    """A stream to a hub, frame by frame."""

    def __init__(self, port: int, session: bytes) -> None:
        self._frames: queue.SimpleQueue[pb.ClientFrame | None] = queue.SimpleQueue()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        method: Any = self._channel.stream_stream(STREAM, pb.ClientFrame.SerializeToString, pb.HubFrame.FromString)
        self.send(pb.ClientFrame(hello=pb.Hello(proto_min=1, proto_max=1, session=session, service="raw", host="h")))
        self._answers = method(iter(self._frames.get, None))
        self.have = next(self._answers).welcome.have_seq

    def send(self, frame: pb.ClientFrame) -> None:
        self._frames.put(frame)

    def batch(self, number: int, sequences: Sequence[int], *, ticks: int, gap: GapFact | None = None) -> None:
        """Transitions of one machine, and wait until they are stored."""
        schema = SchemaFact((StateFact("A", multi=True), StateFact("B")))
        count = len(sequences)
        batch = Batch(
            number,
            number,
            schemas=[(1, schema)],
            opened=[(1, 1000, MachineFact("back", schema, clock=(ticks, 0), sequence=sequences[0] - 1))],
            patterns=[PatternDef(1, 1, PatternFact("add", (0,), Flag.ACCEPTED, ((0, 2),)))],
            transitions=TransitionColumns(
                [1] * count, list(sequences), list(sequences), [5] * count, [1] * count, [0] * count, [0] * count
            ),
            gaps=[gap] if gap else [],
        )
        self.send(pb.ClientFrame.FromString(encode(batch)))
        assert next(self._answers).ack.upto_seq == number

    def drop(self) -> None:
        self._answers.cancel()
        self._channel.close()
        self._frames.put(None)


def test_machines_that_come_back_are_the_same_there_and_holes_stay_holes(tmp_path: Path) -> None:
    def end_reason(path: Path) -> str:
        with closing(sqlite3.connect(path)) as db:
            return str(db.execute("SELECT end_reason FROM machines").fetchall())

    with (
        HubProcess(tmp_path, session="far.db") as far,
        HubProcess(tmp_path, "--forward", far.address, session="near.db") as near,
    ):
        first = Connection(near.port, b"s" * 16)
        first.batch(1, range(1, 11), ticks=0)
        until(lambda: counts(far.path) == {"back": 10})
        first.drop()
        until(lambda: end_reason(far.path) == "[('disconnected',)]")
        second = Connection(near.port, b"s" * 16)
        assert second.have == 1
        second.batch(2, [*range(11, 15), *range(20, 25)], ticks=20, gap=GapFact(1, 14, 5, "no room", (40, 1)))
        until(lambda: counts(far.path) == {"back": 19})
        assert end_reason(far.path) == "[('',)]"
        second.batch(3, range(40, 45), ticks=0)
        second.drop()
        until(lambda: end_reason(far.path) == "[('disconnected',)]")
        assert near.end() == 0
        assert far.end() == 0
    assert stored(far.path) == {"back": 24}
    with closing(sqlite3.connect(far.path)) as db:
        assert [row[0] for row in db.execute("SELECT lost FROM gaps ORDER BY id")] == [5, 15]
    same(near.path, far.path)


def test_many_programs_are_forwarded_and_not_again_after_a_restart(tmp_path: Path) -> None:
    names = {f"m{n}": n % 3 for n in range(60)}
    with HubProcess(tmp_path, session="far.db") as far:
        with HubProcess(tmp_path, "--forward", far.address, session="near.db") as near:
            for number, (name, count) in enumerate(names.items()):
                push_machine(near.port, number, name, count)
            assert near.end() == 0
        assert counts(far.path) == names
        with HubProcess(tmp_path, "--forward", far.address, session="near.db") as near:
            push_machine(near.port, 99, "later", 4)
            until(lambda: counts(far.path) == {**names, "later": 4})
            assert near.end() == 0
        assert far.end() == 0
    same(near.path, far.path)


def push_machine(port: int, number: int, name: str, count: int) -> None:
    """A whole program in one call."""
    schema = SchemaFact((StateFact("A", multi=True),))
    rows = list(range(1, count + 1))
    batch = Batch(
        1,
        1,
        schemas=[(1, schema)],
        opened=[(1, 1000, MachineFact(name, schema))],
        patterns=[PatternDef(1, 1, PatternFact("add", (0,), Flag.ACCEPTED, ((0, 2),)))],
        transitions=TransitionColumns([1] * count, rows, rows, [5] * count, [1] * count, [0] * count, [0] * count),
    )
    first = pb.ClientFrame(hello=pb.Hello(proto_min=1, proto_max=1, session=bytes([number]) * 16, service=name))
    frames = [first, pb.ClientFrame.FromString(encode(batch)), pb.ClientFrame(farewell=pb.Farewell(last_seq=1))]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(PUSH, pb.PushRequest.SerializeToString, pb.PushReply.FromString)
        assert call(pb.PushRequest(frames=frames), timeout=15).frames[-1].ack.upto_seq == 1


def test_hubs_that_forward_in_a_circle_notice(tmp_path: Path) -> None:
    """Everything is in both once, and each says that it refused to take its own records."""
    ports = free_port(), free_port()
    with (
        HubProcess(tmp_path, "--forward", f"localhost:{ports[1]}", listen=f"localhost:{ports[0]}", session="a.db") as a,
        HubProcess(tmp_path, "--forward", f"localhost:{ports[0]}", listen=f"localhost:{ports[1]}", session="b.db") as b,
    ):
        assert program(a.address, "from-a").stdout == "delivered\n"
        assert program(b.address, "from-b").stdout == "delivered\n"
        for hub in (a, b):
            until(lambda hub=hub: counts(hub.path) == {"from-a": 5, "from-b": 5})
            until(lambda hub=hub: "came from here" in hub.text)
        assert a.end() == 0
        assert b.end() == 0
    for hub in (a, b):
        assert stored(hub.path) == {"from-a": 5, "from-b": 5}


def test_the_way_to_the_other_hub_may_need_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("a-token-of-some-length")
    with HubProcess(tmp_path, "--token-file", "token", session="far.db") as far:
        with HubProcess(tmp_path, "--forward", far.address, session="refused.db") as near:
            assert program(near.address, "first").stdout == "delivered\n"
            until(lambda: "AM_DBG_TOKEN" in near.text)
            assert near.end() == 0
        monkeypatch.setenv("AM_DBG_TOKEN", "a-token-of-some-length")
        with HubProcess(tmp_path, "--forward", far.address, session="near.db") as near:
            assert program(near.address, "second").stdout == "delivered\n"
            assert near.end() == 0
        assert far.end() == 0
    assert stored(far.path) == {"second": 5}
