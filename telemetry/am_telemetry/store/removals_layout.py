"""The table of what retention has removed."""

from __future__ import annotations

from typing import Final

TABLE: Final = """
CREATE TABLE removals (
  -- Transitions that were removed to keep the file small. The others keep their numbers.
  machine_id INTEGER NOT NULL REFERENCES machines (id),
  first_number INTEGER NOT NULL,
  last_number INTEGER NOT NULL,
  log_lines INTEGER NOT NULL,            -- that were removed with them
  lost INTEGER NOT NULL,                 -- transitions that had never arrived among them
  removed_ns INTEGER NOT NULL,           -- when the last of them went
  kept TEXT NOT NULL,                    -- the limit by then, an age like 2h or a size like 500MB
  ticks_json TEXT NOT NULL,              -- object: state name to tick after the last of them
  active_json TEXT NOT NULL,             -- names of the states that were active then
  PRIMARY KEY (machine_id, first_number)
) STRICT, WITHOUT ROWID;
"""
