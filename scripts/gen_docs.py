"""Write the reference pages from the code, or check that they are up to date.

usage: python scripts/gen_docs.py [--check]
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from references import cli, database, keys, settings

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli.build,
    "keys.md": keys.build,
    "settings.md": settings.build,
    "database.md": database.build,
}


def main(arguments: list[str] | None = None) -> int:
    """Write or check every page; 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    check = parser.parse_args(arguments).check
    stale = False
    for name, build in PAGES.items():
        path = FOLDER / name
        old, new = (path.read_text(encoding="utf-8") if path.exists() else ""), build()
        if old == new:
            continue
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
            print(f"written: docs/reference/{name}")
            continue
        stale = True
        sys.stdout.writelines(
            difflib.unified_diff(
                old.splitlines(True), new.splitlines(True), f"docs/reference/{name}", "from the code", n=1
            )
        )
    if stale:
        print("\nThe reference pages are out of date: run `make docs` and commit the result.")
    elif check:
        print(f"docs/reference: {len(PAGES)} pages are up to date")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
