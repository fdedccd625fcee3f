"""One line is enough, whatever the program imports and when, and the store gets the whole story."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hubs import HubProcess, free_port, run_program

import am_telemetry
from am_telemetry.receiving.collector import Collector
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer

PROGRAM = """
import am_telemetry
{before}
import transitions
from transitions.extensions import HierarchicalMachine
from statemachine import StateChart, State
{after}
class Model:
    def fail(self):
        raise ValueError("no")
model = Model()
machine = transitions.Machine(model, ["a", "b"], initial="a", transitions=[["bad", "b", "a"]])
machine.before_bad("fail")
nested = HierarchicalMachine(states=[{{"name": "x", "children": ["1", "2"], "initial": "1"}}], initial="x")
class Chart(StateChart):
    one = State(initial=True)
    two = State(final=True)
    go = one.to(two)
{later}
chart = Chart()
model.to_b()
try:
    model.bad()
except ValueError:
    pass
nested.to_x_2()
chart.go()
print(am_telemetry.init().stats.machines)
"""


@pytest.mark.parametrize("where", ["before", "after", "later"])
def test_one_line_traces_machines_of_all_engines(where: str) -> None:
    parts = {"before": "", "after": "", "later": "", where: "am_telemetry.init()"}
    with HubProcess() as hub:
        done = run_program(PROGRAM.format(**parts), f"localhost:{hub.port}")
        assert (done.stdout, done.stderr) == ("3\n", "")
        summary = hub.summary()
    assert summary["machines"] == ["Chart", "HierarchicalMachine", "Model"]
    assert summary["transitions"] == 6
    assert summary["lost"] == 0


def test_without_an_address_the_packages_stay_untouched_and_unloaded() -> None:
    code = """
import sys
finders = list(sys.meta_path)
import am_telemetry
am_telemetry.init()
assert sys.meta_path == finders
assert "am_telemetry.adapters" not in sys.modules
import transitions
assert transitions.Machine.callback.__module__ == "transitions.core"
assert not hasattr(transitions.Machine.callback, "__wrapped__")
print("untouched")
"""
    assert run_program(code, "").stdout == "untouched\n"


def test_the_packages_are_not_imported_by_telemetry() -> None:
    code = """
import sys, am_telemetry
am_telemetry.init()
print([name for name in sys.modules if name.split(".")[0] in ("transitions", "statemachine", "asyncio")])
"""
    assert run_program(code, f"localhost:{free_port()}").stdout == "[]\n"


def test_a_single_machine_is_traced_on_request() -> None:
    code = """
import am_telemetry, transitions
from am_core import Machine
one, other = (transitions.Machine(states=["a", "b"], initial="a", name=name) for name in ("one", "other"))
with am_telemetry.trace(one) as traced:
    print(traced.ids, traced.enabled)
    one.to_b(), other.to_b()
one.to_a()
print(traced.enabled)
engine = Machine({"A": {}}, id="engine")
print(am_telemetry.trace(engine).ids, am_telemetry.trace("nonsense").ids)
engine.add("A")
am_telemetry.init()
other.to_a()
"""
    with HubProcess() as hub:
        done = run_program(code, f"localhost:{hub.port}")
        assert done.stdout == "('one',) True\nFalse\n('engine',) ()\n"
        assert "no machine of a supported engine" in done.stderr
        summary = hub.summary()
    assert summary["machines"] == ["engine", "one", "one", "other"]
    assert summary["transitions"] == 3


def test_asking_for_a_machine_without_an_address_does_nothing() -> None:
    code = "import am_telemetry; t = am_telemetry.trace(object()); t.close(); print(t.enabled, t.ids)"
    done = run_program(code, "")
    assert (done.stdout, done.stderr) == ("False ()\n", "")


def test_a_forked_child_is_a_session_of_its_own() -> None:
    code = """
import os, am_telemetry, transitions
am_telemetry.init()
machine = transitions.Machine(states=["a", "b"], initial="a", name="m")
machine.to_b()
assert am_telemetry.init().flush(10)
pid = os.fork()
machine.to_a()
assert am_telemetry.init().close(20)
if pid:
    assert os.waitpid(pid, 0)[1] == 0
else:
    os._exit(0)
"""
    with HubProcess() as hub:
        done = run_program(code, f"localhost:{hub.port}")
        assert done.returncode == 0, done.stderr
        summary = hub.summary()
    assert summary["machines"] == ["m", "m"]
    assert summary["transitions"] == 3


def test_an_import_that_fails_fails_as_before(tmp_path: Path) -> None:
    package = tmp_path / "transitions"
    package.mkdir()
    (package / "__init__.py").write_text("from . import core\n")
    (package / "core.py").write_text("raise OSError('not today')\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import am_telemetry
am_telemetry.init()
try:
    import transitions
except OSError as error:
    print(error)
"""
    assert run_program(code, f"localhost:{free_port()}").stdout == "not today\n"


def test_an_unknown_version_is_left_alone_with_a_warning(tmp_path: Path) -> None:
    package = tmp_path / "transitions"
    package.mkdir()
    (package / "__init__.py").write_text("from .core import Machine\n")
    (package / "core.py").write_text("class Machine: ...\nclass Event: ...\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import am_telemetry
am_telemetry.init()
import transitions
transitions.Machine()
"""
    done = run_program(code, f"localhost:{free_port()}")
    assert "machines of transitions are not traced" in done.stderr
    assert done.returncode == 0


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as db:
        return db.execute(query).fetchall()


def test_the_example_runs_and_its_story_is_in_the_session_file(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "session.db"
    writer = Writer(SessionFile.create(path))
    collector = Collector(writer, "localhost:0")
    collector.start()
    try:
        environment = {"AM_DBG_ADDR": f"localhost:{collector.port}", "AM_DETAIL": "3"}
        paths = ":".join(str(project / part) for part in (".", "telemetry", "proto"))
        done = subprocess.run(
            [sys.executable, str(project / "examples" / "transitions_traced.py")],
            env={**environment, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        collector.stop()
        writer.close()
    machines = {name for (name,) in rows(path, "SELECT name FROM machines")}
    assert {"order", "Parcel/left", "Parcel/right", "Payment"} <= machines
    told = rows(path, "SELECT machine, called, verdict, canceled_by, source_machine FROM v_transitions ORDER BY time")
    assert ("Parcel/right", "sent", "canceled", "is_light", "order") in told
    assert ("order", "shipped", "accepted", None, "Payment") in told
    assert [row[0] for row in rows(path, "SELECT message FROM errors WHERE message IS NOT NULL")] == [
        "nobody has seen the left parcel"
    ]


def test_closing_takes_the_import_watch_away() -> None:
    finders = list(sys.meta_path)
    with am_telemetry.init(f"localhost:{free_port()}", machines="nothing") as handle:
        assert handle.enabled
        assert len(sys.meta_path) == len(finders) + 1
        handle.close(0)
    assert sys.meta_path == finders
