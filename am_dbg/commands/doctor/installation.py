"""Checks of Python, packages, SQLite and the settings."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Final

from am_dbg.commands.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from am_dbg.config.resolving import Config

LEAST_PYTHON: Final = (3, 11)
LEAST_SQLITE: Final = (3, 37)
"""The first with STRICT tables."""
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_CLAUSE: Final = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([0-9][0-9A-Za-z.*]*)")


def look() -> Iterator[Finding]:
    """Python, this program, what it needs, SQLite."""
    from am_dbg import version

    yield ok("am-dbg", version())
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= LEAST_PYTHON:
        yield ok("Python", f"{python}, {sys.executable}")
    else:
        yield fail("Python", python, "3.11 or later is needed")
    yield from _packages()
    yield from _sqlite()


def settings(config: Config) -> Iterator[Finding]:
    """The settings file and the variables."""
    from am_dbg.commands.config import all_problems

    problems = [str(problem) for problem in all_problems(config)]
    path = config.file.path
    for problem in problems:
        yield warn("settings", problem, "am-dbg config edit")
    if not problems:
        there = path.exists()
        yield ok("settings", f"{path}" if there else f"{path} is not there, so the defaults count")
    from_environment = [found.where for found in config.all() if found.origin == "environment"]
    if from_environment:
        yield ok("environment", f"{', '.join(from_environment)} set")


def _packages() -> Iterator[Finding]:
    try:
        requirements = metadata.requires("am-dbg") or []
    except metadata.PackageNotFoundError:
        yield warn("packages", "am-dbg is not installed as a package, so what it needs is not known", "pip install .")
        return
    good = 0
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or "extra" in (match[3] or ""):
            continue
        name, wanted = match[1], match[2].strip()
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield fail(name, "is not installed", f"pip install '{name}{wanted}'")
            continue
        if satisfies(installed, wanted):
            good += 1
        else:
            yield fail(name, f"{installed} is installed, {wanted} is needed", f"pip install '{name}{wanted}'")
    yield ok("packages", f"{good} as needed")


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version is within ``>=1.2,<3``. What is not understood counts as satisfied."""
    have = _numbers(version)
    for operator, text in _CLAUSE.findall(wanted):
        limit = _numbers(text)
        length = max(len(have), len(limit))
        one, other = (part + (0,) * (length - len(part)) for part in (have, limit))
        if (
            (operator == ">=" and one < other)
            or (operator == "<=" and one > other)
            or (operator == ">" and one <= other)
            or (operator == "<" and one >= other)
            or (operator == "==" and "*" not in text and one != other)
        ):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _sqlite() -> Iterator[Finding]:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info[:2] < LEAST_SQLITE:
        yield fail("SQLite", version, "3.37 or later is needed; it comes with Python or the system")
        return
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.Error as error:
        yield warn(
            "SQLite", f"{version} without FTS5 ({error}): texts cannot be searched", "use another build of Python"
        )
        return
    yield ok("SQLite", f"{version} with FTS5")
