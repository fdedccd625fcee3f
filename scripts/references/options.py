"""The options of a machine. Names and defaults are those of its constructor; a missing or unknown one is an error."""

from __future__ import annotations

import inspect

from am_core import Machine
from references.markdown import code, page, table

LEAD = """
All options are keywords of `Machine(schema, …)` and of `Machine.create(states, handlers, …)`. Times are in seconds.
What is marked with * is an attribute of the machine as well, and may be changed while it lives.
"""
GROUPS = {
    "Identity": {
        "id": "Name of the machine in logs, snapshots and the debugger. Empty: 16 random hex digits.",
        "parent": "A machine that this one is shown below. Its tracers are told; it is not kept alive, and nothing "
        "else is connected.",
        "ctx": "A context that the machine ends with: that of another machine, or of one of its states.",
        "tags": "Free text for people and filters, `key` or `key:value`.",
        "strict": "Refuse schemas with unknown names and contradictions by `SchemaError`. False: unknown names are "
        "dropped and logged, a contradiction becomes an `Exception`.",
    },
    "Handlers": {
        "runner": "Where handlers run: `inline` on the thread that executes the queue, `thread` on one of the machine, "
        "`loop` on its event loop. See [threads and asyncio](../concepts/threads-and-asyncio.md#runners).",
        "loop": "The event loop of coroutine functions, and of `runner='loop'`. None: the one that is running.",
        "handler_timeout*": "How long a handler may take before its transition is canceled.",
        "handler_deadline*": "How much longer it may take before the machine goes on without it.",
        "handler_backoff*": "For how long every mutation is canceled after that.",
        "panic_to_exception*": "Turn exceptions of handlers into the state `Exception`. False: they reach the caller.",
    },
    "Queue and end": {
        "queue_limit*": "How many mutations may wait; more are canceled, except errors.",
        "eval_timeout*": "How long `eval` waits for its turn.",
        "dispose_timeout*": "How long `dispose` waits for the queue to end.",
        "plan_cache": "Keep and look up outcomes of earlier mutations: `auto`, `always`, `never`. None: what "
        "`AM_PLAN_CACHE` says, or `auto`. Changes nothing but the speed.",
    },
    "Observation": {
        "tracers": "Objects whose hooks are called, from the machine's first moment on.",
        "record_steps*": "Record how relations decided in each transition. Tracers may want it as well.",
        "log_level*": "How much is logged, by name or number; see "
        "[logs](../concepts/logs-tracing-and-breakpoints.md#logs).",
        "logger": "A function of level and line that is given what is logged. None: lines are only kept with "
        "transitions.",
        "log_args*": "Chooses the arguments that are logged, such as `log_args_mapper()`. None: none of them.",
        "log_id*": "Begin lines for the logger with the first five characters of the id.",
        "log_stack_trace*": "Keep stacks of errors as text beside them.",
        "on_change*": "Called with the machine and each transition that is not a check, also when it was canceled.",
        "on_error*": "Called with the machine and an error before `Exception` becomes active.",
    },
}


def build() -> str:
    """The page."""
    parameters = inspect.signature(Machine.__init__).parameters
    known = {name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    described = {name.rstrip("*") for group in GROUPS.values() for name in group}
    if known != described:
        raise SystemExit(
            f"scripts/references/options.py and the options of Machine differ: {sorted(known ^ described)}"
        )
    blocks = [LEAD]
    for title, group in GROUPS.items():
        rows = [
            [code(name.rstrip("*")) + ("*" if name.endswith("*") else ""), _default(parameters[name.rstrip("*")]), text]
            for name, text in group.items()
        ]
        blocks += [f"## {title}", table(["Option", "Default", "Meaning"], rows)]
    return page("Options of a machine", *blocks)


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    return "" if value in ("", None, ()) else code(str(value))
