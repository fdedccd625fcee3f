"""The example programs do what they say, and their list is complete."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(project: Path, name: str) -> Any:
    """What the program's main function returns."""
    return runpy.run_path(str(project / "examples" / name))["main"]()


def test_mistakes_in_raw_strings_are_found(project: Path) -> None:
    said = run(project, "raw_strings.py")
    assert said[:5] == [
        "dry: canceled",
        "thin: canceled",
        "strong: executed (Beans:1 Brewing:1 Water:1)",
        "for Ann",
        "afterwards: (Served:1 Water:1)",
    ]
    assert [line.partition(":")[0] for line in said[5:]] == ["SchemaError", "HandlerBindError", "UnknownStateError"]


def test_waiters_and_tasks_end_when_they_should(project: Path) -> None:
    assert run(project, "subscriptions.py") == [
        "thread: bob wrote True",
        "task: listening",
        "task: no longer connected",
        "task: Closed came first",
        "context: Closed is over",
        "waiter: ended by ctx",
    ]


def test_states_and_errors_travel_through_pipes(project: Path) -> None:
    said = [line.split() for line in run(project, "pipes.py")]
    assert said[1] == ["Day", "(Somebody:1)", "(Occupied:1)"]
    assert said[2] == ["Night", "(Dark:1", "Light:1", "Somebody:1)", "(Occupied:1)"]
    assert said[3] == ["Night", "(Dark:1)", "()"]
    assert said[4][-2:] == ["(ErrSensor:1", "Exception:1)"]
    assert said[5][-2:] == ["battery", "empty"]


def test_the_automaton_accepts_what_a_regular_expression_accepts(project: Path) -> None:
    """Words whose third letter from the end is an a."""
    accepted: dict[str, bool] = run(project, "nfa.py")
    assert accepted == {word: re.fullmatch("[ab]*a[ab]{2}", word) is not None for word in accepted}
    assert set(accepted.values()) == {True, False}


def test_tasks_fan_out_and_in(project: Path) -> None:
    """Each of them once, and never more at a time than was asked for."""
    album = run(project, "fan_out.py")
    assert sorted(album.made) == ["ceres.png", "mars.png", "moon.png", "pluto.png", "sun.png", "venus.png"]
    assert 1 <= album.most <= 2
    assert "Published" in album.machine


def test_changes_of_files_are_noticed(project: Path) -> None:
    assert run(project, "path_watcher.py") == ["created: a.txt", "modified: a.txt", "deleted: a.txt"]


def test_a_file_that_fails_stops_no_other(project: Path) -> None:
    assert run(project, "file_processing.py") == [
        "poem.txt: 8 words",
        "image.txt: UnicodeDecodeError",
        "gone.txt: FileNotFoundError",
        "errors seen by the batch: 2",
    ]


def test_an_expense_is_paid_when_everybody_has_agreed(project: Path) -> None:
    """Refusals name the handler or the relations; nothing is lost by the restart."""
    said = run(project, "expense_approval.py")
    assert [re.split(r"[;]", line)[0] for line in said] == [
        "ann: Submitted canceled by SubmittedEnter",
        "ann: Submitted executed",
        "ann: LeadAgrees canceled by LeadAgreesEnter",
        "lea: LeadAgrees executed",
        "the cashier: Paid canceled by relations",
        "restarted",
        "lou: DirectorAgrees canceled by DirectorAgreesEnter",
        "dora: DirectorAgrees executed",
        "the cashier: Paid executed",
    ]


def test_a_daemon_ends_when_its_work_is_done(project: Path) -> None:
    said = run(project, "daemon.py")
    assert said[0] == "status: Start Listening Idle; done: nothing"
    assert said[1].startswith("dance: unknown command dance")
    assert said[-1] == "ended: True, done: tea, socket left: False"


def test_a_daemon_is_driven_from_the_command_line(project: Path, tmp_path: Path) -> None:
    """Started as a process, asked by others, and gone after stop."""
    program = [sys.executable, str(project / "examples" / "daemon.py")]
    # Addresses of sockets are short, the folders of tests are not.
    with subprocess.Popen([*program, "start", "d.sock"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as daemon:

        def ask(*words: str) -> str:
            command = [*program, words[0], "d.sock", *words[1:]]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
            return done.stdout.strip()

        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline() == "listening on d.sock\n"
            assert ask("status") == "Start Listening Idle; done: nothing"
            assert ask("work", "tea") == "executed"
            assert ask("stop") == "executed"
            assert daemon.wait(30) == 0
        finally:
            daemon.kill()
        assert daemon.stdout.read() == "stopped\n"
    assert not (tmp_path / "d.sock").exists()


def test_the_crawler_loses_no_page_with_the_network(project: Path) -> None:
    """What was called off is fetched later; what does not exist is noted; the rest is fetched once."""
    crawler = run(project, "web_crawler.py")
    assert set(crawler.pages) == {"/", "/news", "/news/1", "/news/2", "/slow", "/end"}
    assert crawler.failed == ["/gone"]
    assert "/slow" in crawler.called_off
    assert crawler.machine.err() is None


@pytest.mark.parametrize("column", [1, 2, 3])
def test_every_example_is_listed(project: Path, column: int) -> None:
    """With what it shows and what to look at."""
    text = (project / "examples" / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| [")]
    listed = {row[1].partition("](")[2].rstrip(") ") for row in rows}
    assert {path.name for path in (project / "examples").glob("*.py")} - listed == set()
    assert [row[1] for row in rows if not row[column].strip()] == []
