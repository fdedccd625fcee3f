"""``python -m am_dbg`` and the ``am-dbg`` script."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from am_dbg.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        # An interrupt that struck while Python was compiling makes the interpreter kill itself at the end, whatever
        # was done about it; leaving here keeps the exit code. Everything is cleaned up by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
