"""The tables of a session file, made to be read by people, and the steps from older layouts to this one."""

from __future__ import annotations

import sqlite3
from typing import Final

from am_telemetry.store import removals_layout, waits_layout
from am_telemetry.store.views import VIEWS, renewed_views

APPLICATION_ID: Final = 0x616D6462
"""The letters ``amdb`` in the SQLite header, so that ``file`` and this program know the format."""

USER_VERSION: Final = 3

_ADDITIONS: Final = """
CREATE TABLE late_log_lines (
  -- Log lines written after the transition that was the last one then. Read v_log for all lines with names.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  after_number INTEGER NOT NULL,         -- that transition, 0 when there was none
  at_ns INTEGER NOT NULL,                -- when they were collected, a little later than they were written
  level INTEGER NOT NULL,                -- 1 external, 2 changes, 3 ops, 4 decisions, 5 everything
  text_id INTEGER NOT NULL REFERENCES texts (id)
) STRICT;
CREATE INDEX late_log_lines_by_machine ON late_log_lines (machine_id, after_number);

CREATE TABLE handler_runs (
  -- How long handlers took, for programs that tell it (detail 3).
  transition_id INTEGER NOT NULL REFERENCES transitions (id),
  position INTEGER NOT NULL,             -- 0, 1, 2, … within the transition
  handler TEXT NOT NULL,
  offset_ns INTEGER NOT NULL,            -- start of the handler after the start of the transition
  duration_ns INTEGER NOT NULL,
  PRIMARY KEY (transition_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE running_transitions (
  -- Transitions that had begun and took long when they were last looked at. A row goes when its transition is over.
  machine_id INTEGER PRIMARY KEY REFERENCES machines (id),
  sequence INTEGER NOT NULL,             -- by the machine's own count
  started_ns INTEGER NOT NULL,
  noted_ns INTEGER NOT NULL,             -- when it was found to be still running
  mutation TEXT NOT NULL CHECK (mutation IN ('add', 'remove', 'set')),
  called_json TEXT NOT NULL,             -- names of the states that were asked for
  auto INTEGER NOT NULL CHECK (auto IN (0, 1)),
  handler TEXT NOT NULL,                 -- the one that was called last, '' for none
  timed_out INTEGER NOT NULL CHECK (timed_out IN (0, 1))  -- it has exceeded its limit
) STRICT;

CREATE TABLE omissions (
  -- What transitions that did arrive lack, because the program had no room to keep it.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  first_number INTEGER NOT NULL,
  last_number INTEGER NOT NULL,
  what TEXT NOT NULL,                    -- steps, log lines, late log lines
  count INTEGER NOT NULL,                -- of transitions without their steps, or of lines
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX omissions_by_machine ON omissions (machine_id, first_number);
"""
"""Tables of the second layout."""

