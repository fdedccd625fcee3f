"""Queries over whole timelines."""

from __future__ import annotations

from datetime import UTC
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg.session import query_terms as terms
from am_dbg.session.query_names import named
from am_dbg.session.query_syntax import looks_like_query, parse
from am_dbg.session.query_terms import QueryError, Term
from am_dbg.session.querying import Query
from am_telemetry.facts import SchemaFact, StateFact
from tests.support.memory_index import MemoryIndex
from tests.support.memory_recording import MILLISECOND, START_NS, MemoryRecording
from tests.support.random_recordings import recordings

SECOND = 1_000_000_000


def found(recording: MemoryRecording, text: str) -> dict[str, list[int]]:
    query = Query(text, recording, tz=UTC)
    for wanted in query.texts:
        query.take(wanted, MemoryIndex(recording).numbers(wanted.text))
    names = {machine.id: machine.name for machine in recording.machines}
    return {names[machine]: list(numbers) for machine, numbers in query.everywhere().items()}


def shop() -> MemoryRecording:
    """Orders is asked for Ready in vain (#2), then gets it (#3) and loses it (#5); billing has Ready throughout."""
    recording = MemoryRecording()
    schema = SchemaFact((StateFact("Start"), StateFact("Ready"), StateFact("Reading", multi=True)), (("Net", (1, 2)),))
    orders = recording.machine("orders", schema, tags=["eu"])
    orders.add("Start", at_ns=START_NS, duration_ns=60 * MILLISECOND)
    orders.add("Ready", accepted=False, canceled_by="ReadyEnter", handlers=["ReadyEnter"], at_ns=START_NS + SECOND)
    orders.add("Ready", at_ns=START_NS + 2 * SECOND, queue_len=12)
    orders.add("Reading", auto=True, at_ns=START_NS + 2 * SECOND + 1)
    orders.remove("Ready", at_ns=START_NS + 60 * SECOND)
    orders.add("Reading", at_ns=START_NS + 90 * SECOND)
    billing = recording.machine("billing-1", ["Ready", "Start"])
    billing.add("Ready", at_ns=START_NS + SECOND)
    recording.catch_up()
    return recording


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("Ready", {"orders": [3, 4], "billing-1": [1]}),
        ("active(Ready) & !auto", {"orders": [3], "billing-1": [1]}),
        ("+Ready mach:orders", {"orders": [3]}),
        ("-Ready", {"orders": [5]}),
        ("~Reading", {"orders": [4, 6]}),
        ("+Reading", {"orders": [4]}),
        ("called:Ready & canceled", {"orders": [2]}),
        ("!(Ready | canceled) mach:ord*", {"orders": [1, 5, 6]}),
        ("!(mach:orders & Ready)", {"orders": [1, 2, 5, 6], "billing-1": [1]}),
        ("!(@.. & Ready) mach:orders", {"orders": [1, 2, 5, 6]}),
        ("by:*Enter", {"orders": [2]}),
        ("kind:remove", {"orders": [5]}),
        ("tag:eu & group:Net", {"orders": [3, 4, 5, 6]}),
        ("dur>50ms", {"orders": [1]}),
        ("queue >= 12", {"orders": [3]}),
        ("gap>50s", {"orders": [5]}),
        ("dticks>1", {"orders": [6]}),
        ("tick(Reading)>=3", {"orders": [6]}),
        ("#2..3 mach:orders", {"orders": [2, 3]}),
        ("t:1..2 & !mach:billing*", {"orders": [1, 2, 3]}),
        ("q:4 | run:2", {"orders": [4]}),
        ("active(Reading)>60s", {"orders": [6]}),
        ("@22:14", {"orders": [5, 6]}),
        ("@-31s..", {"orders": [5, 6]}),
        ("@..22:13:21", {"orders": [1, 2], "billing-1": [1]}),
        ("@22:13:22 & auto", {"orders": [4]}),
        ("ready & +READY", {"orders": [3], "billing-1": [1]}),
        ("star", {"orders": [1, 2, 3, 4, 5, 6]}),
    ],
)
def test_terms_find_what_they_say(query: str, numbers: dict[str, list[int]]) -> None:
    assert found(shop(), query) == numbers


