"""Messages of Go machines become facts: clocks, steps, handlers, levels, refusals, sources, errors."""

from __future__ import annotations

from typing import Any

import pytest

from am_telemetry.batch import Batch
from am_telemetry.facts import Flag, PatternFact, StepFact
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.upstream import Converter
from tests.formats.dumps import TX_V10, TX_V19, dump, go_time, read
from tests.formats.go_clients import MACHINES, VERSIONS, transitions_with_dialect

SCHEMA = {
    "ID": "m",
    "StatesIndex": ["A", "B", "C", "Exception"],
    "States": {
        "A": {"Auto": True, "Require": ["B"]},
        "B": {"Multi": True, "Add": ["C"]},
        "C": {"Remove": ["A"], "After": ["B"]},
    },
    "Parent": "p",
    "Tags": ["x", "k:v"],
}


def one_machine(*txs: dict[str, Any], kind: Any = TX_V10) -> Batch:
    (batch,) = read(dump([(SCHEMA, list(txs))], kind))
    return batch


def pattern_of(batch: Batch, row: int) -> PatternFact:
    patterns = {one.handle: one.pattern for one in batch.patterns}
    return patterns[batch.transitions.pattern[row]]


def log_of(batch: Batch) -> list[tuple[int, int, str, bool]]:
    texts = dict(batch.texts)
    logs = batch.logs
    return [(logs.row[i], logs.level[i], texts[logs.text[i]], logs.before[i]) for i in range(len(logs))]


def test_a_machine_is_announced_with_its_states_in_index_order() -> None:
    """Names, relations, parent and tags; states without a definition are plain."""
    batch = one_machine({"Clocks": [0, 1, 0, 0], "Accepted": True})
    ((_, at_ns, fact),) = batch.opened
    assert (fact.id, fact.parent, fact.tags, at_ns) == ("m", "p", ("x", "k:v"), 0)
    assert fact.schema.names == ("A", "B", "C", "Exception")
    a, b, c, exception = fact.schema.states
    assert (a.auto, a.require) == (True, ("B",))
    assert (b.multi, b.add) == (True, ("C",))
    assert (c.remove, c.after) == (("A",), ("B",))
    assert not exception.multi


def test_clocks_become_gains_and_changes_of_activity() -> None:
    """Gains are told per state; a gain of two changes no activity."""
    batch = one_machine(
        {"Clocks": [1, 0, 0, 0], "Accepted": True, "CalledStates": ["A"], "LogEntries": [{"Text": "[state] +A"}]},
        {"Clocks": [2, 1, 0, 0], "Accepted": True, "Type": 2, "CalledStates": ["B"]},
        {"Clocks": [2, 3, 0, 0], "Accepted": True, "CalledStates": ["B"]},
        {"Clocks": [2, 4, 0, 0], "Accepted": True, "Type": 1, "CalledStates": ["B", "Nowhere"]},
    )
    first, second, third, fourth = (pattern_of(batch, row) for row in range(4))
    assert (first.mutation, first.called, first.deltas, first.added) == ("add", (0,), ((0, 1),), (0,))
    assert (second.mutation, second.deltas) == ("set", ((0, 1), (1, 1)))
    assert (second.added, second.removed) == ((1,), (0,))
    assert (third.deltas, third.added, third.removed) == (((1, 2),), (), ())
    assert (fourth.mutation, fourth.called, fourth.removed) == ("remove", (1, -1), (1,))
    assert batch.transitions.sequence == [1, 2, 3, 4]


def test_equal_transitions_share_a_pattern_unless_activity_differs() -> None:
    """The same gain activates or deactivates, depending on what was before."""
    batch = one_machine(*({"Clocks": [n, 0, 0, 0], "CalledStates": ["A"], "Accepted": True} for n in range(1, 9)))
    first, second = batch.transitions.pattern[1:3]
    assert batch.transitions.pattern[1:] == [first, second, first, second, first, second, first]
    assert pattern_of(batch, 1).removed == (0,)
    assert pattern_of(batch, 2).added == (0,)


