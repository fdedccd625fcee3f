"""``am-dbg query``, as a user and a script meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.rich_session import write_rich_session
from tests.support.session_folder import am_dbg


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_session(tmp_path_factory.mktemp("rich") / "rich.db")


def test_matches_are_listed_in_order_of_time_and_counted(rich: Path) -> None:
    done = am_dbg("query", "mach:orders* !canceled", rich, "--json", "--limit", "0")
    assert done.returncode == 0, done.stderr
    matches = json.loads(done.stdout)
    assert len(matches) > 1
    assert {match["machine"].partition("-")[0] for match in matches} == {"orders"}
    assert [match["at_ns"] for match in matches] == sorted(match["at_ns"] for match in matches)
    counted = am_dbg("query", "mach:orders* !canceled", rich, "--count")
    assert (counted.returncode, counted.stdout) == (0, f"{len(matches)}\n")
    first = am_dbg("query", "mach:orders* !canceled", rich, "--limit", "1")
    assert len(first.stdout.splitlines()) == 2
    assert f"{len(matches)} match, the first 1 are listed" in first.stderr


def test_what_stands_in_logs_and_in_rows_is_found(rich: Path) -> None:
    everything = json.loads(am_dbg("query", "#1..", rich, "--json", "-n", "0").stdout)
    slowest = max(match["duration_ns"] for match in everything)
    done = am_dbg("query", f"dur>={slowest}ns", rich, "--json")
    expected = [match for match in everything if match["duration_ns"] == slowest]
    assert sorted(json.loads(done.stdout), key=str) == sorted(expected, key=str)
    logged = int(am_dbg("query", "logged", rich, "--count").stdout)
    mentioned = int(am_dbg("query", 'log:"state"', rich, "--count").stdout)
    assert 0 < mentioned <= logged


def test_exit_codes_tell_whether_something_matches(rich: Path) -> None:
    assert am_dbg("query", "accepted", rich, "--count").returncode == 0
    nothing = am_dbg("query", "dur>1000h", rich)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "nothing matches" in nothing.stderr
    assert am_dbg("query", "dur>1000h", rich, "--none").returncode == 0
    assert am_dbg("query", "accepted", rich, "--none", "--count").returncode == 1


def test_a_mistake_is_marked_below_the_query(rich: Path) -> None:
    done = am_dbg("query", "canceled & dur>50", rich)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0] == "am-dbg: '50' is no length of time, column 16"
    assert lines[2].index("^") == lines[1].index("50")
    assert "50ms" in lines[3]