@pytest.mark.parametrize(
    ("query", "column", "message", "hint"),
    [
        ("", 0, "there is no query", "as in"),
        ("Ready &", 7, "ends too early", "missing"),
        ("(Ready", 6, "closing parenthesis", "column 1"),
        ("Ready)", 5, "')' does not belong here", "pairs"),
        ("Raedy", 0, "no machine has a state 'Raedy'", "did you mean Ready"),
        ("canceled & Rea", 11, "'Rea' is not clear", "Ready, Reading"),
        ("dur>50", 4, "'50' is no length of time", "50ms"),
        ("duration>50ms", 0, "nothing that is measured", "dur"),
        ("queue>many", 6, "is no number", "digits"),
        ("is:cancelled", 3, "no flag 'cancelled'", "canceled"),
        ("machine:orders", 0, "nothing called machine:", "mach"),
        ("mach:order", 5, "no machine 'order'", "orders"),
        ("kind:delete", 5, "no kind of mutation", "set"),
        ('"open', 0, "closing quote", ""),
        ("/time.*/", 0, "regular expressions", "double quotes"),
        ("#ten", 0, "no range of numbers", "#10..20"),
        ("@noon", 0, "not a moment", "@12:03"),
        ("touched(Ready)", 0, "no touched(…)", "active"),
        ("=5", 0, "'=' does not belong here", "missing"),
    ],
)
def test_mistakes_name_their_place_and_what_to_write_instead(query: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(QueryError) as failure:
        Query(query, shop())
    assert failure.value.column == column
    assert message in failure.value.message
    assert hint in failure.value.hint


def test_a_state_of_the_machine_that_is_looked_at_wins_where_a_beginning_may_mean_several() -> None:
    assert Query("Rea", shop(), states=["Ready"]).everywhere().keys() == {1, 2}


@pytest.mark.parametrize("text", ["dur>50ms", "canceled & auto", "mach:orders Ready", "is:error"])
def test_a_query_is_told_from_words_by_its_signs(text: str) -> None:
    assert looks_like_query(text)


@pytest.mark.parametrize("text", ["timeout", "card declined", "Ready", "a & b)", "url http://x?a=1"])
def test_words_are_no_query(text: str) -> None:
    assert not looks_like_query(text)


@given(st.text(alphabet='AB ab&|!()"<>=+-~:#@./0123456789sm', max_size=30))
@settings(max_examples=150, deadline=None)
def test_whatever_is_typed_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    columns = []
    try:
        parse(text)
    except QueryError as error:
        columns.append(error.column)
    assert all(0 <= column <= len(text) for column in columns)


# -- against an evaluation transition by transition -------------------------------------------------------------------


def holds(term: Term, recording: MemoryRecording, machine_id: int, number: int) -> bool:
    timeline = recording.timeline(machine_id)
    record = recording.transition(machine_id, number)
    fact, schema = record.pattern.fact, record.pattern.schema
    before = {s for s in range(len(schema.states)) if timeline.clock(number - 1)[s] % 2}
    after = {s for s in range(len(schema.states)) if timeline.clock(number)[s] % 2}
    match term:
        case terms.Both(parts):
            return all(holds(part, recording, machine_id, number) for part in parts)
        case terms.Either(parts):
            return any(holds(part, recording, machine_id, number) for part in parts)
        case terms.Negated(part):
            return not holds(part, recording, machine_id, number)
        case terms.OfState(aspect, name):
            state = schema.index[name]
            return {
                "active": state in after,
                "added": state in after - before,
                "removed": state in before - after,
                "changed": state in dict(fact.deltas),
                "called": state in fact.called,
            }[aspect]
        case terms.Flagged(flag):
            return {
                "accepted": fact.accepted,
                "canceled": not (fact.accepted or fact.check or fact.queued),
                "auto": fact.auto,
                "check": fact.check,
                "queued": fact.queued,
                "broken": fact.broken,
                "logged": number in timeline.logged,
            }[flag]
        case terms.Having(what, value):
            machine = recording.machines[machine_id - 1]
            return {
                "machine": fnmatchcase(machine.name, value),
                "kind": fact.mutation == value,
                "handler": any(fnmatchcase(handler, value) for handler in fact.handlers),
            }[what]
        case terms.Within(measure, low, high, name):
            value = {
                "number": number,
                "machine time": sum(timeline.clock(number)),
                "ticks": sum(ticks for _, ticks in fact.deltas),
                "tick": timeline.clock(number)[schema.index[name]] if name else 0,
                "gap": record.at_ns - recording.transition(machine_id, number - 1).at_ns if number > 1 else -1,
                "duration": record.duration_ns,
                "queue": record.queue_len,
                "active for": active_for(recording, machine_id, schema.index[name], number) if name else 0,
            }[measure]
            fits = (low is None or value >= low) and (high is None or value <= high)
            return fits and not (measure == "gap" and number == 1) and not (measure == "active for" and value < 0)
    raise AssertionError(term)


def active_for(recording: MemoryRecording, machine_id: int, state: int, number: int) -> int:
    """Since when a state has been active; -2^62 when it is not, which no limit of these tests includes."""
    timeline = recording.timeline(machine_id)
    since = number
    if not timeline.is_active(state, number):
        return -(1 << 62)
    while since > 1 and timeline.is_active(state, since - 1):
        since -= 1
    return timeline.at(number) - timeline.at(since)


STATES = st.sampled_from(["Ready", "Start", "Loading", "Exception", "Heartbeat"])
LIMITS = st.sampled_from([">", ">=", "<", "<=", "="])
TERMS = st.one_of(
    STATES,
    st.builds("{}{}".format, st.sampled_from("+-~"), STATES),
    st.builds("{}:{}".format, st.sampled_from(["called", "changed"]), STATES),
    st.sampled_from(["accepted", "canceled", "auto", "check", "queued", "broken", "logged"]),
    st.sampled_from(["mach:m0", "mach:m*", "mach:x*", "kind:add", "kind:set", "by:Ready*", "by:None"]),
    st.builds("#{}..{}".format, st.integers(0, 12), st.integers(0, 26)),
    st.builds("t:{}..".format, st.integers(0, 12)),
    st.builds("dticks{}{}".format, LIMITS, st.integers(0, 3)),
    st.builds("tick({}){}{}".format, STATES, LIMITS, st.integers(0, 6)),
    st.builds("gap{}{}s".format, LIMITS, st.integers(0, 4)),
    st.builds("active({})>={}s".format, STATES, st.integers(0, 9)),
    st.builds("dur{}300us".format, LIMITS),
)
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds("({} & {})".format, inner, inner),
        st.builds("({} {})".format, inner, inner),
        st.builds("({} | {})".format, inner, inner),
        st.builds("!{}".format, inner),
    ),
    max_leaves=5,
)


@given(recordings(machines=2, length=20), QUERIES)
@settings(max_examples=80, deadline=None)
def test_sets_give_the_same_as_looking_at_every_transition(recording: MemoryRecording, text: str) -> None:
    query, term = Query(text, recording), named(parse(text), recording)
    expected = {
        machine.id: numbers
        for machine in recording.machines
        if (
            numbers := [
                number
                for number in range(1, recording.timeline(machine.id).count + 1)
                if holds(term, recording, machine.id, number)
            ]
        )
    }
    assert {machine: list(numbers) for machine, numbers in query.everywhere().items()} == expected
    for machine in recording.machines:
        timeline = recording.timeline(machine.id)
        pieces = [query.numbers(timeline, first, first + 3) for first in range(1, timeline.count + 1, 4)]
        joined = [number for piece in pieces for number in piece if number <= timeline.count]
        assert joined == expected.get(machine.id, []), "a growing timeline is asked piece by piece"
