"""What is encoded comes back the same, and nothing that breaks the protocol gets through."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_batches import batches

from am_proto import telemetry_pb2 as pb
from am_telemetry.batch import Batch, LogColumns, MachineClosed, PatternDef, SchemaRevised, TransitionColumns
from am_telemetry.facts import (
    ErrorFact,
    Flag,
    GapFact,
    MachineFact,
    PatternFact,
    SchemaFact,
    SourceFact,
    StateFact,
    StepFact,
)
from am_telemetry.wire import Decoder, WireError, clean, decode, decoding, encode

GOLDEN = Path(__file__).parent / "golden"


def sample() -> Batch:
    """One of everything; the golden frame holds exactly this."""
    schema = SchemaFact(
        (
            StateFact("Ready", auto=True, require=("Start",)),
            StateFact(
                "Start", multi=True, add=("Ready",), remove=("Stop",), after=("Stop", "Elsewhere"), tags=("a:1",)
            ),
            StateFact("Stop"),
        )
    )
    wider = SchemaFact((*schema.states, StateFact("Größe")))
    steps = (
        StepFact("called", target=1),
        StepFact("rel", 1, 2, "remove"),
        StepFact("handler", -2, 1, is_final=True, is_enter=True),
        StepFact("handler", 1, 1, is_self=True),
    )
    accepted = PatternFact(
        "add", (1,), Flag.ACCEPTED, ((0, 1), (1, 1), (2, 3)), (0, 1), (2,), steps, ("StartEnter", "StartState")
    )
    canceled = PatternFact("remove", (1, 0), Flag.CHECK | Flag.BROKEN, canceled_by="StartExit")
    return Batch(
        first_seq=41,
        last_seq=48,
        texts=[(1, "[state] +Start"), (7, "nul \x00, RTL \u202e, wide 漢字")],
        schemas=[(3, schema), (4, wider)],
        opened=[
            (10, 1_800_000_000_000_000_001, MachineFact("shop", schema, "root", ("x", "y:2"), (0, 3, 1), 5)),
            (11, 1_800_000_000_000_000_002, MachineFact("a/b c", wider)),
        ],
        patterns=[PatternDef(100, 3, accepted), PatternDef(200, 4, canceled)],
        revised=[SchemaRevised(10, 3)],
        transitions=TransitionColumns(
            machine=[10, 11, 10],
            sequence=[6, 1, 7],
            at_ns=[1_800_000_000_000_000_100, 1_800_000_000_000_000_050, 1_800_000_000_000_000_200],
            duration_ns=[1500, 0, 250],
            pattern=[100, 200, 100],
            queue_len=[2, 0, 1],
            queue_tick=[4, 0, 5],
        ),
        logs=LogColumns(row=[0, 0, 2], level=[2, 3, 1], text=[1, 7, 1], before=[True, False, False]),
        sources=[(0, SourceFact("root", 17, 30)), (2, SourceFact("far", 0, 0, "0011223344556677"))],
        arguments=[(1, '{"id": null}')],
        errors=[(2, ErrorFact("ValueError", "no", "Traceback …"))],
        transition_ids=[(0, "deadbeef00000006")],
        gaps=[GapFact(10, 7, 1000, "buffer full", (2, 5, 2))],
        closed=[MachineClosed(11, 1_800_000_000_000_000_300, "disposed")],
    )


@settings(max_examples=150)
@given(batches())
def test_every_batch_comes_back_as_it_was(batch: Batch) -> None:
    assert decode(encode(batch)) == batch


def test_one_of_everything_comes_back_as_it_was() -> None:
    assert decode(encode(sample())) == sample()


def test_a_frame_recorded_with_the_first_release_is_understood_for_ever() -> None:
    data = bytes.fromhex((GOLDEN / "batch-v1.hex").read_text())
    assert decode(data) == sample()


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_batch_or_a_wire_error(data: bytes) -> None:
    try:
        decode(data)
    except WireError:
        return


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_frame_gives_a_consistent_batch_or_a_wire_error(data: st.DataObject) -> None:
    frame = bytearray(encode(sample()))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = decode(bytes(frame))
    except WireError:
        return
    texts = {handle for handle, _ in batch.texts}
    known = {definition.handle for definition in batch.patterns}
    assert set(batch.logs.text) <= texts
    assert set(batch.transitions.pattern) <= known
    assert all(0 <= at < 2**63 for at in batch.transitions.at_ns)


def _message() -> pb.Batch:
    return pb.ClientFrame.FromString(encode(sample())).batch


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("machine", [10, 11]),
        ("machine", [10, 11, 99]),
        ("pattern", [100, 200, 999]),
        ("pattern", [200, 200, 100]),
        ("sequence", [6, -5, 5]),
        ("sequence", [6, -5, 2**63 - 1]),
        ("at_ns", [1, -2, 1]),
        ("at_ns", [2**62, 2**62, 2**62]),
        ("duration_ns", [1]),
        ("duration_ns", [2**64 - 1, 0, 0]),
        ("queue_len", [2**63, 0, 0]),
        ("queue_tick", [-1, 0, 0]),
        ("log_row", [0, 0, 3]),
        ("log_text", [1, 7, 8]),
        ("log_level", [1, 2, 256]),
        ("log_before", [True]),
        ("source_row", [0, 3]),
        ("source_row", [2, 2]),
        ("source_machine", [0, 2]),
        ("source_sequence", [2**63, 0]),
        ("source_names", ["root", "x" * 20_000]),
        ("argument_row", [3]),
        ("argument_json", ["{}", "{}"]),
        ("id_row", [1, 2]),
    ],
)
def test_columns_that_contradict_each_other_are_refused(field: str, values: list[object]) -> None:
    message = _message()
    getattr(message, field)[:] = values
    with pytest.raises(WireError):
        Decoder().decode(message)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "first_seq", 0),
        lambda m: setattr(m, "last_seq", 1),
        lambda m: setattr(m, "last_seq", 2**64 - 1),
        lambda m: setattr(m.opened[0], "schema", 99),
        lambda m: setattr(m.opened[0], "at_ns", 2**63),
        lambda m: setattr(m.opened[0], "id", "x" * 20_000),
        lambda m: m.opened[0].clock.append(1),
        lambda m: setattr(m.schemas[0].states[0], "name", "Start"),
        lambda m: m.schemas.add(handle=m.schemas[0].handle).states.add(name="Other"),
        lambda m: setattr(m.patterns[0], "schema", 99),
        lambda m: setattr(m.patterns[0], "mutation", 7),
        lambda m: setattr(m.patterns[0], "flags", 64),
        lambda m: m.patterns[0].called.append(3),
        lambda m: m.patterns[0].delta_ticks.append(3),
        lambda m: m.patterns[0].added.append(0),
        lambda m: m.patterns[0].step_kind.append(1),
        lambda m: m.patterns[0].step_kind.__setitem__(0, 8),
        lambda m: m.patterns[0].step_target.__setitem__(0, 5),
        lambda m: setattr(m.revised[0], "machine", 99),
        lambda m: setattr(m.revised[0], "schema", 99),
        lambda m: setattr(m.gaps[0], "machine", 99),
        lambda m: setattr(m.gaps[0], "lost", 0),
        lambda m: setattr(m.gaps[0], "lost", 2**63),
        lambda m: m.gaps[0].clock.extend([1, 1]),
        lambda m: setattr(m.closed[0], "machine", 99),
        lambda m: m.closed.add(machine=11),
        lambda m: setattr(m.problems[0], "row", 3),
    ],
)
def test_definitions_that_make_no_sense_are_refused(change: object) -> None:
    message = _message()
    change(message)  # type: ignore[operator]  # each entry is a function of the message
    with pytest.raises(WireError):
        Decoder().decode(message)


def test_a_batch_with_too_many_rows_is_refused_before_its_columns_are_looked_at() -> None:
    with pytest.raises(WireError, match="70000 transitions"):
        Decoder().decode(pb.Batch(first_seq=1, last_seq=1, machine=[1] * 70_000))


def test_machines_with_too_many_states_altogether_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed ones do not count: a program may have had any number of machines in its life."""
    monkeypatch.setattr(decoding, "MAX_CELLS", 10)
    schema = SchemaFact(tuple(StateFact(name) for name in "ABC"))
    decoder = Decoder()
    told = Batch(1, 1, schemas=[(1, schema)])
    for handle in range(1, 20):
        told.first_seq = told.last_seq = handle
        told.opened = [(handle, 5, MachineFact("m", schema))]
        told.closed = [MachineClosed(handle, 6, "disposed")]
        decoder.decode(pb.ClientFrame.FromString(encode(told)).batch)
    crowd = Batch(20, 20, schemas=[(1, schema)], opened=[(handle, 5, MachineFact("m", schema)) for handle in range(4)])
    with pytest.raises(WireError, match="too many states"):
        decoder.decode(pb.ClientFrame.FromString(encode(crowd)).batch)


