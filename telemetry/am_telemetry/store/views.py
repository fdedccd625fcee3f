"""Views over the tables of a session file: names instead of ids, ISO times, milliseconds."""

from __future__ import annotations

import re
from typing import Final


def _iso(column: str) -> str:
    seconds, rest = f"{column} / 1000000000", f"{column} % 1000000000"
    return f"(strftime('%Y-%m-%dT%H:%M:%S', {seconds}, 'unixepoch') || printf('.%09dZ', {rest}))"


def _names(column: str) -> str:
    return f"(SELECT group_concat(value, ' ') FROM json_each({column}))"  # noqa: S608 - column names from this module


def _level(table: str) -> str:
    return (
        f"CASE {table}.level WHEN 1 THEN 'external' WHEN 2 THEN 'changes' WHEN 3 THEN 'ops'"
        " WHEN 4 THEN 'decisions' ELSE 'everything' END"
    )


_VERDICT = """CASE
      WHEN patterns.queued THEN 'queued'
      WHEN patterns.checked THEN CASE WHEN patterns.accepted THEN 'possible' ELSE 'impossible' END
      WHEN patterns.broken THEN 'broken'
      WHEN patterns.accepted THEN 'accepted'
      ELSE 'canceled'
    END"""

_NEVER = 2**63 - 1

