"""The Python of the pages runs and prints what the pages say, and the pictures are those of the code beside them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"", "python", "text", "mermaid", "sql", "ini"}


def run(*pages: Path) -> subprocess.CompletedProcess[str]:
    """Run the snippets of pages in a process of its own, where a warning is an error."""
    command = [sys.executable, "-W", "error", str(ROOT / "scripts" / "snippets.py"), *map(str, pages)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def page(tmp_path: Path, *lines: str) -> Path:
    """A page with some lines."""
    path = tmp_path / "page.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "path",
    [path for path in PAGES if "```python" in path.read_text(encoding="utf-8")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_snippets_of_a_page_print_what_it_says(path: Path) -> None:
    """Nothing goes to standard error."""
    done = run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def test_every_block_has_a_language_that_is_looked_at() -> None:
    """Python under another name would not be run."""
    found = {
        (str(path.relative_to(ROOT)), language)
        for path in PAGES
        for language in re.findall(r"^```([\w-]+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {item for item in found if item[1] not in LANGUAGES} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "concepts").glob("*.md")), ids=lambda path: path.stem)
def test_a_concept_has_a_picture_and_a_program(path: Path) -> None:
    """And every picture that says what draws it is where the program has got to."""
    text = path.read_text(encoding="utf-8")
    assert "```mermaid\n" in text
    assert "```python\n" in text
    assert len(re.findall(r"^<!-- picture: .+ -->\n```mermaid$", text, re.MULTILINE)) == text.count("<!-- picture")


def test_a_page_that_says_something_else_is_found(tmp_path: Path) -> None:
    done = run(page(tmp_path, "```python", "print(1 + 1)", "```", "```text", "3", "```"))
    assert done.returncode == 1
    assert "-3\n+2\n" in done.stdout


def test_output_that_is_not_shown_is_found(tmp_path: Path) -> None:
    done = run(page(tmp_path, "```python", "print(1 + 1)", "```"))
    assert done.returncode == 1
    assert "+2\n" in done.stdout


def test_a_comment_tells_the_value_of_its_line(tmp_path: Path) -> None:
    """Also of the lines of functions, and names live on in the next block."""
    lines = [
        "```python",
        "def double(n):",
        "    n  # → 2",
        "    return n * 2",
        "```",
        "```python",
        "double(2)  # → '4'",
        "```",
    ]
    done = run(page(tmp_path, *lines))
    assert done.returncode == 1
    assert "-'4'\n+2\n+4\n" in done.stdout


def test_a_failing_snippet_is_located_on_its_page(tmp_path: Path) -> None:
    done = run(page(tmp_path, "# Title", "", "```python", "x = 1", "1 / 0", "```"))
    assert done.returncode == 1
    assert "page.md:3" in done.stdout
    assert re.search(r'page\.md", line 5', done.stdout)


def test_a_block_is_left_out_only_for_a_reason(tmp_path: Path) -> None:
    done = run(page(tmp_path, "<!-- not run: needs a network -->", "```python", "1 / 0", "```"))
    assert done.returncode == 0
    assert done.stdout == "0 snippets ran\n"
    assert run(page(tmp_path, "<!-- not run: -->", "```python", "1 / 0", "```")).returncode == 1
