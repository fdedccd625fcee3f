"""Machines that look up what they did before, against machines that work out everything."""

from __future__ import annotations

from typing import Any

from automaton_setups import Recorder
from hypothesis import given, settings
from hypothesis import strategies as st

from am_core import Event, Machine

NAMES = "ABCDEF"
KINDS = ("add", "remove", "set", "toggle")


def states_of(names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=3)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Relations of every kind, without the conflicts that the parser refuses."""
    schema: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        others = NAMES.replace(name, "")
        removed = draw(states_of(others))
        schema[name] = {
            "remove": removed,
            "require": [n for n in draw(states_of(others))[:1] if n not in removed],
            "add": [n for n in draw(states_of(others))[:2] if n not in removed],
            "after": draw(states_of(others))[:1],
            "auto": draw(st.integers(0, 3)) == 0,
            "multi": draw(st.integers(0, 3)) == 0,
        }
    return schema


SCRIPTS = st.sampled_from(["", "", "", "veto", "fail", "nested", "prepend", "bind"])
MUTATIONS = st.one_of(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(KINDS), states_of(NAMES)),
    st.tuples(st.sampled_from(["can_add", "can_remove"]), st.sampled_from(NAMES)),
    st.tuples(st.just("args"), st.sampled_from(NAMES)),
)
CHANGES = st.tuples(
    st.sampled_from(["bind", "detach", "trace", "untrace", "level", "steps", "grow", "reorder", "wait", "error"]),
    st.integers(0, 5),
)
HANDLER_NAMES = [a + b for a in NAMES for b in ("Enter", "Exit", "State", "End", *NAMES)] + ["AnyEnter", "AnyState"]


class Subject:
    """One of two machines that are treated alike."""

    def __init__(self, schema: dict[str, Any], plan_cache: Any) -> None:
        self.machine = Machine(schema, id="m", plan_cache=plan_cache, handler_timeout=60, strict=False)
        self.seen: list[object] = []
        self.tracer = Recorder()
        # The log names the transitions that mutations come from.
        self.machine.transition_prefix = "00000000"
        self.extra = self.bound = 0
        self.depth = 0
        self.released: list[str] = []

    def bind(self, handlers: dict[str, Any]) -> None:
        self.bound += 1
        self.machine.bind(handlers, id=f"handlers-{self.bound}")

    def handlers(self, scripts: dict[str, str]) -> dict[str, Any]:
        def handler(name: str, script: str) -> Any:
            def call(e: Event) -> bool | None:
                self.seen.append((name, e.name, e.transition.number, tuple(e.machine.active)))
                if script == "fail":
                    raise RuntimeError(name)
                if script in ("nested", "prepend", "bind") and self.depth < 3:
                    self.depth += 1
                    state = NAMES[(len(self.seen) + self.depth) % len(NAMES)]
                    if script == "nested":
                        self.seen.append(int(e.machine.toggle(state)))
                    elif script == "prepend":
                        self.seen.append(int(e.machine.prepend_mut(e.machine.mutation(e.mutation.type, state))))
                    else:
                        self.bind({f"{state}State": lambda e: self.seen.append(e.name)})
                return False if script == "veto" else None

            return call

        return {name: handler(name, script) for name, script in scripts.items()}

    def mutate(self, kind: str, states: Any) -> None:
        self.depth = 0
        machine = self.machine
        if kind == "args":
            self.seen.append(int(machine.add(states, value=1)))
        else:
            self.seen.append(int(getattr(machine, kind)(states)))

    def change(self, what: str, number: int, scripts: dict[str, str]) -> None:
        machine = self.machine
        if what == "bind" and scripts:
            self.bind(self.handlers(scripts))
        elif what == "detach" and machine.handlers():
            machine.detach(machine.handlers()[number % len(machine.handlers())])
        elif what == "trace":
            machine.bind_tracer(self.tracer)
        elif what == "untrace":
            machine.detach_tracer(self.tracer)
        elif what == "level":
            machine.log_level = number
        elif what == "steps":
            machine.record_steps = bool(number % 2)
        elif what == "grow":
            self.extra += 1
            new: dict[str, Any] = {**machine.schema(), f"X{self.extra}": {"auto": True, "remove": [NAMES[number]]}}
            machine.set_schema(new, [*machine.states, f"X{self.extra}"])
        elif what == "reorder":
            names = list(machine.states)
            machine.verify_states([*names[number:], *names[:number]])
        elif what == "wait":
            name = NAMES[number]
            machine.when(name).add_done_callback(lambda _: self.released.append(f"{name} {machine.transition_count}"))
        elif what == "error":
            machine.add_err(RuntimeError("from outside"))

    def moment(self) -> tuple[object, ...]:
        machine, queue = self.machine, self.machine._queue
        return (
            *(machine.states, machine.active, tuple(machine.time()), machine.transition_count, machine.queue_tick()),
            *(queue.next_tick, queue.token, len(queue.items), machine.transition, machine._drainer),
            *(self.seen, self.tracer.rows, self.released, str(machine.err()), list(map(str, machine.internal_errors))),
        )


@settings(max_examples=150, deadline=None)
@given(
    schemas(),
    st.lists(st.one_of(MUTATIONS, MUTATIONS, MUTATIONS, CHANGES), max_size=25),
    st.dictionaries(st.sampled_from(HANDLER_NAMES), SCRIPTS, max_size=4),
    st.integers(1, 3),
    st.sampled_from(["auto", "always"]),
)
def test_machines_with_and_without_the_automaton_do_the_same(
    schema: dict[str, Any], acts: list[Any], scripts: dict[str, str], repeats: int, plan_cache: str
) -> None:
    """Whatever happens to them: vetoes, failures, nested mutations, other handlers, tracers, schemas and levels."""
    plain, planned = Subject(schema, "never"), Subject(schema, plan_cache)
    for what, how in acts * repeats:
        for subject in (plain, planned):
            if isinstance(how, int):
                subject.change(what, how, scripts)
            else:
                subject.mutate(what, how)
        assert planned.moment() == plain.moment()


@settings(max_examples=60, deadline=None)
@given(schemas(), st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES)), min_size=5, max_size=30))
def test_the_express_path_leads_where_transitions_lead(schema: dict[str, Any], acts: list[tuple[str, str]]) -> None:
    """Also through automatic states, refusals and multi states."""
    plain, planned = Subject(schema, "never"), Subject(schema, "always")
    for kind, state in acts * 3:
        plain.mutate(kind, state)
        planned.mutate(kind, state)
        assert planned.moment() == plain.moment()
