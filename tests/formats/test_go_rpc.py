"""The reader of a Go program's connection: answers, batches, what it refuses, and what nothing can make it do."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from am_telemetry.batch import Batch
from am_telemetry.facts import GapFact, PatternFact
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.go_rpc import MAX_MACHINES, QUIET_NS, GoPrograms, GoSession
from am_telemetry.formats.gob import GobDecoder
from am_telemetry.formats.upstream import Converter
from am_telemetry.formats.upstream_live import CAME_LATE
from tests.formats.go_clients import (
    MACHINES,
    VERSIONS,
    client_bytes,
    cut_into_calls,
    server_bytes,
    transitions_with_dialect,
)
from tests.formats.gob_encoder import Encoder, Map, Slice, Struct

NOW = 1_700_000_000_000_000_000

REQUEST = Struct("Request", [("ServiceMethod", "string"), ("Seq", "uint")])
STATE = Struct("State", [("Auto", "bool"), ("Multi", "bool"), ("Require", Slice("string"))])
SCHEMA = Struct(
    "DbgMsgStruct",
    [
        ("ID", "string"),
        ("StatesIndex", Slice("string")),
        ("States", Map("string", STATE)),
        ("Parent", "string"),
        ("Tags", Slice("string")),
        ("Groups", Map("string", Slice("int"))),
        ("GroupsOrder", Slice("string")),
    ],
)
TRANSITION = Struct(
    "DbgMsgTx",
    [
        ("MachineID", "string"),
        ("ID", "string"),
        ("Clocks", Slice("uint")),
        ("Accepted", "bool"),
        ("Type", "int"),
        ("CalledStatesIdxs", Slice("int")),
        ("IsQueued", "bool"),
        ("Queue", "int"),
    ],
)


class Go:
    """Calls in the words of a test, sent to a reader."""

    def __init__(self) -> None:
        self.session = GoSession()
        self.now = NOW
        self._encoder = Encoder()
        self._number = 0
        self._answers = GobDecoder()

    def call(self, method: str, kind: Any, value: Any) -> str:
        """Make a call; returns the error of its answer."""
        header = {"ServiceMethod": f"RPCServer.{method}", "Seq": self._number}
        self._number += 1
        data = self._encoder.value(REQUEST, {k: v for k, v in header.items() if v}) + self._encoder.value(kind, value)
        self._answers.feed(self.session.feed(data, self.now))
        answer, reply = self._answers.values()
        assert reply == ""
        assert answer["ServiceMethod"] == header["ServiceMethod"]
        assert answer.get("Seq", 0) == header["Seq"]
        error: str = answer.get("Error", "")
        return error

    def schema(self, machine: str = "m", *states: str, **more: Any) -> str:
        names = list(states or ("A", "B"))
        return self.call("DbgMsgSchema", SCHEMA, {"ID": machine, "StatesIndex": names, **more})

    def transition(self, *clocks: int, machine: str = "m", called: int = 0, **more: Any) -> str:
        value = {
            "MachineID": machine,
            "ID": "t",
            "Clocks": list(clocks),
            "Accepted": True,
            "CalledStatesIdxs": [called],
        }
        return self.call("DbgMsgTx", TRANSITION, {**value, **more})

    def take(self, later_ns: int = 0) -> Batch:
        """Everything that waits, which must be one batch."""
        self.now += later_ns
        (batch,) = self.session.take(self.now)
        return batch


def facts_of(batches: list[Batch]) -> list[tuple[Any, ...]]:
    """What batches say, free of handles and times."""
    texts: dict[int, str] = {}
    patterns: dict[int, PatternFact] = {}
    names: dict[int, str] = {}
    facts: list[tuple[Any, ...]] = []
    for batch in batches:
        texts.update(batch.texts)
        patterns.update({one.handle: one.pattern for one in batch.patterns})
        facts += [("open", fact) for _, _, fact in batch.opened]
        names.update({handle: fact.id for handle, _, fact in batch.opened})
        columns = batch.transitions
        base = len(facts)
        for row, handle in enumerate(columns.machine):
            number = (columns.sequence[row], columns.queue_len[row], columns.queue_tick[row])
            facts.append((names[handle], *number, patterns[columns.pattern[row]], []))
        logs = batch.logs
        for row, level, text, before in zip(logs.row, logs.level, logs.text, logs.before, strict=True):
            facts[base + row][-1].append((level, texts[text], before))
        facts += [("source", base + row, source) for row, source in batch.sources]
        facts += [("error", base + row, error) for row, error in batch.errors]
        facts += [("arguments", base + row, text) for row, text in batch.arguments]
        facts += [("id", base + row, text) for row, text in batch.transition_ids]
    return facts


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("piece", [1, 7, 1000, 10**6])
def test_a_connection_says_the_same_as_a_recording_of_it(version: str, machine: str, piece: int) -> None:
    """However the bytes are cut, the batches hold what an import of the same messages would, and answers are equal."""
    stream = client_bytes(version, machine)
    session = GoSession()
    answers = b"".join(session.feed(stream[i : i + piece], NOW) for i in range(0, len(stream), piece))
    assert answers == server_bytes(version, machine)
    messages, dialect = transitions_with_dialect(version, machine)
    converter = Converter(dialect)
    opened = converter.open(messages[0])
    for message in messages[1:]:
        converter.add(opened, message)
    assert facts_of(session.finish(NOW)) == facts_of([converter.take()])
    assert session.unfinished == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_is_answered_before_the_next_one_is_made(version: str) -> None:
    """A client waits for the answer, so it must come with the last byte of the call, and none comes earlier."""
    calls = cut_into_calls(client_bytes(version, "billing"))
    answers = cut_into_calls(server_bytes(version, "billing"))
    session = GoSession()
    for call, answer in zip(calls, answers, strict=True):
        assert session.feed(call[:-1], NOW) == b""
        assert session.feed(call[-1:], NOW) == answer


@pytest.mark.parametrize("version", VERSIONS)
def test_the_first_bytes_tell(version: str) -> None:
    """Recognised as soon as the definition of the header is; any number of that type will do."""
    programs = GoPrograms()
    stream = client_bytes(version, "orders")
    verdicts = [programs.recognises(stream[:size]) for size in range(40)]
    assert verdicts == [None] * 13 + [True] * 27
    for number, name in ((64, b"\x7f"), (65, b"\xff\x81"), (200, b"\xfe\x01\x8f")):
        assert programs.recognises(b"\x30" + name + stream[2:30]) is True, number
    for other in (b"PRI * HTTP/2.0", b"GET / HTTP/1.1", b"\x16\x03\x01", b"\x00" * 20, b"SSH-2.0-x", b"\xff" * 20):
        assert programs.recognises(other) is False


def test_a_machine_is_shown_when_its_first_transition_does_not_come() -> None:
    """For a moment it is waited for, because it tells the ticks from before the connection."""
    go = Go()
    assert go.schema() == ""
    assert go.session.restless
    assert [batch.opened for batch in go.session.take(go.now)] == [[]]
    assert [fact.id for _, _, fact in go.take(QUIET_NS).opened] == ["m"]
    assert not go.session.restless
    go.transition(1, 0)
    batch = go.take()
    assert batch.gaps == []
    assert batch.transitions.at_ns == [go.now]


def test_a_machine_that_reports_late_begins_with_its_ticks() -> None:
    """Told at once by the first transition, or as a hole when the machine is on the screen already."""
    go = Go()
    go.schema()
    go.transition(5, 2, called=0)
    ((_, _, fact),) = go.take().opened
    assert sum(fact.clock) == 7
    late = Go()
    late.schema()
    late.take(QUIET_NS)
    late.transition(5, 2)
    batch = late.take()
    (gap,) = batch.gaps
    assert (gap.lost, gap.reason, gap.after_sequence) == (3, CAME_LATE, 0)
    assert sum(gap.clock) == 7
    assert batch.transitions.sequence == [4]


def test_a_schema_sent_again_is_a_revision() -> None:
    """Earlier transitions stay with the old states, and ticks follow their names."""
    go = Go()
    go.schema("m", "A", "B")
    go.transition(1, 0)
    assert go.schema("m", "C", "A", "B") == ""
    go.transition(1, 1, 0, called=0)
    first, second = go.session.take(go.now)
    assert len(first) == len(second) == 1
    assert [revised.machine for revised in second.revised] == [first.opened[0][0]]
    assert second.patterns[0].pattern.deltas == ((0, 1),)
    assert second.gaps == []
    go.schema("m", "C", "A", "B")
    assert go.session.take(go.now) == []


def test_groups_keep_their_order() -> None:
    """Those in the order come first; what they name beyond the states is left out."""
    go = Go()
    groups = {"self": [1], "Connection": [0, 7, -1], "Other": []}
    go.schema("m", "A", "B", Groups=groups, GroupsOrder=["self", "Gone", "Connection", "self"])
    go.transition(1, 0)
    ((_, schema),) = go.take().schemas
    assert schema.groups == (("self", (1,)), ("Connection", (0,)), ("Other", ()))


def test_several_machines_may_share_a_connection() -> None:
    """The protocol allows it, and numbers count for each machine."""
    go = Go()
    for name in ("one", "two"):
        go.schema(name)
    for tick in (1, 2, 3):
        for name in ("one", "two"):
            go.transition(tick, 0, machine=name)
    batch = go.take()
    assert batch.transitions.sequence == [1, 1, 2, 2, 3, 3]
    assert [fact.id for _, _, fact in batch.opened] == ["one", "two"]


def test_a_transition_of_an_unknown_machine_is_counted() -> None:
    """It belongs to no machine, and is no reason to disturb the program."""
    go = Go()
    assert go.transition(1, machine="stranger") == ""
    assert go.session.orphans == 1
    assert go.take().transitions.machine == [0]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"Clocks": [1, 1, 1]}, "3 clocks"),
        ({"Clocks": [2**60]}, "out of range"),
        ({"Queue": -5}, "queue position"),
    ],
)
def test_an_impossible_transition_is_refused_alone_and_leaves_a_hole(more: dict[str, Any], reason: str) -> None:
    """The program gets the reason as the call's error; the next transition is right again."""
    go = Go()
    go.schema()
    go.transition(1, 0)
    assert reason in go.transition(1, 1, **more)
    assert go.transition(3, 1, called=1) == ""
    batch = go.take()
    assert batch.transitions.sequence == [1, 3]
    assert [(gap.after_sequence, gap.lost, gap.reason) for gap in batch.gaps] == [(1, 1, "unreadable")]
    lengths = {len(getattr(batch.transitions, name)) for name in batch.transitions.__slots__}
    assert lengths == {2}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"ID": "", "StatesIndex": ["A"]}, "without an id"),
        ({"ID": "m", "StatesIndex": []}, "0 states"),
        ({"ID": "m", "StatesIndex": ["A", "A"]}, "twice"),
        ({"ID": "m", "StatesIndex": ["A" * 20_000]}, "characters"),
        ({"ID": "m", "StatesIndex": [f"S{i}" for i in range(10_001)]}, "10,001 states"),
    ],
)
def test_an_impossible_schema_is_refused_and_the_connection_goes_on(schema: dict[str, Any], reason: str) -> None:
    go = Go()
    value = {name: content for name, content in schema.items() if content}
    assert reason in go.call("DbgMsgSchema", SCHEMA, value)
    assert go.schema("good") == ""


