"""Tracers that have express transitions noted instead of their hook called."""

from __future__ import annotations

from typing import Any

from automaton_setups import TOGGLE

from am_core import LastTxTracer, Machine, Transition
from am_core.engine.retelling import preceded, retell, with_source
from am_core.resolution.automaton import Macrostep
from am_core.resolution.mutation import MutationSource
from am_core.tracer import NOTE_WIDTH


class Sink:
    """What a tracer offers the engine."""

    def __init__(self, limit: int = 1000) -> None:
        self.items: list[Any] = []
        self.limit = limit


class Noting(LastTxTracer):
    """Has transitions noted, and numbers of others appended to the same list."""

    def __init__(self, limit: int = 1000) -> None:
        super().__init__()
        self.express_sink: Sink = Sink(limit)

    def transition_end(self, tx: Transition) -> None:
        self.express_sink.items.append(tx.number)

    @property
    def notes(self) -> list[Any]:
        """One tuple for each note among the numbers."""
        items = self.express_sink.items
        starts = [position for position, item in enumerate(items) if item is self]
        return [tuple(items[start : start + NOTE_WIDTH]) for start in starts]

    @property
    def numbers(self) -> list[int]:
        """Of the transitions that were noted or announced, in order."""
        rest, numbers = iter(self.express_sink.items), []
        for item in rest:
            number = next(rest) if item is self else item
            numbers.append(number)
            if item is self:
                assert len([next(rest) for _ in range(NOTE_WIDTH - 2)]) == NOTE_WIDTH - 2
        return numbers


def machine_of(schema: dict[str, Any], tracer: Noting, **options: Any) -> Machine:
    return Machine(schema, id="m", plan_cache="always", tracers=[tracer], **options)


def test_notes_and_calls_are_in_the_order_of_the_transitions() -> None:
    tracer = Noting()
    machine = machine_of(TOGGLE, tracer)
    for _ in range(3):
        machine.add("A")
        machine.set(["B"])
    assert tracer.numbers == [1, 2, 3, 4, 5, 6]
    assert tracer.notes


def test_a_note_tells_ticks_arguments_and_moments() -> None:
    tracer = Noting()
    machine = machine_of(TOGGLE, tracer)
    for _ in range(3):
        machine.add("A")
        machine.add("B")
    before = list(machine.time())
    args = {"number": 1}
    machine.add("A", args)
    args["number"] = 2
    noted_by, first, step, level, started, ended, tick, noted, source, lines, last = tracer.notes[-1]
    assert noted_by is tracer
    assert isinstance(step, Macrostep)
    for state in step.ticks:
        before[state] += 1
    assert (last, first, tuple(before)) == (7, 7, tuple(machine.time()))
    assert (level, noted, source, lines) == (0, {"number": 1}, None, None)
    assert 0 < started <= ended
    assert tick == machine.queue_tick()


def test_a_mutation_and_the_automatic_one_behind_it_are_one_note_and_retold_as_two() -> None:
    tracer = Noting()
    machine = machine_of({"A": {}, "B": {"auto": True, "require": ["A"]}}, tracer, log_level="decisions")
    for _ in range(3):
        machine.add("A")
        machine.remove("A")
    machine.add("A")
    note = tracer.notes[-1]
    assert note[-1] == note[1] + 1 == machine.transition_count
    first, second = retell(note[2], note[3])
    assert (first.is_auto, first.queue_len, second.is_auto, second.queue_len) == (False, 1, True, 0)
    assert [text for _, text in first.pre_log] == ["[queue:add] A"]
    assert [text for _, text in first.log] == [
        "[add] A", "[state] +A", "[auto] B", "[prepend:add] B", "[postpone] queue running (1 item)",
    ]  # fmt: skip
    assert [text for _, text in second.log] == ["[add:auto] B", "[auto_] +B"]
    assert [step.kind for step in second.steps][:1] == ["called"]


def test_lines_of_a_level_are_retold_without_those_above() -> None:
    tracer = Noting()
    machine = machine_of(TOGGLE, tracer, log_level="changes")
    for _ in range(3):
        machine.add("A")
        machine.add("B")
    (told,) = retell(tracer.notes[-1][2], 2)
    assert [text for _, text in told.log] == ["[state] +B -A"]
    assert told.pre_log == ()
    source = MutationSource("other", "1", 5, 1)
    assert with_source(told.log, source, 2) == told.log
    (told,) = retell(tracer.notes[-1][2], 3)
    assert with_source(told.log, source, 3)[1] == (3, f"[source] {source}")
    assert preceded(((3, "[queue:add] B"),), told.pre_log) == told.pre_log


def test_lines_of_the_program_are_part_of_the_next_note() -> None:
    tracer = Noting()
    machine = machine_of(TOGGLE, tracer, log_level="changes")
    for _ in range(3):
        machine.add("A")
        machine.add("B")
    machine.log("hello")
    machine.add("A")
    assert [text for _, text in tracer.notes[-1][9]] == ["[exter] hello"]
    assert machine.take_log() == []


def test_a_full_sink_has_the_hook_called() -> None:
    tracer = Noting(limit=2 * NOTE_WIDTH)
    machine = machine_of(TOGGLE, tracer)
    for _ in range(5):
        machine.add("A")
        machine.add("B")
    assert tracer.numbers == list(range(1, 11))
    assert 0 < len(tracer.notes) <= 2
    assert tracer.express_sink.items[-5:] == [6, 7, 8, 9, 10]


def test_a_logger_is_told_every_line_at_once() -> None:
    lines: list[str] = []
    tracer = Noting()
    machine = machine_of(TOGGLE, tracer, log_level="changes", log_id=False)
    for _ in range(3):
        machine.add("A")
        machine.add("B")
    noted = len(tracer.notes)
    machine.set_logger(lambda level, text: lines.append(text))
    machine.add("A")
    machine.add("B")
    assert lines == ["[state] +A -B", "[state] +B -A"]
    assert len(tracer.notes) == noted
    machine.set_logger(None)
    machine.add("A")
    machine.add("B")
    assert len(tracer.notes) > noted


def test_a_machine_at_rest_tells_ticks_and_number_of_one_moment() -> None:
    machine = Machine(TOGGLE, id="m")
    seen: list[object] = []
    machine.bind({"AState": lambda e: seen.append(machine.resting_moment())})
    machine.add("A")
    assert seen == [None]
    assert machine.resting_moment() == (tuple(machine.time()), 1)