@pytest.mark.parametrize(
    ("extra", "before"),
    [
        ({"LogEntries": [{"Level": 1, "Text": "[state] +B -A (x=1 -C)"}]}, (3, 4, 7, 0)),
        ({"Steps": [{"Type": 32, "ToState": "B"}, {"Type": 4, "ToState": "B"}]}, (4, 4, 7, 0)),
        ({}, (4, 5, 7, 0)),
        ({"Accepted": False, "Steps": [{"Type": 4, "ToState": "B"}]}, (4, 5, 7, 0)),
    ],
)
def test_a_machine_recorded_late_is_announced_with_its_earlier_clock(
    extra: dict[str, Any], before: tuple[int, ...]
) -> None:
    """What the first transition changed is known from its log or its steps; the rest is older."""
    batch = one_machine({"Clocks": [4, 5, 7, 0], "Accepted": True, **extra})
    fact = batch.opened[0][2]
    assert fact.clock == before
    gained = dict(pattern_of(batch, 0).deltas)
    assert tuple(old + gained.get(i, 0) for i, old in enumerate(before)) == (4, 5, 7, 0)


def test_times_are_kept_to_the_nanosecond_and_fill_gaps() -> None:
    """A message without a time happened when the one before it did."""
    moment = 1_721_654_969_723_209_281
    batch = one_machine(
        {"Clocks": [1, 0, 0, 0], "Time": go_time(moment)},
        {"Clocks": [1, 0, 0, 0]},
        {"Clocks": [1, 0, 0, 0], "Time": go_time(moment + 1)},
    )
    assert batch.transitions.at_ns == [moment, moment, moment + 1]
    assert batch.opened[0][1] == moment
    assert (batch.closed[0].at_ns, batch.closed[0].reason) == (moment + 1, "disconnected")


@pytest.mark.parametrize(
    ("step", "expected", "handler"),
    [
        ({"Type": 2, "FromState": "A", "IsFinal": True, "IsEnter": True}, (-1, 0, True, False, True), "AState"),
        ({"Type": 2, "ToState": "A", "IsFinal": True, "IsEnter": True}, (-1, 0, True, False, True), "AState"),
        ({"Type": 2, "FromState": "A", "IsFinal": True}, (-1, 0, True, False, False), "AEnd"),
        ({"Type": 2, "ToState": "B"}, (-1, 1, False, False, True), "BEnter"),
        ({"Type": 2, "FromState": "B"}, (1, -1, False, False, False), "BExit"),
        ({"Type": 2, "FromState": "A", "ToState": "B"}, (0, 1, False, False, False), "AB"),
        ({"Type": 2, "FromState": "B", "IsSelf": True}, (-1, 1, False, True, False), "BB"),
        ({"Type": 2, "FromState": "Any", "ToState": "Any"}, (-2, -2, False, False, True), "AnyEnter"),
        ({"Type": 2, "FromState": "A", "Data": ("string", "string", "AExit")}, (0, -1, False, False, False), "AExit"),
    ],
)
def test_handler_steps_of_all_versions_get_one_form_and_a_name(
    step: dict[str, Any], expected: tuple[int, int, bool, bool, bool], handler: str
) -> None:
    """Which side holds the state, and whether the name is told, depends on the version."""
    pattern = pattern_of(one_machine({"Clocks": [1, 1, 1, 0], "Steps": [step], "Accepted": True}), 0)
    source, target, is_final, is_self, is_enter = expected
    assert pattern.steps == (StepFact("handler", source, target, "", is_final, is_self, is_enter),)
    assert pattern.handlers == (handler,)


def test_relations_are_told_by_a_field_or_by_an_interface_value() -> None:
    """Both ways give the same step; unknown kinds of steps are left out and counted."""
    steps = [
        {"Type": 1, "RelType": 3, "FromState": "C", "ToState": "A"},
        {"Type": 1, "FromState": "C", "ToState": "A", "Data": ("machine.Relation", "int", 3)},
        {"Type": 1, "FromState": "B", "ToState": "C"},
        {"Type": 128, "ToState": "A"},
    ]
    pattern = pattern_of(one_machine({"Clocks": [0, 0, 0, 0], "Steps": steps}), 0)
    assert pattern.steps == (
        StepFact("rel", 2, 0, "remove"),
        StepFact("rel", 2, 0, "remove"),
        StepFact("rel", 1, 2, "after"),
    )


