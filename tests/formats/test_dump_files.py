"""Dump files: good ones in bounded pieces, bad ones with one clear sentence."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.gob_stream import GobStream
from am_telemetry.formats.upstream_dump import BATCH_SIZE, BrotliReader, Dump
from tests.formats.dumps import SCHEMA, TX_V10, gob_dump, read, shop
from tests.formats.gob_encoder import Encoder, Map, Slice, Struct, uint


def refusal(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read(data)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_dump_is_read_machine_after_machine() -> None:
    """Handles are defined before they are used, and every machine is opened once and closed once."""
    batches = read(shop(1500))
    assert [len(batch) for batch in batches] == [BATCH_SIZE] * 5 + [6000 - 5 * BATCH_SIZE]
    known: set[int] = set()
    opened: list[str] = []
    closed = 0
    last_seq = 0
    for batch in batches:
        assert batch.first_seq == last_seq + 1
        last_seq = batch.last_seq
        known.update(handle for handle, _ in [*batch.texts, *batch.schemas])
        known.update(handle for handle, _, _ in batch.opened)
        known.update(one.handle for one in batch.patterns)
        used = {*batch.transitions.machine, *batch.transitions.pattern, *batch.logs.text}
        assert used <= known
        opened += [fact.id for _, _, fact in batch.opened]
        closed += len(batch.closed)
    assert opened == ["shop", "till"]
    assert closed == 2


def test_progress_counts_compressed_bytes_up_to_the_size_of_the_file() -> None:
    """Never backwards, and all of it at the end."""
    data = shop(500)
    seen: list[int] = []
    list(Dump(io.BytesIO(data), seen.append).batches())
    assert seen == sorted(seen)
    assert seen[-1] == len(data)


def test_memory_does_not_grow_with_the_dump() -> None:
    """Ten times the transitions take about the same memory, because batches are handed on."""
    peaks = []
    for count in (500, 3_000):
        data = shop(count)
        dump = Dump(io.BytesIO(data), lambda _: None)
        tracemalloc.start()
        for _ in dump.batches():
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_a_machine_without_transitions_is_kept() -> None:
    """It appears with its states, opened and closed at the latest known moment."""
    (batch,) = read(brotli.compress(gob_dump([({"ID": "idle", "StatesIndex": ["A"], "States": {}}, [])])))
    assert [fact.id for _, _, fact in batch.opened] == ["idle"]
    assert len(batch.closed) == 1
    assert len(batch) == 0


def test_fields_of_later_versions_are_passed_over() -> None:
    """Markers and a version in the exported struct, groups in the schema."""
    schema_type = Struct(
        "DbgMsgStruct", [*SCHEMA.fields, ("Groups", Map("string", Slice("int"))), ("GroupsOrder", Slice("string"))]
    )
    export = Struct(
        "Exportable",
        [
            ("MsgStruct", schema_type),
            ("MsgTxs", Slice(TX_V10)),
            ("Markers", Map("string", Struct("Nothing"))),
            ("Version", "string"),
        ],
    )
    schema = {"ID": "m", "StatesIndex": ["A"], "States": {"A": {}}, "Groups": {"g": [0]}, "GroupsOrder": ["g"]}
    value = {"MsgStruct": schema, "MsgTxs": [{"Clocks": [1]}], "Markers": {"t1": {}}, "Version": "v0.19.1"}
    for kind, whole in ((Slice(export), [value]), (export, value)):
        (batch,) = read(brotli.compress(Encoder().value(kind, whole)))
        assert len(batch) == 1


def test_every_truncated_dump_is_refused() -> None:
    """Cut off anywhere, before or inside the compressed stream's end."""
    data = shop(3)
    for end in range(len(data)):
        assert refusal(data[:end])


def test_truncated_gob_in_intact_brotli_is_refused() -> None:
    """The compression cannot notice it; the decoder does."""
    gob = brotli.decompress(shop(2))
    for end in range(0, len(gob), 7):
        assert refusal(brotli.compress(gob[:end], quality=1))


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_random_files_are_refused(data: bytes) -> None:
    """With the documented error and no other."""
    refusal(data)


