"""The list of behaviours names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

NAMED = re.compile(r"`(?P<path>[\w/.]+\.py)::(?P<test>test_\w+)`")
PATH = re.compile(r"`(?P<path>[\w/]+\.py)`")
HEADING = re.compile(r"^## (?P<number>\d+) [^\n]+(?P<body>.*?)(?=^## )", re.MULTILINE | re.DOTALL)
BEHAVIOURS = 20


def functions(path: Path) -> set[str]:
    """Names of all functions and methods of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def missing(text: str, tests: Path) -> list[str]:
    """What a text names and ``tests`` does not have."""
    return [
        match[0]
        for match in NAMED.finditer(text)
        if not (tests / match["path"]).is_file() or match["test"] not in functions(tests / match["path"])
    ]


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "tests" / "ui" / "BEHAVIOUR.md").read_text(encoding="utf-8")


def test_tests_named_in_the_list_of_behaviours_exist(project: Path, page: str) -> None:
    assert missing(page, project / "tests") == []
    for match in PATH.finditer(page):
        assert (project / match["path"]).is_file() or (project / "tests" / match["path"]).is_file(), match[0]


def test_every_behaviour_has_a_test_and_none_is_left_out(page: str) -> None:
    listed = {int(match["number"]): NAMED.findall(match["body"]) for match in HEADING.finditer(page)}
    assert list(listed) == list(range(1, BEHAVIOURS + 1))
    assert [number for number, tests in listed.items() if not tests] == []


def test_a_test_that_was_renamed_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_one(): ...\nclass TestIt:\n    async def test_two(self): ...\n")
    text = "`test_a.py::test_one` `test_a.py::test_two` `test_a.py::test_three` `test_b.py::test_one`"
    assert missing(text, tmp_path) == ["`test_a.py::test_three`", "`test_b.py::test_one`"]