def test_numbered_states_are_only_believed_where_the_version_numbers_them() -> None:
    """Named recordings hold meaningless zeros in the fields for numbers; numbered ones use -1 for none."""
    named = {"Clocks": [0, 0, 0, 0], "Steps": [{"Type": 4, "ToState": "B"}]}
    assert pattern_of(one_machine(named), 0).steps == (StepFact("activate", -1, 1),)
    numbered = {"Clocks": [0, 0, 0, 0], "Steps": [{"Type": 4, "FromStateIdx": -1, "ToStateIdx": 2}, {"Type": 16}]}
    numbered["CalledStatesIdxs"] = [2, 9]
    pattern = pattern_of(one_machine(numbered, kind=TX_V19), 0)
    assert pattern.steps == (StepFact("activate", -1, 2), StepFact("deactivate-passive", 0, 0))
    assert pattern.called == (2, -1)


@pytest.mark.parametrize(
    ("kind", "levels", "expected"),
    [
        (TX_V10, [0, 1, 2, 3, 4], [1, 2, 3, 4, 5]),
        (TX_V19, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        (TX_V19, [0, 6, 1, 1, 1], [1, 5, 1, 1, 1]),
    ],
)
def test_levels_are_renumbered_by_version(kind: Any, levels: list[int], expected: list[int]) -> None:
    """Older versions have no level of their own for external lines."""
    entries = [{"Level": level, "Text": f"line {level}"} for level in levels]
    batch = one_machine({"Clocks": [0, 0, 0, 0], "LogEntries": entries}, kind=kind)
    assert [line[1] for line in log_of(batch)] == expected


def test_a_line_about_changed_states_settles_the_numbering() -> None:
    """A recording whose fields look new but whose levels are old is read by its levels."""
    entries = [{"Level": 1, "Text": "[state] +A"}, {"Level": 2, "Text": "[add] A"}, {"Level": 1, "Text": "[extern] hi"}]
    batch = one_machine({"Clocks": [1, 0, 0, 0], "LogEntries": entries, "PreLogEntries": entries[:1]}, kind=TX_V19)
    assert log_of(batch) == [
        (0, 2, "[state] +A", True),
        (0, 2, "[state] +A", False),
        (0, 3, "[add] A", False),
        (0, 1, "[extern] hi", False),
    ]


@pytest.mark.parametrize(
    ("extra", "canceled_by", "broken"),
    [
        ({"LogEntries": [{"Level": 2, "Text": "[cancel:reject] A"}]}, "relations", False),
        ({"LogEntries": [{"Level": 2, "Text": "[cancel] (A B) by BEnter"}]}, "BEnter", False),
        ({"PreLogEntries": [{"Level": 2, "Text": "[cancel] (A) by recover"}]}, "recover", True),
        ({"LogEntries": [{"Level": 2, "Text": "[cancel] (A) by timeout"}]}, "timeout", True),
        ({"Steps": [{"Type": 64, "ToState": "A"}]}, "relations", False),
        ({"Steps": [{"Type": 2, "ToState": "B"}, {"Type": 64, "ToState": "B"}]}, "BEnter", False),
        ({}, "", False),
        ({"Accepted": True, "LogEntries": [{"Level": 2, "Text": "[cancel] (A) by BEnter"}]}, "", False),
    ],
)
def test_who_refused_is_found_in_the_log_or_the_steps(extra: dict[str, Any], canceled_by: str, broken: bool) -> None:
    """A refusal names its handler, the relations, or the failure behind it."""
    pattern = pattern_of(one_machine({"Clocks": [0, 0, 0, 0], **extra}), 0)
    assert pattern.canceled_by == canceled_by
    assert pattern.broken == broken


def test_sources_errors_handlers_and_arguments_are_taken_out_of_the_message() -> None:
    """Lines with a meaning become records; the lines themselves stay in the log."""
    lines = [
        "[source] a/b/7f3e/152",
        "[handler:0] BState",
        "[handler] CState",
        "[error:add] B C (disk (c:) on fire)\nmain.f()\n\tmain.go:1",
        "[source] nonsense",
    ]
    batch = one_machine(
        {"Clocks": [0, 0, 0, 0], "ID": "first", "LogEntries": [{"Level": 2, "Text": lines[0]}]},
        {
            "ID": "second",
            "Clocks": [0, 0, 0, 1],
            "Args": {"id": "7"},
            "LogEntries": [{"Level": 3, "Text": text} for text in lines[1:4]],
        },
        kind=TX_V19,
    )
    ((row, source),) = batch.sources
    assert (row, source.machine, source.transition_id, source.machine_time) == (0, "a/b", "7f3e", 152)
    assert pattern_of(batch, 1).handlers == ("BState", "CState")
    ((error_row, error),) = batch.errors
    assert (error_row, error.message, error.traceback) == (1, "disk (c:) on fire", "main.f()\n\tmain.go:1")
    assert batch.arguments == [(1, '{"id": "7"}')]
    assert batch.transition_ids == [(0, "first"), (1, "second")]
    assert len(batch.logs) == 4


def test_queued_records_keep_the_tick_of_their_execution() -> None:
    """Prepended mutations have no tick; evaluations are no transitions."""
    batch = one_machine(
        {"Clocks": [0, 0, 0, 0], "IsQueued": True, "Accepted": True, "QueueTick": 4, "MutQueueTick": 6, "Queue": 2},
        {"Clocks": [0, 0, 0, 0], "IsCheck": True, "QueueTick": 5, "MutQueueToken": 9},
        {"Clocks": [0, 0, 0, 0], "IsAuto": True, "QueueTick": 6},
        {"Clocks": [0, 0, 0, 0], "Type": 3},
        kind=TX_V19,
    )
    assert batch.transitions.queue_tick == [6, 0, 6]
    assert batch.transitions.queue_len == [2, 0, 0]
    flags = [pattern_of(batch, row).flags for row in range(3)]
    assert flags == [Flag.QUEUED | Flag.ACCEPTED, Flag.CHECK, Flag.AUTO]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_programs_give_a_consistent_history(version: str, machine: str) -> None:
    """Gains add up to the last clock; the panic, the refusals and the error are where they happened."""
    messages, dialect = transitions_with_dialect(version, machine)
    converter = Converter(dialect)
    opened = converter.open(messages[0])
    for message in messages[1:]:
        converter.add(opened, message)
    converter.close(opened)
    batch = converter.take()
    assert len(batch) == len(messages) - 1 == converter.counts.transitions
    clock = [0] * 9
    for row, message in enumerate(messages[1:]):
        for index, gained in pattern_of(batch, row).deltas:
            clock[index] += gained
        assert clock == message["Clocks"]
    executed = [pattern_of(batch, row) for row in range(len(batch)) if not pattern_of(batch, row).queued]
    refusals = [pattern.canceled_by for pattern in executed if not pattern.accepted]
    assert refusals.count("recover") == 1
    assert refusals.count("relations") == len(refusals) - 1
    assert [pattern.handlers for pattern in executed if pattern.handlers] == [
        ("ReadyState",),
        ("FailState",),
        ("ExceptionState",),
    ]
    assert [error.message for _, error in batch.errors] == ["disk on fire"]
    levels = {text.split("]")[0]: level for _, level, text, _ in log_of(batch)}
    assert (levels["[state"], levels["[add"]) == (2, 3)
    if version == "v0.19.1":
        assert [source.machine for _, source in batch.sources] == [machine]


@pytest.mark.parametrize(
    ("schema", "tx", "reason"),
    [
        ({**SCHEMA, "StatesIndex": []}, {}, "states"),
        ({**SCHEMA, "StatesIndex": ["A", "A"]}, {}, "twice"),
        (SCHEMA, {"Clocks": [1, 2, 3, 4, 5]}, "clocks"),
        (SCHEMA, {"Clocks": [2**60, 0, 0, 0]}, "out of range"),
        (SCHEMA, {"Clocks": [0], "Queue": -3}, "queue"),
        (SCHEMA, {"Clocks": [0], "Time": b"?"}, "time"),
    ],
)
def test_values_out_of_range_are_refused(schema: dict[str, Any], tx: dict[str, Any], reason: str) -> None:
    """One sentence says which value of which machine."""
    with pytest.raises(FormatError, match=reason):
        read(dump([(schema, [tx])]))
