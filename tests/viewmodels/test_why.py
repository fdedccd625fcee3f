"""Why a state is active or not: one machine for each rule that decides about it, run by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from am_dbg.session import Session
from am_dbg.session.targets import GoToTransition
from am_dbg.viewmodels.why import Explanation, explain
from am_telemetry.facts import SchemaFact, SourceFact, StateFact
from am_telemetry.store.records import HandlerRunRecord
from tests.support.engine_recordings import Call, engine_recordings, record
from tests.support.memory_recording import MILLISECOND, START_NS, MemoryRecording

SECOND = 1_000_000_000


class Objecting:
    def AEnter(self, e: object) -> bool:
        return False

    def BExit(self, e: object) -> bool:
        return False

    def CEnter(self, e: object) -> bool:
        raise ValueError("no")

    def DState(self, e: object) -> None:
        raise ValueError("no")


def asked(session: Session, state: str, number: int | None = None) -> Explanation:
    session.clear_filters()
    if number is None:
        session.last()
    else:
        session.go_to_number(number)
    found = explain(session, state)
    assert found is not None
    return found


def texts(found: Explanation) -> list[str]:
    return ["".join(span.text for span in row.line).strip() for row in found.rows]


Schema = Mapping[str, Mapping[str, Any]]
PLAIN: Schema = {"A": {}, "B": {}, "C": {}, "D": {}}
REQUIRE: Schema = {"A": {"require": ["B"]}, "B": {}, "C": {}}
REMOVE: Schema = {"A": {}, "B": {"remove": ["A"]}, "C": {}}
AUTO: Schema = {"A": {"auto": True, "require": ["B"]}, "B": {}, "C": {}}

RULES: list[tuple[str, Schema, Sequence[Call], str, object, str, int | None, str]] = [
    (
        "a requirement that was never there", REQUIRE, [("add", ("A",))], "A", None,
        "It was asked for in #1 in vain: it requires B, which had never been active.", 1, "B",
    ),
    (
        "a requirement that had gone", REQUIRE, [("add", ("B",)), ("remove", ("B",)), ("add", ("A",))], "A", None,
        "It was asked for in #3 in vain: it requires B, which was not active since #2 (10 ms).", 3, "B",
    ),
    (
        "an active state that removes", REMOVE, [("add", ("B",)), ("add", ("A",))], "A", None,
        "It was asked for in #2 in vain: B removes it.", 2, "B",
    ),
    (
        "a state called with it that removes", REMOVE, [("add", ("A", "B"))], "A", None,
        "It was asked for in #1 in vain: B removes it.", 1, "B",
    ),
    (
        "a state called with it that is refused", {"A": {}, "B": {"require": ["C"]}, "C": {}}, [("add", ("A", "B"))],
        "A", None,
        "It was asked for in #1 in vain: B, called with it, was refused: requires C, which had never been active.",
        1, "C",
    ),
    (
        "a state that is brought in lacks something", {"A": {"add": ["C"]}, "C": {"require": ["B"]}, "B": {}},
        [("add", ("A",))], "C", None,
        "It was to be brought in in #1 in vain: it requires B, which had never been active.", 1, "B",
    ),
    (
        "a handler that may object", PLAIN, [("add", ("A",))], "A", Objecting(),
        "It was asked for in #1 in vain: refused by AEnter.", 1, "",
    ),
    (
        "a handler that fails before", PLAIN, [("add", ("C",))], "C", Objecting(),
        "It was asked for in #1 in vain: CEnter failed.", 1, "",
    ),
    (
        "a handler that fails afterwards", PLAIN, [("add", ("D",))], "D", Objecting(),
        "It was asked for in #1 in vain: DState failed.", 1, "",
    ),
    (
        "an automatic state that was tried", AUTO, [("add", ("C",))], "A", None,
        "It was tried by itself in #2 in vain: it requires B, which had never been active.", 2, "B",
    ),
    (
        "an automatic state whose handler objects", {"A": {"auto": True}, "B": {}, "C": {}, "D": {}},
        [("add", ("B",))], "A", Objecting(), "It was tried by itself in #2 in vain: refused by AEnter.", 2, "",
    ),
    (
        "an automatic state that is not even tried", {"A": {"auto": True}, "B": {"remove": ["A"]}}, [("add", ("B",))],
        "A", None, "It is automatic, but B, which is active, removes it.", None, "B",
    ),
    (
        "nobody asked", REQUIRE, [("add", ("C",))], "A", None,
        "Nobody asked for it so far, and it was not tried by itself.", None, "",
    ),
    (
        "removed by another one, and nobody asked again", REMOVE, [("add", ("A",)), ("add", ("B",))], "A", None,
        "Nobody asked for it since it went, and it was not tried by itself.", None, "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "calls", "state", "handlers", "sentence", "number", "other"),
    [rule[1:] for rule in RULES],
    ids=[rule[0] for rule in RULES],
)
def test_the_first_sentence_says_why_not(
    schema: Schema,
    calls: Sequence[Call],
    state: str,
    handlers: object,
    sentence: str,
    number: int | None,
    other: str,
) -> None:
    found = asked(Session(record(schema, calls, handlers), live=False), state)
    assert not found.active
    assert texts(found)[0] == sentence
    assert found.rows[0].target == (None if number is None else GoToTransition(1, number))
    assert found.rows[0].state == other


@pytest.mark.parametrize(
    ("schema", "calls", "sentence"),
    [
        (PLAIN, [("add", ("A",)), ("remove", ("A",))], "its removal was asked for"),
        (PLAIN, [("add", ("A",)), ("set", ("B",))], "other states were set in its place"),
        (REMOVE, [("add", ("A",)), ("add", ("B",))], "removed by B (Remove)"),
        (REQUIRE, [("add", ("A", "B")), ("remove", ("B",))], "it requires B, which went"),
    ],
)
def test_what_ended_a_state_is_told(schema: Schema, calls: Sequence[Call], sentence: str) -> None:
    found = asked(Session(record(schema, calls), live=False), "A")
    assert any(text.startswith("○ A is not active since #2 ") and text.endswith(sentence) for text in texts(found))


@pytest.mark.parametrize(
    ("schema", "calls", "sentence"),
    [
        (PLAIN, [("add", ("A",))], "it was called"),
        ({"A": {}, "B": {"add": ["A"]}}, [("add", ("B",))], "B brought it in (Add)"),
        (AUTO, [("add", ("B",))], "it is automatic, and nothing kept it out any more"),
    ],
)
def test_what_made_a_state_active_is_told(schema: Schema, calls: Sequence[Call], sentence: str) -> None:
    found = asked(Session(record(schema, calls), live=False), "A")
    assert found.active
    assert texts(found)[0].startswith("● A is active since #")
    assert texts(found)[0].endswith(sentence)


def test_attempts_to_end_an_active_state_are_listed() -> None:
    found = asked(Session(record(PLAIN, [("add", ("B",)), ("remove", ("B",))], Objecting()), live=False), "B")
    assert texts(found)[1] == "Attempts to end it: 1"
    assert texts(found)[2].endswith("remove ✕ refused by BExit")


def test_an_attempt_after_the_moment_counts_as_moments_are_typed_in_minutes() -> None:
    session = Session(record(REQUIRE, [("add", ("C",)), ("add", ("A",)), ("add", ("B",)), ("add", ("A",))]), live=False)
    found = asked(session, "A", 1)
    assert texts(found)[0].startswith("It was asked for in #2, after this moment, in vain: it requires B")
    assert any(text.startswith("Becomes active in #4") for text in texts(found))


def without_steps() -> MemoryRecording:
    """A recording at a low detail: refused for B, slow in a handler, asked for by another machine."""
    recording = MemoryRecording()
    schema = SchemaFact((StateFact("A", require=("B",)), StateFact("B")))
    gateway = recording.machine("gateway", ["Online"], at_ns=START_NS)
    gateway.add("Online", at_ns=START_NS)
    orders = recording.machine("orders", schema, at_ns=START_NS)
    orders.add("A", accepted=False, canceled_by="relations", at_ns=START_NS + SECOND)
    orders.add("B", at_ns=START_NS + 2 * SECOND, source=SourceFact("gateway", 1))
    orders.add("A", accepted=False, canceled_by="AEnter", handlers=["AEnter"], at_ns=START_NS + 3 * SECOND)
    recording.timed_handlers[2, 3] = [HandlerRunRecord("AEnter", 0, 8 * MILLISECOND)]
    orders.add("A", accepted=False, canceled_by="timeout", handlers=["AEnter"], at_ns=START_NS + 4 * SECOND)
    recording.catch_up()
    return recording


def test_without_steps_the_schema_is_asked_and_that_is_said() -> None:
    session = Session(without_steps(), live=False)
    session.select_machine(2)
    found = asked(session, "A", 1)
    assert texts(found)[0] == (
        "It was asked for in #1 in vain: it requires B, which had never been active"
        " (by the schema; no steps were recorded)."
    )


def test_handlers_are_told_with_what_they_took_and_causes_with_their_machine() -> None:
    session = Session(without_steps(), live=False)
    session.select_machine(2)
    found = asked(session, "A")
    assert texts(found)[0] == "It was asked for in #4 in vain: AEnter took too long."
    assert any(text.endswith("add ✕ refused by AEnter (8.0 ms)") for text in texts(found))
    found = asked(session, "B")
    assert any("asked for in a handler of gateway #1" in text for text in texts(found))
    assert GoToTransition(1, 1) in [row.target for row in found.rows]


def test_a_state_the_machine_does_not_have_is_not_explained() -> None:
    session = Session(record(PLAIN, [("add", ("A",))]), live=False)
    assert explain(session, "Elsewhere") is None


@given(engine_recordings())
@settings(max_examples=25, deadline=None)
def test_whatever_the_engine_did_every_state_is_explained_at_every_moment(recording: MemoryRecording) -> None:
    session = Session(recording, live=False)
    session.clear_filters()
    timeline = recording.timeline(1)
    for number in range(timeline.count + 1):
        session.go_to_number(number)
        for state, name in enumerate(timeline.schema.names):
            found = explain(session, name)
            assert found is not None
            assert found.active == timeline.is_active(state, number)
            assert all("no steps were recorded" not in text for text in texts(found))
            targets = [row.target for row in found.rows if isinstance(row.target, GoToTransition)]
            assert all(timeline.holds(target.number) for target in targets)
