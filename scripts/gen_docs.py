"""Write the reference pages from the code and the pictures of all pages, or check that they are up to date.

usage: python scripts/gen_docs.py [--check]
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import snippets
from references import api, cli, database, keys, options, settings

ROOT = Path(__file__).resolve().parent.parent
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli.build,
    "docs/reference/keys.md": keys.build,
    "docs/reference/settings.md": settings.build,
    "docs/reference/options.md": options.build,
    "docs/reference/database.md": database.build,
}


def illustrated() -> dict[str, Callable[[], str]]:
    """Pages whose pictures are drawn by their own snippets."""
    pages = [path for path in snippets.pages() if "<!-- picture: " in path.read_text(encoding="utf-8")]
    return {str(path.relative_to(ROOT)): partial(_drawn, path) for path in pages}


def _drawn(path: Path) -> str:
    # In a process of its own, as snippets may set things for all of one.
    command = [sys.executable, snippets.__file__, "--draw", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Write or check every page; 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    check = parser.parse_args(arguments).check
    stale = False
    builders = (
        PAGES | {f"docs/reference/{name}": partial(str, text) for name, text in api.pages().items()} | illustrated()
    )
    for name, build in builders.items():
        path = ROOT / name
        old, new = (path.read_text(encoding="utf-8") if path.exists() else ""), build()
        if old == new:
            continue
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
            print(f"written: {name}")
            continue
        stale = True
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "from the code", n=1)
        )
    if stale:
        print("\nThese pages are out of date: run `make docs` and commit the result.")
    elif check:
        print(f"docs: {len(builders)} pages are up to date")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
