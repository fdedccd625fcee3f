"""A session in which everything occurs that a session can hold, and random ones."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace
from pathlib import Path

from am_telemetry.facts import (
    RESTORED,
    ErrorFact,
    OmissionFact,
    ProcessFact,
    RunningFact,
    SchemaFact,
    SourceFact,
    StateFact,
    StepFact,
)
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from am_telemetry.waits import CONTEXT, PIPE_OUT, WaitBegun, WaitEnded, WaitFact, WaitOrigin
from tests.support.recordings import START_NS, batches, process
from tests.support.sender import NOW, REFUSED, Sender, schema, toggle

GROUPED = SchemaFact(
    (StateFact("A", multi=True), StateFact("B", require=("A",), tags=("ünïcode",)), StateFact("Exception")),
    (("Both", (0, 1)),),
)


def late(sender: Sender, handle: int, *lines: str) -> None:
    """Lines after the last transition."""
    for line in lines:
        columns = sender.batch.late
        columns.machine.append(handle)
        columns.sequence.append(sender.sequences[handle])
        columns.at_ns.append(NOW + 7)
        columns.level.append(2)
        columns.text.append(sender.text(line))


def wait(sender: Sender, handle: int, ident: int, ahead: int = 0) -> None:
    """Something is pending from now on; ``ahead`` of a transition that is under way."""
    fact = (
        WaitFact("whenTime", ("A", "B"), (3, 4), "A,B 3 4"),
        WaitFact(CONTEXT, ("ünïcode",), (1,), "ünïcode"),
        WaitFact(PIPE_OUT, ("A",), peer="orders", peer_state="B", mutation="add"),
    )[ident % 3]
    origin = WaitOrigin("orders", ident, "AState") if ident % 2 else None
    begun = WaitBegun(handle, ident, sender.sequences[handle] + ahead, NOW + ident, fact, origin)
    sender.batch.waits.begun.append(begun)


def end_wait(sender: Sender, handle: int, ident: int, reason: str = "match", ahead: int = 0) -> None:
    """It is no longer."""
    ended = WaitEnded(handle, ident, sender.sequences[handle] + ahead, NOW + 100 + ident, reason)
    sender.batch.waits.ended.append(ended)


def write_rich_session(path: Path) -> Path:
    """Two programs, holes, revisions, bookmarks, late lines, handlers' times, omissions, something still running."""
    sender = Sender("ee" * 16)
    sender.process = replace(sender.process, name="second", resource={"key": "wert", "ö": "x"})
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(process(), START_NS)
        writer.write_all(process().session, batches(3, 400, close=True, size=50))
        writer.open_session(sender.process, NOW)
        sender.open(0, "gapped", GROUPED, clock=(1, 0, 0), sequence=7, parent="orders")
        sender.open(1, "idle", clock=(3, 0, 0))
        late(sender, 1, "before anything happened")
        sender.toggle(0, times=3)
        row = sender.add(0, replace(REFUSED, steps=(StepFact("called", target=1), StepFact("cancel", -2, 1))), "a", "b")
        sender.batch.arguments.append((row, '{"a": 1.50,  "b":"\\u00e4"}'))
        sender.batch.errors.append((row, ErrorFact("ValueError", "no\nway", "Traceback")))
        sender.batch.sources.append((row, SourceFact("orders", 5, 3, "external-7")))
        sender.batch.transition_ids.append((row, "id-1"))
        for name, offset in (("BEnter", 5), ("AEnter", 900)):
            sender.batch.runs.row.append(row)
            sender.batch.runs.name.append(name)
            sender.batch.runs.offset_ns.append(offset)
            sender.batch.runs.duration_ns.append(1_000)
        late(sender, 0, "late", "later")
        for ident in range(1, 6):
            wait(sender, ident % 2, ident)
        end_wait(sender, 1, 3)
        writer.put(sender.session, sender.take())
        end_wait(sender, 0, 2, "canceled", ahead=1)
        sender.gap(0, 4, clock=(5, 2, 0), reason="full")
        sender.toggle(0, times=2)
        sender.batch.omissions.append(OmissionFact(0, 9, 11, "steps", 3, "budget"))
        writer.put(sender.session, sender.take())
        sender.revise(0, schema("B", "A", "New", "Exception"))
        sender.toggle(0, state=2, times=3)
        writer.put(sender.session, sender.take())
        sender.gap(0, 3, clock=(9, 9, 9, 1), reason=RESTORED)
        writer.put(sender.session, sender.take())
        sender.revise(0, schema("New", "Exception"))
        sender.gap(0, 2)
        sender.add(0, toggle(0, True), at_ns=NOW - 5)
        wait(sender, 0, 9, ahead=1)
        sender.batch.running.append(RunningFact(1, 1, NOW, NOW + 9, "add", (1,), False, "BState", True))
        sender.batch.skew_ns = -1_500
        writer.put(sender.session, sender.take())
    db = sqlite3.connect(path)
    with db:
        db.executemany(
            "INSERT INTO bookmarks (machine_id, number, title, note, created_ns) VALUES (?, ?, ?, 'note', 5)",
            [(1, 5, "here"), (4, 0, "start"), (4, 6, "6th")],
        )
    db.close()
    return path


def write_random_session(path: Path, seed: int, steps: int = 40) -> Path:
    """A few machines that do anything, in any order."""
    rng = random.Random(seed)
    senders = [Sender(f"{number:02x}" * 16) for number in range(1, rng.randrange(2, 4))]
    with SessionFile.create(path) as session, Writer(session) as writer:
        machines: list[tuple[Sender, int]] = []
        for number, sender in enumerate(senders):
            sender.process = ProcessFact(sender.session, f"program {number}")
            writer.open_session(sender.process, NOW)
            for handle in range(rng.randrange(1, 3)):
                sender.open(handle, f"m{number}{handle}", sequence=rng.randrange(3), clock=(rng.randrange(3), 0, 0))
                machines.append((sender, handle))
        for step in range(steps):
            sender, handle = rng.choice(machines)
            if rng.random() < 0.4:
                wait(sender, handle, step + 1, rng.randrange(2))
            if rng.random() < 0.4:
                end_wait(
                    sender, handle, rng.randrange(1, step + 2), rng.choice(["match", "canceled"]), rng.randrange(2)
                )
            action = rng.randrange(10)
            if action < 5:
                sender.toggle(handle, times=rng.randrange(1, 3))
            elif action == 5:
                sender.add(handle, REFUSED, f"line {rng.randrange(9)}", at_ns=NOW + rng.randrange(10**9))
            elif action == 6:
                clock = (2, rng.randrange(4), 0) if rng.random() < 0.7 else ()
                sender.gap(handle, rng.randrange(1, 9), clock, rng.choice(["full", RESTORED]))
                writer.put(sender.session, sender.take())
            elif action == 7:
                late(sender, handle, f"late {step}")
            elif action == 8:
                writer.put(sender.session, sender.take())
                sender.revise(handle, rng.choice([schema("A", "B", "Exception"), schema("A", "New")]))
                sender.active = {key: on for key, on in sender.active.items() if key[0] != handle}
            else:
                writer.put(sender.session, sender.take())
        for sender in senders:
            writer.put(sender.session, sender.take())
            if rng.random() < 0.5:
                writer.close_session(sender.session, NOW + 10**12, "closed")
    return path
