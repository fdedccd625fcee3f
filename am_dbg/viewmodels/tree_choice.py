"""Which states the schema tree shows: those of a group, active ones, ones that ever took part."""

from __future__ import annotations

from am_dbg.session.state_groups import members_of
from am_dbg.session.view import SessionView
from am_dbg.viewmodels import tree_steps
from am_dbg.viewmodels.spans import clean
from am_telemetry.store.timeline import Timeline


def is_whole(session: SessionView) -> bool:
    """Whether every state is shown."""
    timeline = session.timeline
    in_group = timeline is not None and members_of(timeline.schema, session.filters.group) is not None
    return not (session.hide_inactive or session.hide_idle or in_group)


def owners(session: SessionView, timeline: Timeline, cast: tree_steps.Cast | None) -> list[int]:
    """Indexes of the shown states, ascending. Selected states are always among them.

    Args:
        cast: what takes part while a transition is stepped through.
    """
    every = range(len(timeline.schema.states))
    if is_whole(session):
        return list(every)
    kept = {timeline.schema.index.get(name) for name in session.states}
    group = members_of(timeline.schema, session.filters.group)
    number = session.number

    def is_shown(state: int) -> bool:
        if state in kept:
            return True
        if group is not None and state not in group:
            return False
        maps = timeline.states[state]
        if session.hide_idle and not (maps.changed or maps.called or maps.active):
            return False
        if not session.hide_inactive or timeline.is_active(state, number):
            return True
        if cast is not None:
            return state in cast.states
        return bool(number) and (number in timeline.changed(state) or number in timeline.called(state))

    return [state for state in every if is_shown(state)]


def words(session: SessionView) -> str:
    """``group all`` or what is shown instead, for a title; empty where there is nothing to choose from."""
    timeline = session.timeline
    if timeline is None:
        return ""
    group = session.filters.group
    known = members_of(timeline.schema, group) is not None
    parts = [f"group {clean(group, 30) if known else 'all'}"] if timeline.schema.groups else []
    parts += ["active"] if session.hide_inactive else []
    parts += ["used"] if session.hide_idle else []
    return ", ".join(parts)


def key(session: SessionView) -> tuple[object, ...]:
    """What decides about the states that are shown, apart from the schema and the steps."""
    timeline = session.timeline
    if timeline is None or is_whole(session):
        return ()
    # The last transition may still be looked at while the first ones of a state arrive.
    place = (session.machine_id, session.number) if session.hide_inactive else ()
    count = timeline.count if session.hide_idle else 0
    return (session.filters.group, session.hide_inactive, session.hide_idle, session.states, place, count)