def test_definitions_and_records_may_be_encoded_apart_and_joined() -> None:
    whole = sample()
    handles = {fact.digest: handle for handle, fact in whole.schemas}
    records = replace(whole, texts=[], schemas=[], opened=whole.opened[1:], patterns=[])
    told = Batch(texts=whole.texts, schemas=whole.schemas, opened=whole.opened[:1], patterns=whole.patterns)
    joined = decode(encode(told, handles) + encode(records, handles))
    assert joined == whole


def test_definitions_last_for_a_connection() -> None:
    decoder = Decoder()
    decoder.decode(_message())
    columns = TransitionColumns([10], [2000], [5], [0], [100], [0], [0])
    later = Batch(49, 49, transitions=columns, logs=LogColumns([0], [1], [7], [False]))
    assert decoder.decode(pb.ClientFrame.FromString(encode(later)).batch) == later
    fresh = Batch(1, 1, schemas=sample().schemas, opened=sample().opened, transitions=columns)
    with pytest.raises(WireError, match="pattern 100 is not defined"):
        decode(encode(fresh))


@pytest.mark.parametrize("sequences", [[5, 6, 6], [5, 4], [2], [2**62, 2**63 + 5]])
@pytest.mark.parametrize("machines", [1, 2])
def test_transitions_that_do_not_go_forward_are_refused(sequences: list[int], machines: int) -> None:
    """In batches of one machine, which are looked through at once, and in batches of several."""
    schema = SchemaFact((StateFact("A"),))
    told = Batch(1, 1, schemas=[(1, schema)], patterns=[PatternDef(1, 1, PatternFact("add"))])
    told.opened = [(handle, 5, MachineFact(f"m{handle}", schema, sequence=2)) for handle in (1, 2)]
    decoder = Decoder()
    decoder.decode(pb.ClientFrame.FromString(encode(told)).batch)
    count = len(sequences) * machines
    numbers = [number for number in sequences for _ in range(machines)]
    columns = TransitionColumns([1 + row % machines for row in range(count)], numbers, *[[1] * count for _ in range(5)])
    later = pb.ClientFrame.FromString(encode(Batch(2, 1 + count, transitions=columns))).batch
    with pytest.raises(WireError, match=r"goes back|out of range"):
        decoder.decode(later)


