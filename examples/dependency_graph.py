"""A graph of tasks that start as soon as what they depend on is done, in parallel where the graph allows it.

Nothing here sorts the graph or schedules anything. Every task is an automatic state that requires the results of other
tasks, so the engine starts it at the right moment.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/dependency_graph.py`` in another to watch it.
"""

import threading
import time
from collections.abc import Callable, Mapping

import am_telemetry
from am_core import Event, Machine
from am_core.diagrams import schema_diagram

am_telemetry.init()

TASKS = {
    "Fetch": [],
    "Compile": ["Fetch"],
    "Lint": ["Fetch"],
    "Docs": ["Fetch"],
    "Test": ["Compile"],
    "Package": ["Test", "Lint", "Docs"],
}


def schema_of(tasks: Mapping[str, list[str]]) -> dict[str, dict[str, object]]:
    """Two states per task: it was started, and it is done."""
    schema: dict[str, dict[str, object]] = {"Start": {}}
    for task, needs in tasks.items():
        schema[task] = {"auto": True, "require": ["Start", *(f"{need}Done" for need in needs)]}
        schema[f"{task}Done"] = {"require": [task]}
    return schema


def worker(task: str, finished: Callable[[str], None]) -> Callable[[Event], None]:
    """A handler that does the task on a thread of its own, so that others can run meanwhile."""

    def work(e: Event) -> None:
        time.sleep(0.05)
        finished(task)
        # The event says which transition caused this one; the debugger's arrows come from it.
        e.machine.add(f"{task}Done", event=e)

    def start(e: Event) -> None:
        threading.Thread(target=work, args=(e,), name=task).start()

    return start


def main() -> list[str]:
    """Run all tasks; returns their names in the order in which they ended."""
    order: list[str] = []
    everything = threading.Event()
    build = Machine(schema_of(TASKS), id="build")
    build.bind({f"{task}State": worker(task, order.append) for task in TASKS})
    build.bind({"PackageDoneState": lambda e: everything.set()})
    print(schema_diagram(schema_of(TASKS), "mermaid", states=[name for name in build.states if name != "Exception"]))
    build.add("Start")
    if not everything.wait(30):
        raise SystemExit(f"the build got stuck: {build}")
    print(" -> ".join(order))
    return order


if __name__ == "__main__":
    main()
