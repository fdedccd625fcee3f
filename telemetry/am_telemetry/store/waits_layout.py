"""The table of waits, contexts and pipes, and how an interval of transitions is found in it."""

from __future__ import annotations

import sqlite3
from typing import Final

_INDEXES: Final = """
CREATE UNIQUE INDEX waits_by_ident ON waits (machine_id, ident) WHERE ident > 0;
CREATE INDEX waits_open ON waits (machine_id, opened_number) WHERE closed_number IS NULL;
CREATE INDEX waits_by_node ON waits (machine_id, node, closed_number) WHERE closed_number IS NOT NULL;
CREATE INDEX waits_by_change ON waits (change);
"""

TABLE: Final = f"""
CREATE TABLE waits (
  -- What was pending: who waited for what, contexts of states, pipes. Read v_waits for the same with names.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  kind TEXT NOT NULL,                    -- when, whenNot, whenTime, …; ctx: a context; pipe-out, pipe-in: a pipe
  states_json TEXT NOT NULL,             -- names of states of the machine
  opened_number INTEGER NOT NULL,        -- pending after this transition, 0: from the start
  opened_ns INTEGER NOT NULL,
  closed_number INTEGER,                 -- and no longer after this one; NULL while it is pending
  closed_ns INTEGER,
  close_reason TEXT NOT NULL DEFAULT '', -- match, ctx, disposed, canceled, error; expired; removed; unknown
  ident INTEGER NOT NULL DEFAULT 0,      -- given by the program, unique per machine run
  ticks_json TEXT NOT NULL DEFAULT '[]', -- ticks waited for, or the one that a context is bound to
  text TEXT NOT NULL DEFAULT '',         -- what is waited for, as in the log
  peer TEXT NOT NULL DEFAULT '',         -- the machine at the other side of a pipe
  peer_state TEXT NOT NULL DEFAULT '',
  mutation TEXT NOT NULL DEFAULT '',     -- what a pipe does at its end: add, remove
  origin_machine TEXT NOT NULL DEFAULT '',      -- where the handler ran that waits, '' when none did
  origin_sequence INTEGER NOT NULL DEFAULT 0,   -- its transition, by that machine's own count
  origin_handler TEXT NOT NULL DEFAULT '',
  node INTEGER,                          -- a number from opened_number to closed_number by which it is found
  change INTEGER NOT NULL DEFAULT 0      -- grows over all rows whenever one is added or closed
) STRICT;
{_INDEXES}"""

_ADDED: Final = """
  ident INTEGER NOT NULL DEFAULT 0
  ticks_json TEXT NOT NULL DEFAULT '[]'
  text TEXT NOT NULL DEFAULT ''
  peer TEXT NOT NULL DEFAULT ''
  peer_state TEXT NOT NULL DEFAULT ''
  mutation TEXT NOT NULL DEFAULT ''
  origin_machine TEXT NOT NULL DEFAULT ''
  origin_sequence INTEGER NOT NULL DEFAULT 0
  origin_handler TEXT NOT NULL DEFAULT ''
  node INTEGER
  change INTEGER NOT NULL DEFAULT 0
"""

MIGRATION: Final = (
    "DROP INDEX waits_by_machine;\n"
    + "".join(f"ALTER TABLE waits ADD COLUMN {column.strip()};\n" for column in _ADDED.strip().splitlines())
    + _INDEXES
)
"""From the layout in which the table was there, but nobody wrote to it."""


def node_of(first: int, last: int) -> int:
    """Of all numbers from one to another the one that, counted from 1, is divisible by the highest power of two.

    Intervals that contain a number have their node among the few of :func:`nodes_of`, so an index over nodes finds
    them (a relational interval tree).
    """
    shift = (first ^ (last + 1)).bit_length() - 1
    return ((last + 1) >> shift << shift) - 1


def nodes_of(number: int, last: int) -> list[int]:
    """Where the nodes of intervals are that contain a number, when none of them goes beyond ``last``."""
    found: set[int] = set()
    for shift in range((last + 2).bit_length()):
        below = (number + 1) >> shift << shift
        found.update((below - 1, below + (1 << shift) - 1))
    return sorted(node for node in found if 0 <= node <= max(number, last))


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection that writes what its statements need."""
    connection.create_function("interval_node", 2, node_of, deterministic=True)
