"""Text from outside is kept as it is, or made harmless, and never stops the recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.facts import ErrorFact, Flag, PatternFact, ProcessFact, SchemaFact, SourceFact, StateFact, StepFact
from am_telemetry.store import codec
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender

anything = st.text(st.characters(exclude_categories=()), max_size=40)

HOSTILE = [
    "[red]x[/red]",
    "\x1b[2J\x1b]0;title\x07",
    "nul \x00 inside",
    "\u202eright to left\u202c",
    "lone \udc80 surrogate \ud800",
    "'; DROP TABLE transitions; --",
    "𝔘𝔫𝔦 🧪 e\u0301",
    "",
    "line\nbreak\r\n\u2028",
    '{"a": [1}',
]


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 1_000_000])
def test_text_comes_back(tmp_path: Path, text: str) -> None:
    """Only lone surrogates, which no UTF-8 file can hold, are spelled out."""
    facts = SchemaFact((StateFact(text, tags=(text,), require=(text, text)), StateFact("B")))
    pattern = PatternFact(
        "add",
        (0,),
        Flag.ACCEPTED,
        ((0, 1),),
        (0,),
        steps=(StepFact("rel", 0, -2, "require", True, False, True),),
        handlers=(text,),
        canceled_by=text,
    )
    sender = Sender()
    with SessionFile.create(tmp_path / "s.db") as session, Writer(session) as writer:
        writer.open_session(ProcessFact(sender.session, text, text, 1, text, text, {text: text}), NOW)
        sender.open(0, text, facts, parent=text)
        row = sender.add(0, pattern, text, source=SourceFact(text, 1, 2, text))
        sender.batch.arguments.append((row, text))
        sender.batch.errors.append((row, ErrorFact(text, text, text)))
        sender.batch.transition_ids.append((row, text))
        sender.gap(0, 1, reason=text)
        sender.close(0, text)
        writer.put(sender.session, sender.take())
        writer.close_session(sender.session, NOW, text)
        assert writer.flush(10)
        assert writer.failure is None
    stored = codec.storable(text)
    with SessionFile.open(tmp_path / "s.db") as session:
        (machine,) = session.machines
        assert (machine.name, machine.parent) == (stored, stored)
        assert session.schema(machine.schema_id) == codec.storable_schema(facts)
        assert session.schema(machine.schema_id).names[0] == stored
        record = session.transition(machine.id, 1)
        assert record.pattern.fact.handlers == (stored,)
        assert record.pattern.fact.steps == pattern.steps
        assert record.pattern.fact.canceled_by == stored
        assert record.source == SourceFact(stored, 1, 2, stored)
        assert record.error == ErrorFact(stored, stored, stored)
        assert record.arguments is not None
        assert [line.text for line in session.log_lines(machine.id, 1, 1)] == [stored]
        assert session.process(machine.process_id).name == stored
        for view in ("v_transitions", "v_errors", "v_log", "v_last_state", "v_state_activity", "v_slowest"):
            assert len(session.reader().execute(f"SELECT * FROM {view}").fetchall()) == 1


@given(anything)
def test_storable_text_has_a_form_in_utf8_and_is_otherwise_untouched(text: str) -> None:
    stored = codec.storable(text)
    stored.encode()
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert stored == text
    assert codec.storable(stored) == stored


names = st.lists(anything, min_size=1, max_size=5, unique=True)


@given(names, st.data())
@settings(max_examples=60)
def test_schemas_and_patterns_survive_their_columns(states: list[str], data: st.DataObject) -> None:
    texts = st.lists(anything, max_size=2).map(tuple)
    schema = SchemaFact(
        tuple(
            StateFact(name, data.draw(st.booleans()), data.draw(st.booleans()), *[data.draw(texts)] * 5)
            for name in states
        )
    )
    stored = codec.storable_schema(schema)
    assert codec.schema_from_json(codec.schema_to_json(schema)) == stored
    assert stored.names == tuple(codec.storable(name) for name in states)
    index = st.integers(-2, len(states))
    indexes = st.lists(index, max_size=3).map(tuple)
    fact = PatternFact(
        data.draw(st.sampled_from(["add", "remove", "set"])),
        data.draw(indexes),
        Flag(data.draw(st.integers(0, 31))),
        data.draw(st.lists(st.tuples(index, st.integers(0, 9)), max_size=3).map(tuple)),
        data.draw(indexes),
        data.draw(indexes),
        (StepFact("rel", data.draw(index), data.draw(index), "add", data.draw(st.booleans())),),
        data.draw(texts),
        "relations",
    )
    values = codec.pattern_values(fact, schema)
    assert codec.pattern_from_row((1, 1, *values)) == codec.storable_pattern(fact)
    for value in values:
        if isinstance(value, str):
            value.encode()


NESTED = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a":1}', {"a": 1}), ("[1]", {"": [1]}), ("no json", {"": "no json"}), (NESTED, {"": NESTED})],
    ids=["object", "array", "other text", "nested brackets"],
)
def test_arguments_are_shown_whatever_they_are(text: str, value: dict) -> None:
    assert codec.arguments_from_json(text) == value


def test_a_text_that_repeats_is_stored_once(tmp_path: Path) -> None:
    sender = Sender()
    with SessionFile.create(tmp_path / "s.db") as session, Writer(session) as writer:
        for _ in range(3):
            # Every connection numbers its texts anew.
            have = writer.open_session(sender.process, NOW)
            sender = Sender(sender.session, have)
            sender.open(0, "m")
            sender.sequences[0] = have
            sender.toggle(0)
            sender.add(0, PatternFact("add", (1,)), "again", "and again")
            writer.put(sender.session, sender.take())
        assert writer.flush(5)
        rows = session.reader().execute("SELECT text FROM texts ORDER BY id").fetchall()
        assert rows == [("again",), ("and again",)]
        assert session.reader().execute("SELECT count(*) FROM log_lines").fetchone() == (6,)
