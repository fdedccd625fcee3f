"""What a hub would refuse is not built: it is cut, or becomes a gap, and the rest is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from test_telemetry_builder import Watch, replay

from am_core import Machine
from am_telemetry.facts import PatternFact
from am_telemetry.sending import interning, transition_rows
from am_telemetry.sending.interning import MAX_LINES, MAX_LINES_COST
from am_telemetry.sending.transition_rows import MAX_COST


def test_what_cannot_be_told_is_a_gap_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    machine = Machine({"A": {"multi": True}, "B": {}}, id="m")
    watch.trace(machine)
    for state in ("A", "B", "A"):
        machine.add(state)
    told = transition_rows.pattern_fact

    def failing(mutation: int, called: tuple[int, ...], *rest: Any, **options: Any) -> PatternFact:
        if called == (machine.states.index("B"),):
            raise RuntimeError("a bug")
        return told(mutation, called, *rest, **options)

    monkeypatch.setattr(transition_rows, "pattern_fact", failing)
    batches = watch.collect()
    assert [row for batch in batches for row in batch.transitions.sequence] == [1, 3]
    assert [(gap.after_sequence, gap.lost, gap.reason) for batch in batches for gap in batch.gaps] == [(1, 1, "error")]
    assert isinstance(watch.builder.failure, RuntimeError)
    (handle,) = replay(batches, watch.patterns)
    assert replay(batches, watch.patterns)[handle] == list(machine.time())


def test_more_log_lines_than_a_hub_takes_are_cut_with_a_note() -> None:
    class Handlers:
        def AState(self, e: Any) -> None:
            for number in range(12_000):
                e.machine.log(f"line {number % 100}")

        def BState(self, e: Any) -> None:
            for number in range(300):
                e.machine.log(f"{number} " + "ü" * 1000)

    watch = Watch()
    machine = Machine({"A": {}, "B": {}}, id="m")
    machine.handler_timeout = 10
    machine.bind(Handlers())
    watch.trace(machine)
    machine.add("A")
    machine.add("B")
    machine.remove("B")
    batches = watch.collect()
    assert sum(map(len, batches)) == 3
    for batch, draft in zip(batches, watch.drafts, strict=True):
        lines = Counter(zip(batch.logs.row, batch.logs.before, strict=True))
        assert max(lines.values()) <= MAX_LINES + 1
        assert sum(len(text.encode()) for text in draft.texts.values()) < 2 * MAX_COST
    notes = {text for draft in watch.drafts for text in draft.texts.values() if text.endswith("were not recorded")}
    assert len(notes) == 2


def test_a_batch_never_holds_more_text_than_one_message_can_carry() -> None:
    """Lines that are new and of usual length count as well."""
    watch = Watch()
    machine = Machine({"A": {"multi": True}}, id="m")
    watch.trace(machine)
    for number in range(3000):
        machine.log(f"{number} " + "x" * 900)
        machine.add("A")
    watch.collect()
    sizes = [sum(map(len, draft.texts.values())) for draft in watch.drafts]
    assert sum(sizes) > 3000 * 900
    assert max(sizes) < MAX_COST + MAX_LINES_COST


@pytest.mark.parametrize(
    "schema",
    [
        {f"S{number}": {} for number in range(700)},
        {"A" * 5000: {}},
        {f"S{number}": {"add": ["A" * 4000]} for number in range(150)} | {"A" * 4000: {}},
    ],
    ids=["many states", "long name", "much of everything"],
)
def test_a_schema_that_no_hub_takes_is_not_told(schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interning, "MAX_STATES", 600)
    watch = Watch()
    watch.trace(Machine(schema, id="monster"))
    machine = Machine({"A": {}}, id="m")
    watch.trace(machine)
    machine.add("A")
    batches = watch.collect()
    assert [fact.id for batch in batches for _, _, fact in batch.opened] == ["m"]
    assert sum(map(len, batches)) == 1
    assert "monster" in str(watch.builder.failure)


def test_a_machine_that_outgrows_what_a_hub_takes_ends_there() -> None:
    watch = Watch()
    machine = Machine({"A": {"multi": True}}, id="m")
    watch.trace(machine)
    machine.add("A")
    names = [*machine.states, "B" * 5000]
    machine.set_schema({**machine.schema(), names[-1]: {}}, names)
    machine.add("A")
    batches = watch.collect()
    assert sum(map(len, batches)) == 1
    assert [entry.reason for batch in batches for entry in batch.closed] == ["closed"]
    assert watch.dropped.reasons == {"too large": 1}