def test_methods_nobody_knows_are_answered_as_go_does() -> None:
    go = Go()
    assert go.call("Bogus", "int", 5) == "rpc: can't find method RPCServer.Bogus"
    assert go.schema() == ""


def test_too_many_machines_are_refused() -> None:
    go = Go()
    for number in range(MAX_MACHINES):
        go.schema(f"m{number}")
    assert "machines" in go.schema("one-more")


def test_while_overloaded_transitions_are_counted_and_the_hole_has_the_right_ticks() -> None:
    go = Go()
    go.schema()
    go.transition(1, 0)
    go.session.overloaded = True
    for tick in (2, 3, 4):
        assert go.transition(tick, 0) == ""
    go.session.overloaded = False
    go.transition(4, 1, called=1)
    batch = go.take()
    assert batch.transitions.sequence == [1, 5]
    assert (batch.gaps[0].lost, batch.gaps[0].reason) == (3, "hub busy")
    go.session.overloaded = True
    go.transition(6, 1)
    (last,) = go.session.finish(go.now)
    assert last.gaps == [GapFact(batch.opened[0][0], 5, 1, "hub busy", (6, 1))]


@pytest.mark.parametrize(
    ("what", "kind", "value"),
    [
        ("steps of another kind", Struct("DbgMsgTx", [("MachineID", "string"), ("Steps", "string")]), {"Steps": "x"}),
        ("a number instead of a text", Struct("DbgMsgTx", [("MachineID", "int")]), {"MachineID": 1}),
        ("a step with bare data", Struct("DbgMsgTx", [("Steps", Slice(Struct("Step", [("Data", "int")])))]), {}),
        ("no struct at all", "string", "hello"),
    ],
)
def test_messages_of_another_shape_end_the_connection(what: str, kind: Any, value: Any) -> None:
    """Their type says that nothing on it can be understood; no value of it is decoded."""
    go = Go()
    go.schema()
    with pytest.raises(FormatError):
        go.call("DbgMsgTx", kind, value)


