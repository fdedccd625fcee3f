"""Hypothesis strategies for recordings of several machines: skewed clocks, equal times, every kind of transition."""

from __future__ import annotations

from hypothesis import strategies as st

from am_telemetry.facts import LogFact, SchemaFact, StateFact, StepFact
from tests.support.memory_recording import START_NS, MachineBuilder, MemoryRecording

STATES = ("Exception", "Ready", "Start", "Heartbeat", "ErrIO", "Loading")
SCHEMA = SchemaFact(tuple(StateFact(name, multi=name == "Loading") for name in STATES))


@st.composite
def transitions(draw: st.DrawFn) -> dict[str, object]:
    """Keywords of ``MachineBuilder.mutate`` plus the time, in seconds after the start of the recording."""
    kind = draw(st.sampled_from(["add", "remove", "set"]))
    return {
        "kind": kind,
        "states": tuple(draw(st.lists(st.sampled_from(STATES), min_size=0, max_size=2, unique=True))),
        "accepted": draw(st.booleans() | st.just(True)),
        "auto": draw(st.booleans()),
        "check": draw(st.integers(0, 7)) == 0,
        "queued": draw(st.integers(0, 7)) == 0,
        "broken": draw(st.integers(0, 9)) == 0,
        "steps": draw(st.sampled_from([(), (StepFact("called", target=1), StepFact("activate", target=1))])),
        "handlers": draw(st.sampled_from([(), ("ReadyState",)])),
        "at_ns": START_NS + draw(st.integers(0, 30)) * 1_000_000_000,
        "logs": draw(
            st.lists(
                st.builds(LogFact, st.integers(1, 5), st.sampled_from(["[state] +Ready", "plain"]), st.booleans()),
                max_size=3,
            )
        ),
    }


def write(machine: MachineBuilder, rows: list[dict[str, object]]) -> None:
    """Record drawn transitions."""
    for row in rows:
        machine.mutate(**row)  # type: ignore[arg-type]  # drawn for exactly these keywords


@st.composite
def recordings(draw: st.DrawFn, machines: int = 3, length: int = 25, ordered: bool | None = None) -> MemoryRecording:
    """One to ``machines`` machines, each with up to ``length`` transitions, caught up."""
    recording = MemoryRecording()
    in_order = draw(st.booleans()) if ordered is None else ordered
    for place in range(draw(st.integers(1, machines))):
        machine = recording.machine(f"m{place}", SCHEMA, at_ns=START_NS)
        rows = draw(st.lists(transitions(), max_size=length))
        if in_order:
            times = sorted(int(str(row["at_ns"])) for row in rows)
            rows = [row | {"at_ns": moment} for row, moment in zip(rows, times, strict=True)]
        write(machine, rows)
    recording.catch_up()
    return recording
