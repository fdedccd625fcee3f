"""Recordings of any length, shaped like those of a real system: many machines of a few kinds, some of them busy.

Every machine walks through its stages for ever and is in a state that its transitions lead to, so ticks, activity and
problems are as consistent as in a real recording. About 1.35 log lines per transition, as was measured in one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

from am_telemetry.batch import Batch, PatternDef
from am_telemetry.facts import Flag, MachineFact, Mutation, PatternFact, ProcessFact, SchemaFact, StateFact, StepFact

SESSION: Final = "7" * 32
KINDS: Final = (5, 11, 15, 18, 21)
"""Numbers of states of the kinds of machines."""
_LOOP: Final = 2_048
_VARIETY: Final = 8
"""Different walks of machines of a kind."""
_BATCH: Final = 8_192
_BURST: Final = 4
_NOISE: Final = 65_536
"""Waiting times that were drawn once, because drawing millions takes long."""
_BEGAN_NS: Final = 1_700_000_000_000_000_000
_EXTRA: Final = ("Start", "Healthcheck", "ErrNetwork", "Message")


class _Kind:
    """Machines with the same states, and the patterns of their transitions."""

    def __init__(self, handle: int, states: int) -> None:
        self.handle = handle
        stages = [f"Stage{i:03}" for i in range(max(2, states - len(_EXTRA)))]
        self.stages = len(stages)
        first = self.stages
        self.start, self.health, self.error, self.message = range(first, first + len(_EXTRA))
        facts = [
            StateFact(name, require=("Start",), remove=(stages[i - 1], stages[(i + 1) % len(stages)]))
            for i, name in enumerate(stages)
        ]
        facts += [StateFact(name, multi=name != "Start") for name in _EXTRA]
        self.schema = SchemaFact(tuple(facts))
        self.patterns: list[PatternDef] = []
        self._known: dict[PatternFact, int] = {}
        self.opening = self._handle(self._move((self.start, 0), None))

    def loop(self, source: random.Random) -> list[int]:
        """Handles of patterns that lead from stage 0 back to it."""
        at, out = 0, []
        while len(out) < _LOOP - 1:
            chance = source.random()
            if chance < 0.8:
                to = (at + 1) % self.stages if chance < 0.7 else source.randrange(self.stages)
                out.append(self._handle(self._move((to,), at)))
                at = to
            elif chance < 0.92:
                out.append(self._handle(self._again(self.message, Flag.AUTO if chance > 0.89 else Flag(0))))
            elif chance < 0.95:
                out.append(self._handle(self._refused(source.randrange(self.stages), Flag.AUTO)))
            elif chance < 0.965:
                out.append(self._handle(self._refused(source.randrange(self.stages), Flag(0))))
            elif chance < 0.99:
                out.append(self._handle(self._again(self.health, Flag(0))))
            else:
                out.append(self._handle(self._again(self.error, Flag(0))))
        out.append(self._handle(self._move((0,), at)))
        return out

    def _handle(self, fact: PatternFact) -> int:
        found = self._known.get(fact)
        if found is None:
            found = self._known[fact] = self.handle * 100_000 + len(self.patterns)
            self.patterns.append(PatternDef(found, self.handle, fact))
        return found

    def _move(self, called: tuple[int, ...], away: int | None) -> PatternFact:
        """To another stage; to the same one nothing happens."""
        removed = () if away is None or away in called else (away,)
        added = called if away is None or removed else ()
        steps = [StepFact("called", -1, state) for state in called]
        steps += [StepFact("rel", called[0], state, "remove") for state in removed]
        steps += [StepFact("deactivate", -1, state) for state in removed]
        steps += [StepFact("activate", -1, state) for state in added]
        steps += [StepFact("handler", -1, state, is_final=True, is_enter=True) for state in added]
        deltas = tuple((state, 1) for state in sorted((*added, *removed)))
        handlers = tuple(f"{self.schema.names[state]}State" for state in added)
        return _fact("add", called, Flag.ACCEPTED, deltas, added, removed, tuple(steps), handlers)

    def _again(self, state: int, flags: Flag) -> PatternFact:
        steps = (StepFact("called", -1, state), StepFact("handler", -1, state, is_final=True, is_enter=True))
        name = f"{self.schema.names[state]}State"
        return _fact("add", (state,), Flag.ACCEPTED | flags, ((state, 2),), (), (), steps, (name,))

    def _refused(self, state: int, flags: Flag) -> PatternFact:
        steps = (StepFact("called", -1, state), StepFact("cancel", -1, state))
        return _fact("add", (state,), flags, (), (), (), steps, ())


def _fact(
    mutation: Mutation,
    called: tuple[int, ...],
    flags: Flag,
    deltas: tuple[tuple[int, int], ...],
    added: tuple[int, ...],
    removed: tuple[int, ...],
    steps: tuple[StepFact, ...],
    handlers: tuple[str, ...],
) -> PatternFact:
    return PatternFact(mutation, called, flags, deltas, added, removed, steps, handlers)


def batches(transitions: int, machines: int = 107, states: tuple[int, ...] = KINDS) -> Iterator[Batch]:
    """The records of a recording; the number of transitions is rounded up to whole bursts."""
    source = random.Random(5)  # the same recording in every run, no secret
    kinds = [_Kind(1 + place, count) for place, count in enumerate(states)]
    various = [[kind.loop(source) for _ in range(_VARIETY)] for kind in kinds]
    loops = [various[i % len(kinds)][i // len(kinds) % _VARIETY] for i in range(machines)]
    # A text for every pattern, in four variants.
    texts = [
        (pattern.handle * 4 + variant, _text(kind.schema, pattern.pattern, variant))
        for kind in kinds
        for pattern in kind.patterns
        for variant in range(4)
    ]
    first = Batch(first_seq=1, last_seq=1, schemas=[(kind.handle, kind.schema) for kind in kinds])
    first.opened = [
        (i, kinds[i % len(kinds)].handle, MachineFact(f"machine-{i}", kinds[i % len(kinds)].schema, parent=_parent(i)))
        for i in range(machines)
    ]
    first.patterns = [pattern for kind in kinds for pattern in kind.patterns]
    first.texts = texts
    yield first
    weights = list(accumulate(1 / (1 + i / 8) for i in range(machines)))
    noise = [int(source.lognormvariate(11.5, 1.2)) for _ in range(_NOISE + _BATCH + _BURST)]
    done, counts, at_ns = 0, [0] * machines, _BEGAN_NS
    order = source.choices(range(machines), cum_weights=weights, k=_BATCH // _BURST)
    if transitions // _BURST >= machines:
        order[:machines] = range(machines)
    while done < transitions:
        batch = Batch(first_seq=done + 2)
        columns = batch.transitions
        for machine in order[: -(-(transitions - done) // _BURST)]:
            count, loop = counts[machine], loops[machine]
            columns.sequence += range(count + 1, count + 1 + _BURST)
            if count:
                columns.pattern += [loop[(number - 1) % _LOOP] for number in range(count, count + _BURST)]
            else:
                columns.pattern += [kinds[machine % len(kinds)].opening, *loop[: _BURST - 1]]
            counts[machine] = count + _BURST
            columns.machine += [machine] * _BURST
        size = len(columns.machine)
        start = source.randrange(_NOISE)
        moments = list(accumulate(noise[start : start + size], initial=at_ns))
        at_ns, columns.at_ns = moments[-1], moments[:-1]
        columns.duration_ns = [gap // 8 for gap in noise[start : start + size]]
        columns.queue_len = source.choices((0, 0, 0, 1, 2), k=size)
        columns.queue_tick = columns.sequence
        patterns, logs = columns.pattern, batch.logs
        logs.row = sorted([*range(size), *range(0, size, 3)])
        logs.text = [patterns[row] * 4 + row % 4 for row in logs.row]
        logs.level = [2 if row % 3 else 3 for row in logs.row]
        logs.before = [False] * len(logs.row)
        done += size
        batch.last_seq = done + 1
        yield batch
        order = source.choices(range(machines), cum_weights=weights, k=_BATCH // _BURST)


def _parent(machine: int) -> str:
    return f"machine-{machine // 20 * 20}" if machine % 20 else ""


def _text(schema: SchemaFact, fact: PatternFact, variant: int) -> str:
    changes = [f"+{schema.names[state]}" for state in fact.added] + [f"-{schema.names[s]}" for s in fact.removed]
    what = " ".join(changes) or " ".join(schema.names[state] for state in fact.called)
    return f"[state] {what} (order={1000 + 37 * variant}, worker={variant})"


def write(path: Path, transitions: int, machines: int = 107, states: tuple[int, ...] = KINDS) -> None:
    """A session file that was closed in order."""
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(ProcessFact(SESSION, "walks"), _BEGAN_NS)
        writer.write_all(SESSION, batches(transitions, machines, states))
        writer.close_session(SESSION, _BEGAN_NS + 10**15, "disconnected")


def write_steps(path: Path, steps: int) -> None:
    """A session file with two transitions, each of that many steps among 120 related states."""
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    source = random.Random(2)  # the same recording in every run, no secret
    names = [f"State{i:03}" for i in range(120)]
    schema = SchemaFact(
        tuple(
            StateFact(name, multi=True, require=(names[i - 1], names[i - 2]), add=(names[i * 7 % 120],))
            for i, name in enumerate(names)
        )
    )
    made = []
    for place in range(steps):
        state = source.randrange(len(names))
        choices = (
            StepFact("called", -1, state),
            StepFact("rel", state, state * 7 % 120, "add"),
            StepFact("rel", state, state - source.choice((1, 2)) if state > 1 else 119, "require"),
            StepFact("activate", -1, state),
            StepFact("handler", -1, state, is_enter=True, is_final=place > steps * 3 // 4),
        )
        made.append(choices[place % len(choices)])
    fact = PatternFact("add", (3,), Flag.ACCEPTED, ((3, 2),), (), (), tuple(made), ("State003State",))
    batch = Batch(1, 1, schemas=[(1, schema)], patterns=[PatternDef(1, 1, fact)])
    batch.opened = [(1, 1, MachineFact("machine", schema))]
    columns = batch.transitions
    columns.machine, columns.pattern, columns.sequence, columns.queue_tick = [1, 1], [1, 1], [1, 2], [1, 2]
    columns.at_ns, columns.duration_ns, columns.queue_len = [_BEGAN_NS, _BEGAN_NS + 10**6], [5_000, 5_000], [0, 0]
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(ProcessFact(SESSION, "walks"), _BEGAN_NS)
        writer.write_all(SESSION, [batch])
        writer.close_session(SESSION, _BEGAN_NS + 10**15, "disconnected")
