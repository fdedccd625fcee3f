"""``am-dbg run`` adds telemetry to a program and nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.pseudo_terminal import on_pty

SCRIPT = """
import sys
from am_core import Machine
machine = Machine({"A": {}}, id="scripted")
machine.add("A")
print(sys.argv[1:], __name__, sys.path[0])
sys.exit(int(sys.argv[1]))
"""


def start(*arguments: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "am_dbg", "run", "--no-ui", "-o", "session.db", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, cwd: Path, **variables: str) -> tuple[int, str, str]:
    process = start(*arguments, cwd=cwd, **variables)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def recorded(folder: Path) -> list[tuple[str, str, int]]:
    """(service, machine, transitions) of a session."""
    with sqlite3.connect(folder / "session.db") as db:
        return db.execute(
            "SELECT processes.name, machines.name, count(transitions.id) FROM machines"
            " JOIN processes ON processes.id = machines.process_id"
            " LEFT JOIN transitions ON transitions.machine_id = machines.id GROUP BY machines.id ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.parametrize("code", [0, 3])
def test_a_script_runs_as_it_does_alone(tmp_path: Path, code: int) -> None:
    """Arguments, name, path, output and exit code are the program's; what am-dbg says goes to standard error."""
    (tmp_path / "app.py").write_text(SCRIPT)
    result, out, err = run("app.py", str(code), "--no-ui", "-m", cwd=tmp_path)
    assert result == code
    assert out == f"['{code}', '--no-ui', '-m'] __main__ {tmp_path}\n"
    assert "recorded 1 transitions of 1 machines" in err
    assert recorded(tmp_path) == [("app", "scripted", 1)]


def test_a_module_runs_as_with_python_m(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tool.py").write_text(SCRIPT)
    (package / "__main__.py").write_text(SCRIPT)
    result, out, _ = run("-m", "pack.tool", "4", cwd=tmp_path)
    assert (result, out) == (4, f"['4'] __main__ {tmp_path}\n")
    assert recorded(tmp_path) == [("pack.tool", "scripted", 1)]
    (tmp_path / "session.db").unlink()
    assert run("pack", "0", cwd=tmp_path)[0] == 0
    assert recorded(tmp_path) == [("pack", "scripted", 1)]


def test_children_report_as_well(tmp_path: Path) -> None:
    """Whether they are forked, spawned, or started as programs of their own."""
    (tmp_path / "child.py").write_text("from am_core import Machine\nMachine({'A': {}}, id='started').add('A')\n")
    (tmp_path / "app.py").write_text("""
import multiprocessing, subprocess, sys
from am_core import Machine

def work(name):
    Machine({"A": {}}, id=name).add("A")

if __name__ == "__main__":
    work("parent")
    subprocess.run([sys.executable, "child.py"], check=True)
    for kind in ("spawn", "forkserver"):
        child = multiprocessing.get_context(kind).Process(target=work, args=(kind,))
        child.start()
        child.join()
        assert child.exitcode == 0
""")
    result, _, err = run("app.py", cwd=tmp_path)
    assert result == 0, err
    names = {machine for _, machine, transitions in recorded(tmp_path) if transitions == 1}
    assert {"parent", "started", "spawn"} <= names


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 7), (signal.SIGKILL, 137)])
def test_signals_reach_the_program_and_its_end_is_the_end(tmp_path: Path, number: int, expected: int) -> None:
    """A signal to am-dbg goes to the program, which may handle it; a program that is killed has a shell's exit code."""
    (tmp_path / "app.py").write_text("""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(os.getpid(), flush=True)
time.sleep(60)
""")
    process = start("app.py", cwd=tmp_path)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    (process.send_signal if number == signal.SIGTERM else lambda sent: os.kill(child, sent))(number)
    process.communicate(timeout=30)
    assert process.returncode == expected
    assert not (tmp_path / "session.db").exists(), "an empty recording is removed"


def test_an_interrupt_is_for_the_program(tmp_path: Path) -> None:
    """As from a terminal, which sends it to both."""
    (tmp_path / "app.py").write_text("""
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("tidied up", flush=True)
""")
    process = subprocess.Popen(
        [sys.executable, "-m", "am_dbg", "run", "--no-ui", "app.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "tidied up\n")


def test_a_startup_module_of_the_environment_still_runs(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.customised = __file__\n")
    (tmp_path / "app.py").write_text("import sitecustomize; print(customised == sitecustomize.__file__)\n")
    paths = os.pathsep.join(filter(None, [str(own), os.environ.get("PYTHONPATH")]))
    result, out, err = run("app.py", cwd=tmp_path, PYTHONPATH=paths)
    assert (result, out) == (0, "True\n"), err
    assert "no machines" in err


def test_a_program_that_does_not_exist_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "server.py").touch()
    result, _, err = run("sever.py", cwd=tmp_path)
    assert result == 2
    assert "did you mean server.py?" in err
    assert not (tmp_path / "session.db").exists()


def test_a_command_of_the_search_path_can_be_run(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\nfrom am_core import Machine\nMachine({{'A': {{}}}}, id='tooled').add('A')\n")
    tool.chmod(0o755)
    result, _, err = run("tool", cwd=tmp_path.parent, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert result == 0, err
    assert recorded(tmp_path.parent) == [("tool", "tooled", 1)]
    (tmp_path.parent / "session.db").unlink()


def test_the_debugger_shows_the_program_that_it_has_started(tmp_path: Path) -> None:
    """The program's output goes to a file, its machines to the screen, and closing the debugger ends it."""
    (tmp_path / "app.py").write_text("""
import time
from am_core import Machine
machine = Machine({"Glowing": {}}, id="lamp")
machine.add("Glowing")
print("not for the screen", flush=True)
time.sleep(60)
""")
    session = tmp_path / "session.db"
    with on_pty("run", "-o", str(session), str(tmp_path / "app.py")) as debugger:
        debugger.sees("lamp", "Glowing")
        debugger.press("ctrl+q")
        assert debugger.ends() == 0
    assert (tmp_path / "session.out.txt").read_text() == "not for the screen\n"
    assert recorded(tmp_path) == [("app", "lamp", 1)]


def test_nothing_waits_longer_than_the_program(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import time; time.sleep(0.1)\n")
    before = time.monotonic()
    assert run("app.py", cwd=tmp_path)[0] == 0
    assert time.monotonic() - before < 20