TABLES: Final = f"""
CREATE TABLE meta (
  -- Facts about this file: who made it, when, and how much could not be stored.
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE processes (
  -- Programs that reported. A restarted program is a new row.
  id INTEGER PRIMARY KEY,
  session TEXT NOT NULL UNIQUE,          -- made up by the program when it starts
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  language TEXT NOT NULL,
  library TEXT NOT NULL,                 -- name and version of the reporting library
  resource_json TEXT NOT NULL,           -- further attributes, an object of strings
  first_seen_ns INTEGER NOT NULL,        -- nanoseconds since 1970-01-01 UTC, as all columns named *_ns that are moments
  last_seen_ns INTEGER NOT NULL,
  have_seq INTEGER NOT NULL DEFAULT 0,   -- records up to this one are stored
  skipped_records INTEGER NOT NULL DEFAULT 0,  -- records that never came
  skew_ns INTEGER                        -- about how far this computer's clock is ahead of the program's; NULL: unknown
) STRICT;

CREATE TABLE schemas (
  -- The states of machines. Machines with equal states share one row.
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  states_json TEXT NOT NULL,             -- array of objects: name, auto, multi, require, add, remove, after, tags
  groups_json TEXT NOT NULL DEFAULT '{{}}' -- object: group name to names of its states
) STRICT;

CREATE TABLE machines (
  -- State machines, one row per run: a machine that comes back in another process is another run.
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  run INTEGER NOT NULL,                  -- 1 for the first run of that name in this file
  parent TEXT NOT NULL,                  -- name of the parent machine, '' for none
  process_id INTEGER NOT NULL REFERENCES processes (id),
  schema_id INTEGER NOT NULL REFERENCES schemas (id),
  tags_json TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER NOT NULL DEFAULT 0,   -- 0 while connected
  end_reason TEXT NOT NULL DEFAULT '' CHECK (end_reason IN ('', 'disposed', 'closed', 'disconnected', 'superseded')),
  initial_sequence INTEGER NOT NULL,     -- transitions that had happened before recording began
  initial_clock_json TEXT NOT NULL,      -- ticks by then, in order of the states
  id_prefix TEXT NOT NULL DEFAULT '',    -- ids of transitions: this and the machine's own count in 8 hex digits
  UNIQUE (name, run)
) STRICT;
CREATE INDEX machines_by_process ON machines (process_id);
CREATE INDEX machines_by_schema ON machines (schema_id);

CREATE TABLE machine_schemas (
  -- Which states a machine had from which transition on. Machines that never changed have one row.
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  revision INTEGER NOT NULL,
  schema_id INTEGER NOT NULL REFERENCES schemas (id),
  after_number INTEGER NOT NULL,         -- holds for transitions with a greater number
  PRIMARY KEY (machine_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE machine_clocks (
  -- Where each machine stands now.
  machine_id INTEGER PRIMARY KEY REFERENCES machines (id),
  transitions INTEGER NOT NULL,          -- number of the last one
  log_lines INTEGER NOT NULL,
  lost INTEGER NOT NULL,                 -- transitions that are missing
  last_sequence INTEGER NOT NULL,
  last_at_ns INTEGER NOT NULL,
  machine_time INTEGER NOT NULL,         -- sum of the ticks
  ticks_json TEXT NOT NULL               -- object: state name to tick; an odd tick means active
) STRICT;

CREATE TABLE patterns (
  -- Everything about a transition except its moment. Equal transitions share one row.
  id INTEGER PRIMARY KEY,
  schema_id INTEGER NOT NULL REFERENCES schemas (id),
  digest TEXT NOT NULL,
  mutation TEXT NOT NULL CHECK (mutation IN ('add', 'remove', 'set')),
  accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
  auto INTEGER NOT NULL CHECK (auto IN (0, 1)),        -- caused by auto states
  checked INTEGER NOT NULL CHECK (checked IN (0, 1)),  -- a dry run, nothing changed
  queued INTEGER NOT NULL CHECK (queued IN (0, 1)),    -- only put into the queue, executed later
  broken INTEGER NOT NULL CHECK (broken IN (0, 1)),    -- a handler failed or timed out
  canceled_by TEXT NOT NULL,                           -- a handler, or relations, timeout, recover
  called_json TEXT NOT NULL,             -- names of the states that were asked for
  added_json TEXT NOT NULL,              -- names of the states that became active
  removed_json TEXT NOT NULL,            -- names of the states that became inactive
  handlers_json TEXT NOT NULL,           -- names of the handlers that ran, in order
  steps_json TEXT NOT NULL,              -- array of [kind, from, to, relation, final, self, enter]; states by index
  indexes_json TEXT NOT NULL,            -- called, added, removed and ticks again, states by index
  UNIQUE (schema_id, digest)
) STRICT;

CREATE TABLE pattern_changes (
  -- Which states a pattern switches on and off.
  state TEXT NOT NULL,
  change TEXT NOT NULL CHECK (change IN ('added', 'removed')),
  pattern_id INTEGER NOT NULL REFERENCES patterns (id),
  PRIMARY KEY (pattern_id, change, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX pattern_changes_by_state ON pattern_changes (state, change, pattern_id);

CREATE TABLE transitions (
  -- What happened, one row per transition. Read v_transitions for the same with names.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  number INTEGER NOT NULL,               -- 1, 2, 3, … per machine run, without holes but those in removals
  skipped INTEGER NOT NULL,              -- the machine's own count is number + skipped
  at_ns INTEGER NOT NULL,                -- start
  duration_ns INTEGER NOT NULL,
  pattern_id INTEGER NOT NULL REFERENCES patterns (id),
  queue_len INTEGER NOT NULL,            -- mutations waiting at the start
  queue_tick INTEGER NOT NULL,           -- 0 for mutations put in front of the queue
  machine_time INTEGER NOT NULL          -- sum of all ticks afterwards
) STRICT;
CREATE UNIQUE INDEX transitions_by_machine ON transitions (machine_id, number);

CREATE TABLE sources (
  -- The transition that caused another one, where it is known.
  transition_id INTEGER PRIMARY KEY REFERENCES transitions (id),
  machine TEXT NOT NULL,                 -- machine name, possibly of another process
  sequence INTEGER NOT NULL,             -- that machine's own count of its transitions, 0 when unknown
  machine_time INTEGER NOT NULL,         -- sum of its ticks before that transition
  external_id TEXT                       -- id as the machine spells it, where the count is unknown
) STRICT;

CREATE TABLE texts (
  -- Log texts, stored once when they repeat.
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE log_lines (
  -- Log lines of transitions. Read v_log for the same with names.
  transition_id INTEGER NOT NULL REFERENCES transitions (id),
  position INTEGER NOT NULL,             -- 0, 1, 2, … within the transition
  level INTEGER NOT NULL,                -- 1 external, 2 changes, 3 ops, 4 decisions, 5 everything
  before INTEGER NOT NULL CHECK (before IN (0, 1)),  -- written between the previous transition and this one
  text_id INTEGER NOT NULL REFERENCES texts (id),
  PRIMARY KEY (transition_id, position)
) STRICT, WITHOUT ROWID;

{_ADDITIONS}
CREATE TABLE arguments (
  -- Arguments of mutations, already redacted and shortened by the program that sent them.
  transition_id INTEGER PRIMARY KEY REFERENCES transitions (id),
  arguments_json TEXT NOT NULL
) STRICT;

CREATE TABLE errors (
  -- Transitions into an error state; type, message and traceback where the exception is known.
  transition_id INTEGER PRIMARY KEY REFERENCES transitions (id),
  type TEXT,
  message TEXT,
  traceback TEXT
) STRICT;

CREATE TABLE transition_ids (
  -- Ids of transitions in imported recordings.
  transition_id INTEGER PRIMARY KEY REFERENCES transitions (id),
  external_id TEXT NOT NULL
) STRICT;
CREATE INDEX transition_ids_by_external_id ON transition_ids (external_id);

CREATE TABLE gaps (
  -- Transitions that never arrived.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  after_number INTEGER NOT NULL,         -- the hole is behind this transition
  after_sequence INTEGER NOT NULL,       -- the same by the machine's own count
  lost INTEGER NOT NULL,
  reason TEXT NOT NULL,
  schema_id INTEGER NOT NULL REFERENCES schemas (id),
  clock_json TEXT                        -- ticks after the hole, in order of that schema's states; NULL when unknown
) STRICT;
CREATE INDEX gaps_by_machine ON gaps (machine_id, after_number);

{waits_layout.TABLE}
CREATE TABLE bookmarks (
  -- Moments that people marked.
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  number INTEGER NOT NULL,
  title TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  author TEXT NOT NULL DEFAULT '',
  created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX bookmarks_by_machine ON bookmarks (machine_id, number);
{removals_layout.TABLE}
CREATE TABLE cursors (
  -- How far exporters have read.
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL,
  state_json TEXT NOT NULL DEFAULT '{{}}'
) STRICT, WITHOUT ROWID;

CREATE TABLE timelines (
  -- A cache that makes opening quick. It may be deleted at any time and is rebuilt from transitions.
  machine_id INTEGER PRIMARY KEY REFERENCES machines (id),
  number INTEGER NOT NULL,               -- transitions up to this one are covered
  revision INTEGER NOT NULL,             -- schema revisions covered
  last_transition_id INTEGER NOT NULL,   -- rows of transitions up to this one were taken in
  last_gap_id INTEGER NOT NULL,          -- the same for gaps
  content BLOB NOT NULL
) STRICT;
"""

MIGRATIONS: Final[dict[int, str]] = {
    1: f"""
ALTER TABLE processes ADD COLUMN skew_ns INTEGER;
ALTER TABLE schemas ADD COLUMN groups_json TEXT NOT NULL DEFAULT '{{}}';
ALTER TABLE machines ADD COLUMN id_prefix TEXT NOT NULL DEFAULT '';
{_ADDITIONS}
""",
    2: f"""
{waits_layout.MIGRATION}
{removals_layout.TABLE}
{renewed_views()}
""",
}
"""``user_version`` -> SQL that leads to the next one."""


def create(connection: sqlite3.Connection) -> None:
    """Lay out an empty database. The caller holds no transaction."""
    connection.executescript(
        f"BEGIN;\n{TABLES}\n{VIEWS}\n"
        f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {USER_VERSION};\nCOMMIT;"
    )


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an older layout up to date, each step in a transaction of its own.

    Raises:
        KeyError: no way leads from that version.
    """
    while version < USER_VERSION:
        connection.executescript(f"BEGIN;\n{MIGRATIONS[version]}\nPRAGMA user_version = {version + 1};\nCOMMIT;")
        version += 1
