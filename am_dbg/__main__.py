"""``python -m am_dbg`` and the ``am-dbg`` script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from am_dbg.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
