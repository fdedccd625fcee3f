"""The example programs do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest


def run(project: Path, name: str) -> Any:
    """What the program's main function returns."""
    return runpy.run_path(str(project / "examples" / name))["main"]()


def test_the_player_is_in_one_state_at_a_time(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pausing is refused while nothing plays; the state beside the group stays."""
    player = run(project, "fsm.py")
    assert player.active_states(["Stopped", "Playing", "Paused", "Muted"]) == ["Stopped", "Muted"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:2] == ["Paused", "canceled"]
    assert printed[-1] == "stopped -> playing -> paused -> playing -> stopped"


def test_tasks_end_after_what_they_depend_on(project: Path) -> None:
    """Each of them once."""
    path = project / "examples" / "dependency_graph.py"
    tasks: dict[str, list[str]] = runpy.run_path(str(path))["TASKS"]
    order: list[str] = run(project, "dependency_graph.py")
    assert sorted(order) == sorted(tasks)
    assert [
        (need, task) for task, needs in tasks.items() for need in needs if order.index(need) > order.index(task)
    ] == []


def test_every_game_shows_what_its_title_says(project: Path) -> None:
    """The results and handlers, in columns."""
    lines: dict[str, list[str]] = run(project, "relations_playground.py")
    games = [[line.split() for line in game] for game in lines.values()]
    assert len(games) == 7
    add, require, one_way, both_ways, after, auto, multi = games
    assert add[1][2:] == ["executed", "(Party:1)", "MusicEnd"]
    assert [line[-1] for line in require] == ["()", "DrivingState", "DrivingEnd"]
    assert one_way[2] == ["add", "Open", "canceled", "(Locked:1)"]
    assert both_ways[2][-2:] == ["NightEnd", "DayState"]
    assert after[0][-2:] == ["SocksState", "ShoesState"]
    assert auto[1][-2:] == ["LightEnd", "LightState"]
    assert multi[1][2:] == ["executed", "(Knock:3)", "KnockState"]