def test_a_flood_of_different_texts_and_steps_is_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered stays bounded, and what is said stays right."""
    from am_telemetry.formats import upstream, upstream_live

    stream = client_bytes("v0.19.1", "orders")
    plain = GoSession()
    plain.feed(stream, NOW)
    expected = facts_of(plain.finish(NOW))
    monkeypatch.setattr(upstream, "_MAX_INTERNED", 3)
    monkeypatch.setattr(upstream_live, "MAX_STEPS", 5)
    session = GoSession()
    batches: list[Batch] = []
    for call in cut_into_calls(stream):
        session.feed(call, NOW)
        batches += session.take(NOW + QUIET_NS)
    handles = [handle for batch in batches for handle, _ in batch.texts]
    assert max(handles) < 30
    flat = [fact for fact in facts_of(batches) if isinstance(fact[-1], list)]
    assert flat == [fact for fact in expected if isinstance(fact[-1], list)]


def survives(data: bytes) -> None:
    """Fed in two pieces, bytes are read or refused, with no other error than the documented one."""
    session = GoSession()
    with contextlib.suppress(FormatError):
        session.feed(data[: len(data) // 2], NOW)
        session.feed(data[len(data) // 2 :], NOW)
    for batch in (*session.take(NOW), *session.finish(NOW + 1)):
        lengths = {len(getattr(batch.transitions, name)) for name in batch.transitions.__slots__}
        assert len(lengths) == 1


@given(st.sampled_from(VERSIONS), st.data())
@settings(max_examples=150)
def test_a_recorded_stream_with_some_bytes_changed_is_read_or_refused(version: str, data: st.DataObject) -> None:
    """Changed, removed and doubled bytes anywhere in a real connection."""
    stream = bytearray(client_bytes(version, "orders")[: data.draw(st.integers(100, 6000))])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(stream) - 1))
        match data.draw(st.sampled_from(("change", "remove", "double"))):
            case "change":
                stream[at] = data.draw(st.integers(0, 255))
            case "remove":
                del stream[at : at + data.draw(st.integers(1, 50))]
            case _:
                stream[at:at] = stream[at : at + data.draw(st.integers(1, 50))]
        if not stream:
            break
    survives(bytes(stream))


@given(st.binary(max_size=500))
@settings(max_examples=150)
@example(b"\xf8" + b"\xff" * 20)
def test_random_bytes_after_a_good_beginning_are_read_or_refused(tail: bytes) -> None:
    survives(client_bytes("v0.10.1", "orders")[:0x248] + tail)
    survives(tail)
