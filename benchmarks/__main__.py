"""Measure, print the table, and on request write it into the documentation."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, Skipped, SkippedError, as_markdown, as_text

SECTIONS = {
    "engine": "benchmarks.engine",
    "tracing": "benchmarks.tracing",
    "delivering": "benchmarks.delivering",
    "programs": "benchmarks.programs",
    "adapters": "benchmarks.adapters",
    "storing": "benchmarks.storing",
    "keeping": "benchmarks.keeping",
    "importing": "benchmarks.importing",
    "sessions": "benchmarks.sessions",
    "screen": "benchmarks.screen",
    "large": "benchmarks.large",
}
"""Name -> module with ``measure(quick)``."""

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --write`; `make bench` measures again and prints the same table. All rows of a table
come from one run on one machine, where contestants took turns; compare ratios, not milliseconds. A ratio above 1 is in
favour of am-dbg.

* Engine rows are CPU time per mutation, medians of five rounds. Every library does the same moves between states of
  which one is active; with handlers each move calls two. A walk goes from any of 50 states to any other, with equal
  probability.
* "The same mutation" compares the recurring mutation with itself, so a ratio of 0.25 means that it takes four times as
  long. The random sets are a case in which looking up earlier outcomes cannot help, and should not hurt.
* The tracing rows are what one transition costs the program on top of the untraced engine: once with the tracer of
  `am_telemetry`, once with a tracer that builds and serialises one protobuf message.
* Tracing to a hub is measured in a program that works in portions with pauses between them, on top of the same machine
  untraced, once without handlers and once with two of them in every transition. Hook times are wall time; a hook that
  does nothing shows what the computer itself contributes. Ingesting is wall time in a hub with a process of its own:
  frames through gRPC, decoded, checked, stored, indexed and acknowledged, while two viewers read 30 times per second.
* Programs of the rows on hundreds of them are gRPC streams of their own connections, made by five processes on the same
  cores as the hub; each sends two messages per second. Stored means committed and acknowledged. One that floods sends
  batches of 512 transitions as fast as its credit permits.
* The rows on events of other packages are what such an event takes longer while its machine is traced, next to what it
  takes untraced.
* Storing is wall time from batches in memory to a closed SQLite file, against the same facts as one row each.
* What is done with whole sessions is CPU time, of sessions with about two log lines per transition.
* Long sessions are made of machines like those of a real recording, with 1.35 log lines per transition; how long they
  are is told by `AM_DBG_BENCH_TRANSITIONS`. "Work" is CPU time of a command together with the machine list, the
  schema, the strip and the log lines that have to be made anew for it; of many commands the slowest counts. A held key
  is let go after two seconds, and the screen has to come to rest soon after.
* A key's frame is the time from writing a key to a pseudo-terminal of 120×40 to the last byte drawn for it.

Where a mutation's time goes, taken apart on the machine of the table: 0.9 µs when nobody looks on, of which the
lock, the new ticks and the counters are about half. As soon as somebody does, it takes 2.3 µs, because there is a
record of it then: 0.2 µs for the mutation, 0.3 µs for the transition, the rest for filling, publishing and ending
it. The first handler adds 1.5 µs and each further one 1.1 µs, of which keeping its time limit and telling
`current_event` take 0.55 µs, its event 0.2 µs, and catching what it raises and judging its answer the rest.
Callbacks of other libraries cost them 0.1 to 0.6 µs each, without time limits.

"""


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen sections; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="go through everything once; the figures mean nothing")
    parser.add_argument("--only", choices=sorted(SECTIONS), action="append", help="this section (may be repeated)")
    parser.add_argument("--write", action="store_true", help=f"write the table to docs/{PAGE.name}")
    options = parser.parse_args(arguments)
    if options.write and (options.quick or options.only):
        parser.error("--write is for a whole run, without --quick and --only")
    rows = list(_measure(options.only or list(SECTIONS), options.quick))
    print(as_text(rows))
    print(f"\n{environment()}")
    if options.write:
        PAGE.write_text(f"{INTRODUCTION}{as_markdown(rows)}\n{environment()}\n", encoding="utf-8")
        print(f"written to {PAGE}")
    return 0


def _measure(names: list[str], quick: bool) -> Iterator[Row | Skipped]:
    for name in names:
        if sys.stderr.isatty():
            print(f"measuring: {name} …", file=sys.stderr)
        try:
            yield from importlib.import_module(SECTIONS[name]).measure(quick)
        except (SkippedError, ImportError) as error:
            yield Skipped(name, str(error))


def environment() -> str:
    """What the figures were measured on."""
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores."
    )


if __name__ == "__main__":
    sys.exit(main())
