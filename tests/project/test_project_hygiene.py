"""What every tracked file keeps to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

MAX_LINES = 450
BINARY = {".png", ".gz", ".br", ".db", ".bin", ".gob"}
GENERATED = ("_pb2.py", "_pb2.pyi")

MACHINE_PATH = re.compile(r"(?<![\w.{}/$~-])/(?:work|home|root|Users|opt|srv|mnt)/\w")
INDEX_ADDRESS = re.compile(r"(?:extra-)?index-url|find-links|trusted-host|https?://[^\s)\"'>]*/simple\b", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
SILENCED = re.compile(
    r"#\s*(?:noqa(?!\w)|(?:type|pyright):\s*ignore)"
    r"(?P<codes>\s*:\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w, -]+\])?(?P<reason>.*)$"
)
TEXT_SUFFIXES = {".py", ".pyi", ".md", ".toml", ".txt", ".sh", ".proto", ".tcss", ""}


def tracked(project: Path) -> list[Path]:
    """Files under version control, as paths below the project."""
    if not (project / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=project, capture_output=True, check=True).stdout
    names = [Path(name) for name in listing.decode().split("\0") if name]
    return [name for name in names if (project / name).is_file()]


def own_text(project: Path) -> dict[Path, list[str]]:
    """Lines of the hand-written text files, this test (which has to spell what it looks for) left out."""
    return {
        name: (project / name).read_text(encoding="utf-8").splitlines()
        for name in tracked(project)
        if name.suffix in TEXT_SUFFIXES and not name.name.endswith(GENERATED) and name.name != Path(__file__).name
    }


def offences(project: Path, pattern: re.Pattern[str]) -> list[str]:
    """``file:line: text`` of every line that the pattern matches."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, lines in own_text(project).items()
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_folder_of_one_particular_machine(project: Path) -> None:
    assert offences(project, MACHINE_PATH) == []


def test_no_file_holds_the_address_of_a_package_index(project: Path) -> None:
    assert offences(project, INDEX_ADDRESS) == []


def test_nothing_is_left_unfinished(project: Path) -> None:
    assert offences(project, UNFINISHED) == []


# In pieces, so that this file names no folder of a machine and no index itself.
@pytest.mark.parametrize(
    ("pattern", "guilty", "innocent"),
    [
        (
            MACHINE_PATH,
            'open("|home|ann|x.db")'.replace("|", "/"),
            "see docs|work|plan.md, $ROOT|root|x".replace("|", "/"),
        ),
        (INDEX_ADDRESS, "--extra-index-" + "url https://x", "see https://docs.example.org/textual"),
        (UNFINISHED, "# TODO: later", "a TODOS list"),
    ],
)
def test_a_pattern_finds_what_it_is_for(pattern: re.Pattern[str], guilty: str, innocent: str) -> None:
    assert pattern.search(guilty)
    assert not pattern.search(innocent)


def test_a_module_is_short_enough_to_be_read(project: Path) -> None:
    long = {
        str(name): len(lines)
        for name, lines in own_text(project).items()
        if name.suffix == ".py" and len(lines) > MAX_LINES
    }
    assert long == {}, f"split these: more than {MAX_LINES} lines"


def test_a_silenced_warning_names_its_code_and_gives_a_reason(project: Path) -> None:
    """The reason follows on the line, or stands above it: in a comment, or on a line silenced for the same reason."""
    bare = []
    for name, lines in own_text(project).items():
        if name.suffix != ".py":
            continue
        above = ""
        for number, line in enumerate(lines, 1):
            found = SILENCED.search(line)
            if found:
                explained = found["reason"].strip(" #-:") or above.startswith("#") or above == found["codes"]
                if not found["codes"] or not explained:
                    bare.append(f"{name}:{number}: {line.strip()}")
            above = (found["codes"] or "") if found else line.lstrip()
    assert bare == []


def test_constraints_are_exact_versions_in_order(project: Path) -> None:
    lines = (project / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.!+]*", line)] == []
    assert lines == sorted(lines, key=str.lower)


def test_every_declared_dependency_is_pinned(project: Path) -> None:
    import tomllib

    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [item for group in table.get("optional-dependencies", {}).values() for item in group]
    wanted = {normal(re.split(r"[<>=!~\[ ;]", item, maxsplit=1)[0]) for item in [*table["dependencies"], *extras]}
    pinned = {normal(line.partition("==")[0]) for line in (project / "constraints.txt").read_text().splitlines()}
    assert wanted - pinned == set()


def test_sources_are_utf8_with_unix_line_ends(project: Path) -> None:
    bad = []
    for name in tracked(project):
        if name.suffix in BINARY:
            continue
        data = (project / name).read_bytes()
        if b"\r\n" in data or (data and not data.endswith(b"\n")):
            bad.append(str(name))
    assert bad == []


def test_scripts_that_are_run_directly_may_be_executed(project: Path) -> None:
    modes = subprocess.run(
        ["git", "ls-files", "-s", "scripts/*.sh", ".ci/run"], cwd=project, capture_output=True, text=True, check=True
    ).stdout
    assert [line for line in modes.splitlines() if not line.startswith("100755")] == []