@given(st.data())
@settings(max_examples=150)
def test_dumps_with_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    """Inside the compression, where the decoder meets them."""
    gob = bytearray(GOB)
    for _ in range(data.draw(st.integers(1, 3))):
        gob[data.draw(st.integers(0, len(gob) - 1))] = data.draw(st.integers(0, 255))
    try:
        batches = read(brotli.compress(bytes(gob), quality=0))
    except FormatError as error:
        batches = []
        problem = error.message
        assert problem
    assert sum(len(batch) for batch in batches) <= 4000


GOB = brotli.decompress(shop(2))


@pytest.mark.parametrize(
    ("what", "data", "words"),
    [
        ("nothing", b"", "empty"),
        ("text", b"hello, this is no recording" * 9, "brotli"),
        ("something in brotli", brotli.compress(b"\x1f" * 5000), "gob"),
        ("an empty brotli stream", brotli.compress(b""), "end"),
        ("another gob value", brotli.compress(Encoder().value(Slice("int"), [1, 2])), "not a recording"),
        ("a gob struct of another kind", brotli.compress(Encoder().value(Struct("P", [("X", "int")]), {})), "not a"),
        ("data after the value", brotli.compress(GOB + b"\x03\x04\x00\x02"), "something else"),
    ],
)
def test_foreign_files_are_refused_with_a_reason(what: str, data: bytes, words: str) -> None:
    """The sentence says what is wrong."""
    assert words in refusal(data), what


@pytest.mark.parametrize(
    ("field", "kind", "value", "words"),
    [
        ("Clocks", "string", "x", "Clocks is a plain value instead of a slice"),
        ("Clocks", Slice("string"), ["x"], "Clocks[] is not a whole number"),
        ("Steps", Slice("int"), [1], "Steps[] is a plain value"),
        ("LogEntries", Slice(Struct("L", [("Text", "bytes")])), [{"Text": b"x"}], "Text is not text"),
        ("Time", Slice("int"), [1], "Time is a slice"),
        ("CalledStates", Map("string", "string"), {"a": "b"}, "CalledStates is a map"),
        ("Args", Map("int", "string"), {1: "b"}, "Args[key] is not text"),
        ("Accepted", "int", 1, "Accepted is not a truth value"),
    ],
)
def test_fields_of_another_type_are_refused_by_name(field: str, kind: Any, value: Any, words: str) -> None:
    """The stream's own definition is checked before any value is believed."""
    tx = Struct("DbgMsgTx", [("ID", "string"), (field, kind)])
    schema = {"ID": "m", "StatesIndex": ["A"], "States": {}}
    assert words in refusal(brotli.compress(gob_dump([(schema, [{"ID": "1", field: value}])], tx)))


def test_transitions_without_a_schema_are_refused() -> None:
    """A machine that was never described cannot be shown."""
    export = Struct("Exportable", [("MsgStruct", SCHEMA), ("MsgTxs", Slice(TX_V10))])
    data = brotli.compress(Encoder().value(Slice(export), [{"MsgTxs": [{"ID": "1"}]}]))
    assert "schema" in refusal(data)


def test_a_bomb_of_brotli_is_opened_in_small_pieces() -> None:
    """A kilobyte that unfolds to hundreds of megabytes costs neither memory nor time."""
    bomb = brotli.compress(bytes(200_000_000), quality=4)
    assert len(bomb) < 100_000
    reader = BrotliReader(io.BytesIO(bomb), lambda _: None)
    tracemalloc.start()
    try:
        assert all(len(reader()) <= 2**18 for _ in range(20))
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    message_of_zeros = uint(190_000_000) + b"\x04\x00"
    head = GOB[:-200]
    assert refusal(brotli.compress(head + message_of_zeros + bytes(190_000_000), quality=4))


def test_a_single_record_of_many_megabytes_is_refused() -> None:
    """One transition never is that large; holding it would need many times its size."""
    chunks = [Encoder().value(Slice(Struct("S", [("A", "string")])), [{"A": "x" * 9_000_000}])]
    stream = GobStream(lambda: chunks.pop() if chunks else b"")
    with pytest.raises(FormatError, match="single record"):
        list(stream.items(stream.begin(), ()))