@pytest.mark.parametrize("values", [[2**63], [2**62, 2**62], [2**63 - 1, 1]])
def test_durations_may_be_long_together_but_none_may_be_too_long_for_a_database(values: list[int]) -> None:
    decoder = Decoder()
    decoder.decode(_message())
    size = len(values)
    columns = TransitionColumns([10] * size, list(range(2000, 2000 + size)), [5] * size, values, [100] * size)
    columns.queue_len = columns.queue_tick = [0] * size
    later = pb.ClientFrame.FromString(encode(Batch(49, 48 + size, transitions=columns))).batch
    if max(values) >= 2**63:
        with pytest.raises(WireError, match="out of range"):
            decoder.decode(later)
    else:
        assert decoder.decode(later).transitions.duration_ns == values


def test_a_machine_that_was_closed_is_unknown_afterwards() -> None:
    decoder = Decoder()
    decoder.decode(_message())
    later = Batch(49, 49, transitions=TransitionColumns([11], [2], [5], [0], [200], [0], [0]))
    with pytest.raises(WireError, match="machine 11 was not opened"):
        decoder.decode(pb.ClientFrame.FromString(encode(later)).batch)


def test_lone_surrogates_are_spelled_out() -> None:
    assert clean("a\udc80b") == "a\\udc80b"
    batch = Batch(1, 1, texts=[(1, "\ud800")])
    assert decode(encode(batch)).texts == [(1, "\\ud800")]


def test_numbers_that_do_not_fit_cannot_be_encoded() -> None:
    batch = replace(sample(), last_seq=2**64)
    with pytest.raises(WireError):
        encode(batch)


def test_a_machine_with_an_unknown_schema_cannot_be_encoded() -> None:
    with pytest.raises(WireError):
        encode(Batch(1, 1, opened=sample().opened))


def test_a_repetitive_transition_takes_at_most_twelve_bytes() -> None:
    dice = random.Random(1)
    count = 512
    machines = [dice.randint(1, 40) for _ in range(count)]
    columns = TransitionColumns(
        machines,
        [1000 + i for i in range(count)],
        [1_800_000_000_000_000_000 + 11_000 * i for i in range(count)],
        [dice.randint(2_000, 9_000) for _ in range(count)],
        [dice.randint(1, 233) for _ in range(count)],
        [0] * count,
        [100 + i for i in range(count)],
    )
    assert len(encode(Batch(1, count, transitions=columns))) / count < 12
