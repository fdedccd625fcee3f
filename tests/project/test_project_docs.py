"""The documentation says what is true: pages match the code, commands and links exist."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from am_dbg.config.declarations import SETTINGS
from tests.support.recordings import write_sample

API = Path(__file__).parents[2] / "docs" / "reference" / "api"
FENCE = re.compile(r"^```(?P<language>[\w-]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


def pages(project: Path) -> list[Path]:
    """Every Markdown page that people read."""
    return [*sorted(project.glob("*.md")), *sorted((project / "docs").rglob("*.md"))]


def fenced(path: Path, *languages: str) -> list[str]:
    """Bodies of the fenced blocks of a page in one of the languages."""
    found = FENCE.finditer(path.read_text(encoding="utf-8"))
    return [match["body"] for match in found if match["language"] in languages]


def command_lines(path: Path) -> list[str]:
    """Lines of the shell blocks of a page, without comments."""
    lines = [line for body in fenced(path, "", "sh", "shell", "console") for line in body.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def anchor(heading: str) -> str:
    """The fragment that a heading gets on code-hosting sites."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_reference_pages_are_what_the_code_says(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/gen_docs.py", "--check"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_of_the_engine_has_a_docstring_and_a_section() -> None:
    """The names that packages export, and the methods and properties of exported classes."""
    import am_core

    folder = Path(am_core.__file__).parent
    packages = ["am_core", *(f"am_core.{path.parent.name}" for path in sorted(folder.glob("*/__init__.py")))]
    reference = "\n".join(path.read_text(encoding="utf-8") for path in API.glob("*.md"))
    bare: list[str] = []
    for package in map(importlib.import_module, packages):
        for name in getattr(package, "__all__", ()):
            value = getattr(package, name)
            if not inspect.ismodule(value) and f"\n## {name}\n" not in reference:
                bare.append(f"{package.__name__}.{name} has no section in {API.name}")
            if not inspect.isclass(value) and not inspect.isfunction(value):
                continue
            members = vars(value).items() if inspect.isclass(value) else ()
            public = [(key, part) for key, part in members if not key.startswith("_") and is_code(part)]
            own = f"{package.__name__}.{name}"
            bare += [] if inspect.getdoc(value) else [own]
            bare += [f"{own}.{key}" for key, part in public if not inspect.getdoc(getattr(value, key, part))]
    assert bare == []


def is_code(value: object) -> bool:
    """Whether something in a class is a method."""
    return inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod))


def test_every_command_is_documented(project: Path) -> None:
    from am_dbg.cli import COMMANDS

    reference = (project / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    guides = "\n".join(path.read_text(encoding="utf-8") for path in pages(project))
    assert [name for name in COMMANDS if f"## am-dbg {name}\n" not in reference] == []
    assert [name for name in COMMANDS if name != "open" and f"am-dbg {name}" not in guides.replace(reference, "")] == []


def test_commands_of_the_pages_exist(project: Path) -> None:
    """Every ``make`` and ``am-dbg`` line names a chore, a command, or the file it opens."""
    from am_dbg.cli import COMMANDS

    chores = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = []
    for page in pages(project):
        for line in command_lines(page):
            words = [word for word in shlex.split(line, comments=True) if not re.fullmatch(r"[A-Z_]+=.*", word)]
            if not words:
                continue
            if words[0] == "make":
                unknown += [f"{page.name}: {line}" for word in words[1:] if word not in chores]
            elif words[0] == "am-dbg" and len(words) > 1 and not words[1].startswith("-"):
                known = words[1] in COMMANDS or "." in words[1] or words[1].startswith("[")
                unknown += [] if known else [f"{page.name}: {line}"]
            elif words[0] == "python" and words[-1].endswith(".py") and words[-1].startswith("examples/"):
                unknown += [] if (project / words[-1]).exists() else [f"{page.name}: {line}"]
    assert unknown == []


def test_options_that_the_pages_use_exist(project: Path) -> None:
    reference = (project / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    unknown = []
    for page in pages(project):
        for line in command_lines(page):
            words = shlex.split(line, comments=True)
            if "am-dbg" not in words:
                continue
            options = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
            unknown += [
                f"{page.name}: {option}" for option in options if not re.search(rf"(?<!\w){option}\b", reference)
            ]
    assert unknown == []


def test_the_readme_opens_with_the_demo_and_the_tests(project: Path) -> None:
    blocks = command_lines(project / "README.md")
    assert [line for line in blocks if line.startswith("make")][:2] == ["make demo", "make test"]
    assert blocks.index("make test") < next(i for i, line in enumerate(blocks) if line.startswith("pip install"))


def test_questions_in_sql_can_be_asked(project: Path, tmp_path: Path) -> None:
    """Every SQL block of the guides runs on a session, and together they find something."""
    session = tmp_path / "session.db"
    write_sample(session)
    blocks = [body for page in (project / "docs" / "guide").glob("*.md") for body in fenced(page, "sql")]
    connection = sqlite3.connect(f"file:{session}?mode=ro", uri=True)
    answers = [connection.execute(body).fetchall() for body in blocks]
    connection.close()
    assert len(blocks) >= 3
    assert any(answers)


def test_links_and_pictures_lead_somewhere(project: Path) -> None:
    broken = []
    for page in pages(project):
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for match in LINK.finditer(text):
            place, _, fragment = match["target"].partition("#")
            if re.match(r"[a-z]+:", place):
                continue
            target = (page.parent / place).resolve() if place else page
            if not target.exists():
                broken.append(f"{page.relative_to(project)}: {match['target']}")
            elif fragment and target.suffix == ".md":
                anchors = {anchor(heading) for heading in HEADING.findall(target.read_text(encoding="utf-8"))}
                if fragment not in anchors:
                    broken.append(f"{page.relative_to(project)}: {match['target']}")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme(project: Path) -> None:
    seen: set[Path] = set()
    waiting = [project / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        for match in LINK.finditer(page.read_text(encoding="utf-8")):
            place = match["target"].partition("#")[0]
            if place.endswith(".md") and not re.match(r"[a-z]+:", place):
                waiting.append((page.parent / place).resolve())
    assert [str(page.relative_to(project)) for page in pages(project) if page.resolve() not in seen] == []


def test_settings_that_the_code_reads_are_documented(project: Path) -> None:
    """Every environment variable of ours that is spelled in the sources stands in the reference, and the reverse."""
    name = re.compile(r"\bAM_[A-Z][A-Z_]*[A-Z]\b")
    sources = [
        path
        for root in ("am_core", "am_dbg", "telemetry", "ssh")
        for path in (project / root).rglob("*.py")
        if "__pycache__" not in path.parts
    ]
    quoted = {
        found
        for path in sources
        for text in re.findall(r"[\"'](AM_[A-Z_]+)[\"']", path.read_text(encoding="utf-8"))
        for found in name.findall(text)
    }
    quoted |= {setting.env for setting in SETTINGS}
    documented = set(name.findall((project / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")))
    assert quoted == documented


def test_the_changelog_has_its_form(project: Path) -> None:
    text = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) and date for version, date in versions[1:])
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    entries = re.findall(r"^- (.+?)(?=^- |^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert entries
    assert [entry for entry in entries if not entry.strip().endswith((".", ")"))] == []


def test_the_licence_is_the_declared_one(project: Path) -> None:
    import tomllib

    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert table["license"] == "MIT"
    assert (project / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


@pytest.mark.parametrize("example", sorted((Path(__file__).parents[2] / "examples").glob("*.py")), ids=lambda p: p.name)
def test_an_example_runs_untraced(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
