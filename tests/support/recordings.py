"""Believable recordings for tests and benchmarks, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from am_telemetry.batch import Batch, MachineClosed, PatternDef
from am_telemetry.facts import (
    ErrorFact,
    Flag,
    MachineFact,
    PatternFact,
    ProcessFact,
    SchemaFact,
    SourceFact,
    StateFact,
    StepFact,
)
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer

START_NS = 1_700_000_000_123_456_789
SESSION = "5a" * 16
NO_FLAG = Flag(0)

NAMES = (
    "Start", "Connecting", "Connected", "Ready", "Busy", "Draining", "Heartbeat", "Retrying",
    "OrderReceived", "PaymentPending", "PaymentDone", "Shipped", "Cached", "Synced",
    "Exception", "ErrNetwork",
)  # fmt: skip

SCHEMA = SchemaFact(
    tuple(
        StateFact(
            name,
            auto=name in ("Ready", "Synced"),
            multi=name in ("Heartbeat", "Exception", "ErrNetwork"),
            require={"Connected": ("Start",), "Ready": ("Connected",), "ErrNetwork": ("Exception",)}.get(name, ()),
            add={"OrderReceived": ("Busy",)}.get(name, ()),
            remove={"Connected": ("Connecting",), "Connecting": ("Connected", "Ready")}.get(name, ()),
            after={"Ready": ("Connected",)}.get(name, ()),
            tags=("io",) if name.startswith("Connect") else (),
        )
        for name in NAMES
    )
)


class MachineModel:
    """A machine that wanders through the states of ``SCHEMA``."""

    def __init__(self, handle: int, name: str, seed: int) -> None:
        self.handle = handle
        self.name = name
        self.random = random.Random(seed)
        self.ticks = [0] * len(NAMES)
        self.sequence = 0
        self.health = NAMES.index("Heartbeat")
        self.multi = {i for i, s in enumerate(SCHEMA.states) if s.multi}
        self.errors = [NAMES.index("Exception"), NAMES.index("ErrNetwork")]

    def step(self) -> PatternFact:
        """The next transition; moves the ticks."""
        self.sequence += 1
        chance = self.random.random()
        if chance < 0.01:
            return self._change("add", self.errors)
        if chance < 0.06:
            state = self.random.randrange(len(NAMES) - 2)
            return PatternFact(
                "add",
                (state,),
                steps=(StepFact("called", target=state), StepFact("cancel", target=state)),
                handlers=(f"{NAMES[state]}Enter",),
                canceled_by=f"{NAMES[state]}Enter",
            )
        if chance < 0.10:
            return self._change("add", [self.health])
        if chance < 0.13:
            return PatternFact("add", (3,), Flag.ACCEPTED | Flag.CHECK)
        state = self.random.randrange(len(NAMES) - 2)
        if state == self.health:
            state = 0
        auto = Flag.AUTO if self.random.random() < 0.2 else NO_FLAG
        return self._change("remove" if self.ticks[state] % 2 else "add", [state], auto)

    def _change(self, mutation: str, called: list[int], extra: Flag = NO_FLAG) -> PatternFact:
        added, removed, deltas, steps = [], [], [], [StepFact("called", target=state) for state in called]
        for state in called:
            active = self.ticks[state] % 2 == 1
            if mutation == "remove":
                gained = 1 if active else 0
                removed += [state] if active else []
            else:
                gained = (2 if state in self.multi else 0) if active else 1
                added += [] if active else [state]
            if gained:
                deltas.append((state, gained))
                self.ticks[state] += gained
                steps.append(StepFact("activate" if mutation == "add" else "deactivate", target=state))
                steps.append(StepFact("handler", target=state, is_final=True, is_enter=mutation == "add"))
        return PatternFact(
            "add" if mutation == "add" else "remove",
            tuple(called),
            Flag.ACCEPTED | extra,
            tuple(sorted(deltas)),
            tuple(sorted(added)),
            tuple(sorted(removed)),
            tuple(steps),
            tuple(f"{NAMES[state]}{'State' if mutation == 'add' else 'End'}" for state, _ in deltas),
        )


def machine_names(count: int) -> list[str]:
    """``orders`` and its workers ``orders-1``, ``orders-2`` …"""
    return ["orders", *(f"orders-{number}" for number in range(1, count))]


def process() -> ProcessFact:
    return ProcessFact(SESSION, "shop", "host-a", 4711, "python", "am-dbg 0.1.0", {"service.version": "1.2.3"})


def batches(
    machines: int = 6,
    transitions: int = 2_000,
    seed: int = 1,
    *,
    size: int = 512,
    logs: bool = True,
    close: bool = False,
    step_ns: int = 1_000_000,
) -> Iterator[Batch]:
    """A process's batches.

    Args:
        machines: how many machines take turns.
        transitions: over all of them.
        seed: equal seeds give equal batches.
        size: transitions per batch.
        logs: with log lines, arguments and sources.
        close: dispose every second machine at the end.
        step_ns: average distance of two transitions.
    """
    rng = random.Random(seed)
    names = machine_names(machines)
    models = [MachineModel(handle, name, seed * 1000 + handle) for handle, name in enumerate(names)]
    patterns: dict[PatternFact, int] = {}
    texts: dict[str, int] = {}
    now = START_NS
    sequence = 1
    batch = Batch()
    batch.schemas.append((0, SCHEMA))
    for model in models:
        parent = "" if model.handle == 0 else names[0] if model.handle % 3 else names[(model.handle - 1) // 2]
        tags = ("demo", f"shard:{model.handle % 4}")
        batch.opened.append((model.handle, now, MachineFact(model.name, SCHEMA, parent, tags)))

    def text(value: str) -> int:
        if value not in texts:
            texts[value] = len(texts)
            batch.texts.append((texts[value], value))
        return texts[value]

    def log(row: int, level: int, value: str, before: bool = False) -> None:
        batch.logs.row.append(row)
        batch.logs.level.append(level)
        batch.logs.text.append(text(value))
        batch.logs.before.append(before)

    for done in range(transitions):
        model = models[rng.randrange(machines)]
        fact = model.step()
        now += rng.randrange(1, 2 * step_ns)
        if rng.random() < 0.002:
            now += 1_500_000_000
        handle = patterns.get(fact)
        if handle is None:
            handle = patterns[fact] = len(patterns)
            batch.patterns.append(PatternDef(handle, 0, fact))
        columns = batch.transitions
        row = len(columns)
        columns.machine.append(model.handle)
        columns.sequence.append(model.sequence)
        columns.at_ns.append(now)
        columns.duration_ns.append(rng.randrange(20_000, 400_000) if rng.random() > 0.003 else 250_000_000)
        columns.pattern.append(handle)
        columns.queue_len.append(rng.randrange(3))
        columns.queue_tick.append(model.sequence)
        if logs:
            called = " ".join(NAMES[state] for state in fact.called)
            if rng.random() < 0.3:
                log(row, 1, f"received order {rng.randrange(5000)}", before=True)
            log(row, 3, f"[{fact.mutation}] {called}")
            if fact.added or fact.removed:
                signs = [f"+{NAMES[s]}" for s in fact.added] + [f"-{NAMES[s]}" for s in fact.removed]
                log(row, 2, f"[state] {' '.join(signs)}")
            elif not fact.accepted:
                log(row, 2, f"[cancel] ({called}) by {fact.canceled_by}")
            if model.handle and rng.random() < 0.1:
                batch.sources.append((row, SourceFact(names[0], max(1, models[0].sequence), sum(models[0].ticks))))
            if rng.random() < 0.05:
                batch.arguments.append((row, f'{{"order":{rng.randrange(5000)},"user":"u-{rng.randrange(40)}"}}'))
        if fact.called and fact.called[0] == model.errors[0]:
            batch.errors.append((row, ErrorFact("ConnectionError", "peer went away", "Traceback …\nConnectionError")))
        if len(columns) >= size or done == transitions - 1:
            batch.first_seq = sequence
            batch.last_seq = sequence + len(columns) - 1
            sequence = batch.last_seq + 1
            if close and done == transitions - 1:
                batch.closed.extend(MachineClosed(m.handle, now, "disposed") for m in models[1::2])
            yield batch
            batch = Batch()
    if not transitions:
        batch.first_seq = batch.last_seq = 1
        yield batch


def write_sample(
    path: str | Path,
    machines: int = 6,
    transitions: int = 2_000,
    seed: int = 1,
    *,
    logs: bool = True,
    live: bool = False,
) -> Path:
    """Record the batches into a new session file and close it.

    Args:
        path: must not exist.
        machines, transitions, seed, logs: as for :func:`batches`.
        live: leave the machines connected.
    """
    target = Path(path)
    with SessionFile.create(target) as session, Writer(session) as writer:
        writer.open_session(process(), START_NS)
        writer.write_all(SESSION, batches(machines, transitions, seed, logs=logs, close=True))
        if not live:
            writer.close_session(SESSION, START_NS + 10**12, "closed")
    return target
