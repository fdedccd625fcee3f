"""A recording made up of records as a busy machine sends them: many transitions, few distinct patterns and texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from am_telemetry.batch import Batch, PatternDef
from am_telemetry.facts import Flag, MachineFact, PatternFact, ProcessFact, SchemaFact, StateFact, StepFact

STATES = 40
PATTERNS = 200
SESSION = "5" * 32
PROCESS = ProcessFact(SESSION, "benchmark")


def batches(transitions: int, size: int = 1_000, machines: int = 4) -> Iterator[Batch]:
    """Batches of ``size`` transitions; every second one has a log line."""
    source = random.Random(11)  # the same recording in every run, no secret
    schema = SchemaFact(tuple(StateFact(f"State{i:02}", multi=True) for i in range(STATES)))
    first = Batch(first_seq=1, last_seq=1, schemas=[(1, schema)])
    first.opened = [(10 + i, 1, MachineFact(f"machine-{i}", schema)) for i in range(machines)]
    first.patterns = [PatternDef(100 + i, 1, _pattern(source)) for i in range(PATTERNS)]
    first.texts = [(1000 + i, f"[state] +State{i % STATES:02} (id={i})") for i in range(500)]
    yield first
    for start in range(0, transitions, size):
        count = min(size, transitions - start)
        batch = Batch(first_seq=start + 2, last_seq=start + 1 + count)
        columns = batch.transitions
        numbers = range(start, start + count)
        columns.machine = [10 + n % machines for n in numbers]
        columns.sequence = [1 + n // machines for n in numbers]
        columns.at_ns = [1_700_000_000_000_000_000 + n * 50_000 for n in numbers]
        columns.duration_ns = [source.randrange(2_000, 90_000) for _ in numbers]
        columns.pattern = [100 + source.randrange(PATTERNS) for _ in numbers]
        columns.queue_len = [0] * count
        columns.queue_tick = [1 + n // machines for n in numbers]
        logged = range(0, count, 2)
        batch.logs.row = list(logged)
        batch.logs.level = [2] * len(logged)
        batch.logs.text = [1000 + source.randrange(500) for _ in logged]
        batch.logs.before = [False] * len(logged)
        yield batch


def _pattern(source: random.Random) -> PatternFact:
    called = source.randrange(STATES)
    other = source.randrange(STATES)
    steps = (
        StepFact("called", -1, called),
        StepFact("activate", -1, called),
        StepFact("rel", other, called, "add"),
        StepFact("handler", -1, called, is_final=True, is_enter=True),
    )
    name = f"State{called:02}State"
    return PatternFact("add", (called,), Flag.ACCEPTED, ((called, 2),), (), (), steps, (name,))


def write_session(path: Path, transitions: int) -> None:
    """A session file with that many transitions."""
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer

    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(PROCESS, 1)
        writer.write_all(SESSION, batches(transitions))
        writer.close_session(SESSION, 1_800_000_000_000_000_000, "disconnected")
