"""Machines whose transitions are noted or announced, and what the builder makes of them, without any thread."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from am_core import Machine, Snapshot
from am_telemetry.batch import Batch
from am_telemetry.sending.builder import Builder
from am_telemetry.sending.drafts import Draft, Dropped
from am_telemetry.sending.interning import SchemaTable
from am_telemetry.sending.ring import FULL, HAPPENED, WIDTH
from am_telemetry.sending.tracer import MachineTracer, Ring
from am_telemetry.settings import read_settings

NAMES = "ABCDE"
TOGGLE = {"A": {"remove": ["B"]}, "B": {"remove": ["A"]}}


class Desk:
    """Machines that are traced into a ring, and a builder behind it, without any thread."""

    def __init__(self, detail: int, express: bool, limit: int = 65_536) -> None:
        self.settings = read_settings("1", detail=detail, environ={})
        self.express = express
        self.ring = Ring(limit)
        self.drafts: list[Draft] = []
        self.dropped = Dropped()
        self.builder = Builder(self.settings, SchemaTable(), self.drafts.append, self.dropped)
        self.handles = itertools.count(1)
        self.noted = self.announced = 0

    def trace(self, machine: Machine, level: int) -> MachineTracer:
        machine.transition_prefix = "00000000"
        tracer = MachineTracer(self.ring, machine, next(self.handles), self.settings.detail)
        if not self.express:
            tracer.express_sink = None
        machine.bind_tracer(tracer)
        machine.log_level = level
        tracer.announce()
        return tracer

    def collect(self) -> None:
        kinds = kinds_of(self.ring)
        self.noted += len(kinds) - kinds.count(FULL) - kinds.count(HAPPENED)
        self.announced += kinds.count(FULL)
        self.builder.feed(self.ring.take())
        self.builder.close_left()
        assert self.builder.failure is None

    def story(self) -> list[Any]:
        """Everything in the batches except for times, with what is behind the handles."""
        self.collect()
        self.builder.finish()
        return [_told(draft) for draft in self.drafts]


def kinds_of(ring: Ring) -> list[Any]:
    """The third entries of all records: ``FULL``, ``HAPPENED``, or the outcome of what was noted."""
    kinds = []
    rest = iter(ring.items[2::WIDTH])
    for kind in rest:
        kinds.append(kind)
        if kind is FULL:
            next(rest)
    return kinds


def _told(draft: Draft) -> tuple[object, ...]:
    batch: Batch = draft.batch
    rows, logs = batch.transitions, batch.logs
    return (
        [(handle, fact) for handle, _, fact in batch.opened],
        (rows.machine, rows.sequence, rows.queue_len, rows.queue_tick),
        [draft.patterns[handle].pattern for handle in rows.pattern],
        [draft.patterns[handle].schema for handle in rows.pattern],
        list(zip(logs.row, logs.level, [draft.texts[handle] for handle in logs.text], logs.before, strict=True)),
        (batch.sources, batch.arguments, batch.errors, batch.gaps, batch.revised, draft.spans),
        [(closed.machine, closed.reason) for closed in batch.closed],
        list(zip(batch.late.sequence, batch.late.level, [draft.texts[text] for text in batch.late.text], strict=True)),
    )


def subsets(names: str, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=most)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for name in NAMES:
        others = NAMES.replace(name, "")
        removed = draw(subsets(others, 2))
        schema[name] = {
            "remove": removed,
            "require": [n for n in draw(subsets(others, 1)) if n not in removed],
            "add": [n for n in draw(subsets(others, 1)) if n not in removed],
            "auto": draw(st.integers(0, 3)) == 0,
            "multi": draw(st.integers(0, 3)) == 0,
        }
    return schema


SCRIPTS = st.sampled_from(["", "veto", "fail", "nested", "other", "log"])
ACTS = st.one_of(
    st.tuples(st.sampled_from(["add", "remove", "set", "toggle"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["add", "remove", "set", "toggle"]), st.sampled_from(NAMES)),
    st.tuples(st.just("add"), subsets(NAMES, 2)),
    st.tuples(st.sampled_from(["can_add", "args", "kwargs", "nothing", "from other", "error"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["log", "level", "detail", "wait", "args text", "logger", "grow", "restore", "take"]),
              st.integers(0, 5)),
)  # fmt: skip


class Subject:
    """One of two machines that are treated alike, and another one whose handlers mutate it."""

    def __init__(self, schema: dict[str, Any], scripts: dict[str, str], desk: Desk, level: int) -> None:
        self.desk = desk
        self.machine = Machine(schema, id="m", plan_cache="always", handler_timeout=60, strict=False)
        self.machine.verify_states(self.machine.states)
        self.other = Machine({"X": {"multi": True}}, id="other", plan_cache="always")
        self.other.bind({"XState": lambda e: self.machine.add(e.args["state"])}, id="h")
        self.depth = self.grown = 0
        self.tracer = desk.trace(self.machine, level)
        self.desk.trace(self.other, level)
        self.lines: list[object] = []
        if scripts:
            self.machine.bind({name: self._handler(script) for name, script in scripts.items()}, id="h")

    def _handler(self, script: str) -> Any:
        def call(e: Any) -> bool | None:
            self.depth += 1
            if script == "fail":
                raise RuntimeError(script)
            if script == "nested" and self.depth < 4:
                e.machine.toggle(NAMES[self.depth])
            if script == "other" and self.depth < 4:
                self.other.add("X", state=NAMES[self.depth])
            if script == "log":
                e.machine.log(script)
            return False if script == "veto" else None

        return call

    def act(self, what: str, how: Any) -> None:
        machine = self.machine
        self.depth = 0
        if what == "args":
            args = {"number": 1, "name": "x"}
            machine.add(how, args)
            args["later"] = 2
        elif what == "kwargs":
            machine.toggle(how, number=1, password="p")
        elif what == "nothing":
            machine.add(how, {})
        elif what == "from other":
            self.other.add("X", state=how)
        elif what == "error":
            machine.add_err(RuntimeError(how))
        elif what == "log":
            machine.log(f"line {how}")
        elif what == "level":
            machine.log_level = how
        elif what == "detail":
            self.desk.collect()
            self.tracer.set_detail(how % 4)
        elif what == "wait":
            machine.when(NAMES[how % len(NAMES)])
        elif what == "args text":
            machine.log_args = (lambda args: {key: str(value) for key, value in args.items()}) if how % 2 else None
        elif what == "logger":
            machine.set_logger((lambda level, text: self.lines.append((level, text))) if how % 3 == 1 else None)
        elif what == "grow":
            self.grown += 1
            name = f"X{self.grown}"
            machine.set_schema({**machine.schema(), name: {"auto": True}}, [*machine.states, name])
        elif what == "restore":
            machine.restore(Snapshot.from_dict(machine.export().to_dict()))
        elif what == "take":
            self.tracer.collect_log()
        else:
            getattr(machine, what)(how)


def book_losses(desk: Desk, *tracers: MachineTracer) -> None:
    """What the sender does when there is room again."""
    desk.collect()
    desk.builder.book_losses(desk.ring, tracers)


def replayed(desk: Desk) -> dict[int, tuple[int, ...]]:
    """Where machines stand, from nothing but what was told of them."""
    clocks: dict[int, list[int]] = {}
    for draft in desk.drafts:
        batch = draft.batch
        for handle, _, fact in batch.opened:
            clocks[handle] = list(fact.clock) or [0] * len(fact.schema.states)
        for handle, pattern in zip(batch.transitions.machine, batch.transitions.pattern, strict=True):
            for state, ticks in draft.patterns[pattern].pattern.deltas:
                clocks[handle][state] += ticks
        for gap in batch.gaps:
            clocks[gap.machine] = list(gap.clock)
        for handle, span in draft.spans.items():
            assert span.clock == tuple(clocks[handle])
    return {handle: tuple(clock) for handle, clock in clocks.items()}
