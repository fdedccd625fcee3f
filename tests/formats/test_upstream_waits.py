"""What lines of Go machines say about waits, contexts and pipes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_telemetry.formats.upstream_waits import PREFIXES, OpenWaits
from am_telemetry.waits import WaitFact, Waits
from tests.formats.test_upstream_machines import one_machine


def told(*lines: str) -> Waits:
    """The lines of one transition each."""
    waits, pending = Waits(), OpenWaits()
    for number, line in enumerate(lines, 1):
        pending.read(line, waits, 1, number, number)
    return waits


@pytest.mark.parametrize(
    ("begin", "end", "fact"),
    [
        ("[when:new] A B", "[when:match] A,B", WaitFact("when", ("A", "B"), text="A B")),
        ("[whenNot:new] A", "[whenNot:match] A", WaitFact("whenNot", ("A",), text="A")),
        (
            "[whenTime:new] A,B [3 5]",
            "[whenTime:match] A,B [3 5]",
            WaitFact("whenTime", ("A", "B"), (3, 5), "A,B [3 5]"),
        ),
        ("[whenTime:new] A [3]", "[whenTime:match] A 3", WaitFact("whenTime", ("A",), (3,), "A [3]")),
        ("[whenArgs:new] A (x y)", "[whenArgs:match] A (x y)", WaitFact("whenArgs", ("A",), text="A (x y)")),
        ("[whenQueue:new] 7", "[whenQueue:match] 7", WaitFact("whenQueue", (), (7,), "7")),
        ("[ctx:new] A", "[ctx:match] A", WaitFact("ctx", ("A",), text="A")),
    ],
)
def test_what_begins_ends_with_the_line_that_names_it(begin: str, end: str, fact: WaitFact) -> None:
    """However the versions write it; also when it is for several states."""
    waits = told("[when:new] Other", begin, "[when:match] Nothing", end, end)
    ((_, ident, sequence, _, found, origin),) = [wait for wait in waits.begun if wait.fact.states != ("Other",)]
    assert (found, sequence, origin) == (fact, 2, None)
    ((_, ended, at, _, reason),) = waits.ended
    assert (ended, at, reason) == (ident, 4, "expired" if fact.kind == "ctx" else "match")


def test_of_equal_ones_the_oldest_ends_first() -> None:
    waits = told("[when:new] A", "[when:new] A", "[when:match] A", "[when:match] A")
    assert [wait.ident for wait in waits.ended] == [wait.ident for wait in waits.begun] == [1, 2]


def test_pipes_last_until_their_machine_is_gone() -> None:
    """Both forms of the states; the same pipe is there once."""
    waits = told(
        "[pipe-out:add] Ready to other/1",
        "[pipe-out:remove] [Ready Start] to other/1",
        "[pipe-out:add] Ready to other/1",
        "[pipe-in:add] Ready from third",
        "[pipe:gc] other/1",
    )
    assert [(wait.fact.kind, wait.fact.states, wait.fact.peer, wait.fact.mutation) for wait in waits.begun] == [
        ("pipe-out", ("Ready",), "other/1", "add"),
        ("pipe-out", ("Ready", "Start"), "other/1", "remove"),
        ("pipe-in", ("Ready",), "third", "add"),
    ]
    assert [(wait.ident, wait.reason) for wait in waits.ended] == [(1, "removed"), (2, "removed")]


def test_lines_belong_to_the_transition_that_wrote_them_or_to_the_one_before() -> None:
    def lines(*texts: str) -> list[dict[str, Any]]:
        return [{"Text": text, "Level": 3} for text in texts]

    batch = one_machine(
        {"Clocks": [0, 1, 0, 0], "Accepted": True, "LogEntries": lines("[ctx:new] B", "[state] +B")},
        {
            "Clocks": [0, 2, 0, 0],
            "Accepted": True,
            "PreLogEntries": lines("[when:new] A B"),
            "LogEntries": lines("[ctx:match] B"),
        },
    )
    assert [(wait.fact.kind, wait.sequence) for wait in batch.waits.begun] == [("ctx", 1), ("when", 1)]
    assert [(wait.ident, wait.sequence, wait.reason) for wait in batch.waits.ended] == [(1, 2, "expired")]


@given(st.lists(st.builds(str.__add__, st.sampled_from(PREFIXES), st.text("aAwnt:] ([,0-9new\nmatchto", max_size=30))))
@settings(max_examples=60)
def test_any_line_is_survived(lines: list[str]) -> None:
    waits = told(*lines)
    assert {wait.ident for wait in waits.ended} <= {wait.ident for wait in waits.begun}


def test_each_of_many_ends_with_its_own_line() -> None:
    lines = [f"[whenTime:new] A [{number}]" for number in range(9_000)]
    waits = told(*lines, *[f"[whenTime:match] A [{number}]" for number in reversed(range(9_000))])
    assert [wait.ident for wait in waits.ended] == [wait.ident for wait in reversed(waits.begun)]