VIEWS: Final = f"""
CREATE VIEW v_transitions AS
  -- What happened, in order of arrival. Narrow it with: WHERE machine = 'name' ORDER BY run, number
  SELECT
    machines.name AS machine,
    machines.run AS run,
    transitions.number AS number,
    {_iso("transitions.at_ns")} AS time,
    round(transitions.duration_ns / 1e6, 6) AS duration_ms,
    patterns.mutation AS mutation,
    {_names("patterns.called_json")} AS called,
    {_names("patterns.added_json")} AS added,
    {_names("patterns.removed_json")} AS removed,
    {_VERDICT} AS verdict,
    nullif(patterns.canceled_by, '') AS canceled_by,
    patterns.auto AS auto,
    transitions.queue_len AS queue_length,
    transitions.machine_time AS machine_time,
    sources.machine AS source_machine,
    coalesce(sources.external_id, nullif(sources.sequence, 0)) AS source_transition,
    transitions.id AS transition_id
  FROM transitions
  JOIN machines ON machines.id = transitions.machine_id
  JOIN patterns ON patterns.id = transitions.pattern_id
  LEFT JOIN sources ON sources.transition_id = transitions.id;

CREATE VIEW v_state_activity AS
  -- When which state was active. An open end means: still active at the end of the recording.
  -- Where transitions are missing, all spans end with the last one before; what was active behind them begins anew.
  WITH activations AS (
    SELECT
      transitions.machine_id AS machine_id,
      pattern_changes.state AS state,
      transitions.number AS number,
      transitions.number AS first_hole,
      transitions.at_ns AS at_ns
    FROM transitions
    CROSS JOIN pattern_changes
      ON pattern_changes.pattern_id = transitions.pattern_id AND pattern_changes.change = 'added'
    UNION ALL
    SELECT machines.id, json_extract(state.value, '$.name'), 0, 0, machines.started_ns
    FROM machines
    JOIN json_each(machines.initial_clock_json) AS tick ON tick.value % 2 = 1
    JOIN machine_schemas ON machine_schemas.machine_id = machines.id AND machine_schemas.revision = 1
    JOIN schemas ON schemas.id = machine_schemas.schema_id
    JOIN json_each(schemas.states_json) AS state ON state.key = tick.key
    WHERE NOT EXISTS (SELECT 1 FROM removals WHERE removals.machine_id = machines.id AND first_number = 1)
    UNION ALL
    SELECT
      removals.machine_id,
      state.value,
      removals.last_number,
      removals.last_number,
      coalesce(
        (SELECT at_ns FROM transitions WHERE machine_id = removals.machine_id AND number = removals.last_number + 1),
        (SELECT started_ns FROM machines WHERE id = removals.machine_id)
      )
    FROM removals
    JOIN json_each(removals.active_json) AS state
    UNION ALL
    SELECT
      gaps.machine_id,
      json_extract(state.value, '$.name'),
      gaps.after_number,
      gaps.after_number + 1,
      coalesce(
        (SELECT at_ns FROM transitions WHERE machine_id = gaps.machine_id AND number = gaps.after_number + 1),
        (SELECT at_ns FROM transitions WHERE machine_id = gaps.machine_id AND number = gaps.after_number),
        (SELECT started_ns FROM machines WHERE id = gaps.machine_id)
      )
    FROM gaps
    JOIN json_each(gaps.clock_json) AS tick ON tick.value % 2 = 1
    JOIN schemas ON schemas.id = gaps.schema_id
    JOIN json_each(schemas.states_json) AS state ON state.key = tick.key
    WHERE NOT EXISTS (
      SELECT 1 FROM gaps AS later
      WHERE later.machine_id = gaps.machine_id AND later.after_number = gaps.after_number AND later.id > gaps.id
        AND later.clock_json IS NOT NULL
    )
  ), spans AS (
    SELECT
      activations.*,
      nullif(min(
        coalesce((
          SELECT later.at_ns
          FROM transitions AS later
          WHERE later.machine_id = activations.machine_id
            AND later.number > activations.number
            AND EXISTS (
              SELECT 1 FROM pattern_changes AS ending
              WHERE ending.state = activations.state
                AND ending.change = 'removed'
                AND ending.pattern_id = later.pattern_id
            )
          ORDER BY later.number
          LIMIT 1
        ), {_NEVER}),
        coalesce((
          SELECT coalesce(previous.at_ns, activations.at_ns)
          FROM gaps
          LEFT JOIN transitions AS previous
            ON previous.machine_id = gaps.machine_id AND previous.number = gaps.after_number
          WHERE gaps.machine_id = activations.machine_id
            AND gaps.after_number >= activations.first_hole
            AND gaps.clock_json IS NOT NULL
          ORDER BY gaps.after_number
          LIMIT 1
        ), {_NEVER}),
        coalesce((
          SELECT coalesce(previous.at_ns, activations.at_ns)
          FROM removals
          LEFT JOIN transitions AS previous
            ON previous.machine_id = removals.machine_id AND previous.number = removals.first_number - 1
          WHERE removals.machine_id = activations.machine_id AND removals.first_number > activations.number
          ORDER BY removals.first_number
          LIMIT 1
        ), {_NEVER})
      ), {_NEVER}) AS until_ns
    FROM activations
  )
  SELECT
    machines.name AS machine,
    machines.run AS run,
    spans.state AS state,
    spans.number AS since_transition,
    {_iso("spans.at_ns")} AS active_from,
    {_iso("spans.until_ns")} AS active_to,
    round((spans.until_ns - spans.at_ns) / 1e6, 6) AS duration_ms
  FROM spans
  CROSS JOIN machines ON machines.id = spans.machine_id;

CREATE VIEW v_errors AS
  -- Transitions into an error state.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    transitions.number AS number,
    {_iso("transitions.at_ns")} AS time,
    {_names("patterns.called_json")} AS called,
    errors.type AS type,
    errors.message AS message,
    errors.traceback AS traceback,
    transitions.id AS transition_id
  FROM errors
  CROSS JOIN transitions ON transitions.id = errors.transition_id
  JOIN machines ON machines.id = transitions.machine_id
  JOIN patterns ON patterns.id = transitions.pattern_id;

CREATE VIEW v_slowest AS
  -- The 100 transitions that took longest.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    slow.number AS number,
    round(slow.duration_ns / 1e6, 6) AS duration_ms,
    {_iso("slow.at_ns")} AS time,
    patterns.mutation AS mutation,
    {_names("patterns.called_json")} AS called,
    {_names("patterns.handlers_json")} AS handlers,
    slow.id AS transition_id
  FROM (SELECT * FROM transitions ORDER BY duration_ns DESC, id LIMIT 100) AS slow
  JOIN machines ON machines.id = slow.machine_id
  JOIN patterns ON patterns.id = slow.pattern_id
  ORDER BY slow.duration_ns DESC, slow.id;

CREATE VIEW v_last_state AS
  -- Where every machine stands now.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    nullif(machines.parent, '') AS parent,
    CASE WHEN machines.ended_ns = 0 THEN 'connected' ELSE machines.end_reason END AS status,
    (SELECT group_concat(key, ' ') FROM json_each(machine_clocks.ticks_json) WHERE value % 2 = 1) AS active,
    machine_clocks.machine_time AS machine_time,
    machine_clocks.transitions AS transitions,
    machine_clocks.log_lines AS log_lines,
    machine_clocks.lost AS lost,
    {_iso("nullif(machine_clocks.last_at_ns, 0)")} AS last_transition
  FROM machines
  JOIN machine_clocks ON machine_clocks.machine_id = machines.id;

CREATE VIEW v_running AS
  -- What has begun and was not over when it was last looked at.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    running_transitions.sequence AS sequence,
    {_iso("running_transitions.started_ns")} AS since,
    round((running_transitions.noted_ns - running_transitions.started_ns) / 1e6, 6) AS ms_at_least,
    running_transitions.mutation AS mutation,
    {_names("running_transitions.called_json")} AS called,
    nullif(running_transitions.handler, '') AS handler,
    running_transitions.timed_out AS timed_out,
    CASE WHEN machines.ended_ns = 0 THEN 'connected' ELSE machines.end_reason END AS status
  FROM running_transitions
  JOIN machines ON machines.id = running_transitions.machine_id;

CREATE VIEW v_handlers AS
  -- How long handlers took, where programs told it.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    transitions.number AS number,
    {_iso("transitions.at_ns + handler_runs.offset_ns")} AS time,
    handler_runs.handler AS handler,
    round(handler_runs.duration_ns / 1e6, 6) AS duration_ms,
    handler_runs.transition_id AS transition_id
  FROM handler_runs
  JOIN transitions ON transitions.id = handler_runs.transition_id
  JOIN machines ON machines.id = transitions.machine_id;

CREATE VIEW v_losses AS
  -- What is missing: transitions that never arrived, and what those that did arrive lack.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    missing.first_number AS first_number,
    missing.last_number AS last_number,
    missing.what AS what,
    missing.count AS count,
    missing.reason AS reason
  FROM (
    SELECT machine_id, after_number + 1 AS first_number, after_number + 1 AS last_number, 'transitions' AS what,
      lost AS count, reason
    FROM gaps
    WHERE reason <> 'restored'
    UNION ALL
    SELECT machine_id, first_number, last_number, what, count, reason FROM omissions
  ) AS missing
  JOIN machines ON machines.id = missing.machine_id;

CREATE VIEW v_removals AS
  -- Transitions that were removed to keep the file small.
  SELECT
    machines.name AS machine,
    machines.run AS run,
    removals.first_number AS first_number,
    removals.last_number AS last_number,
    removals.last_number - removals.first_number + 1 AS transitions,
    removals.log_lines AS log_lines,
    removals.lost AS lost,
    removals.kept AS kept,
    {_iso("removals.removed_ns")} AS removed
  FROM removals
  JOIN machines ON machines.id = removals.machine_id;

CREATE VIEW v_waits AS
  -- Who waited for what, contexts of states, and pipes. What is pending: WHERE ended IS NULL
  SELECT
    machines.name AS machine,
    machines.run AS run,
    waits.kind AS kind,
    {_names("waits.states_json")} AS states,
    waits.text AS what,
    waits.opened_number AS opened_number,
    {_iso("waits.opened_ns")} AS began,
    waits.closed_number AS closed_number,
    {_iso("waits.closed_ns")} AS ended,
    nullif(waits.close_reason, '') AS reason,
    round((waits.closed_ns - waits.opened_ns) / 1e6, 3) AS milliseconds,
    nullif(waits.origin_machine, '') AS origin_machine,
    nullif(waits.origin_handler, '') AS origin_handler,
    nullif(waits.peer, '') AS peer,
    nullif(waits.peer_state, '') AS peer_state,
    nullif(waits.mutation, '') AS mutation
  FROM waits
  JOIN machines ON machines.id = waits.machine_id;

CREATE VIEW v_log AS
  -- Log lines in order of arrival. Narrow it with: WHERE machine = 'name' AND text LIKE '%word%'
  SELECT
    machines.name AS machine,
    machines.run AS run,
    transitions.number AS number,
    {_iso("transitions.at_ns")} AS time,
    {_level("log_lines")} AS level,
    texts.text AS text,
    log_lines.before AS before_transition,
    0 AS after_transition,
    log_lines.transition_id AS transition_id
  FROM log_lines
  JOIN transitions ON transitions.id = log_lines.transition_id
  JOIN machines ON machines.id = transitions.machine_id
  JOIN texts ON texts.id = log_lines.text_id
  UNION ALL
  SELECT
    machines.name,
    machines.run,
    late_log_lines.after_number,
    {_iso("late_log_lines.at_ns")},
    {_level("late_log_lines")},
    texts.text,
    CAST(0 AS INTEGER),
    1,
    transitions.id
  FROM late_log_lines
  JOIN machines ON machines.id = late_log_lines.machine_id
  LEFT JOIN transitions
    ON transitions.machine_id = late_log_lines.machine_id AND transitions.number = late_log_lines.after_number
  JOIN texts ON texts.id = late_log_lines.text_id;
"""  # noqa: S608 - only expressions from this module are filled in


def renewed_views() -> str:
    """SQL that replaces the views of an older layout by the present ones."""
    names = re.findall(r"^CREATE VIEW (\w+)", VIEWS, re.MULTILINE)
    return "\n".join(f"DROP VIEW IF EXISTS {name};" for name in names) + VIEWS
