"""What the writer remembers of programs and machines: not more than is going on, and the rest when it comes back."""

from __future__ import annotations

import pytest

from am_telemetry.store import known_sessions
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender


def come_and_go(writer: Writer, key: str, have: int = 0) -> None:
    """A program connects, goes on with its machine, and is gone."""
    sender = Sender(key, have=have)
    assert writer.open_session(sender.process, NOW) == have
    sender.open(0, f"m{key[0]}", sequence=have)
    sender.toggle(0, times=2)
    writer.put(sender.session, sender.take())
    writer.close_session(sender.session, NOW + 1, "disconnected")
    assert writer.flush(5)


def test_programs_that_went_long_ago_are_read_again_when_they_come_back(
    session: SessionFile, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sessions, "MAX_GONE", 2)
    keys = [letter * 32 for letter in "abcdef"]
    for have in (0, 2, 4):
        for key in keys:
            come_and_go(writer, key, have)
            assert len(writer._ingest._sessions) <= 3
    session.catch_up()
    assert len(session.machines) == len(keys), "each goes on in the run it had"
    assert [session.timeline(machine.id).count for machine in session.machines] == [6] * len(keys)
    assert len({machine.process_id for machine in session.machines}) == len(keys)


def test_connected_programs_stay_known_however_many_others_leave(
    session: SessionFile, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sessions, "MAX_GONE", 0)
    staying = Sender("0" * 32)
    writer.open_session(staying.process, NOW)
    staying.open(0, "staying")
    for letter in "abc":
        come_and_go(writer, letter * 32)
    staying.toggle(0, times=3)
    writer.put(staying.session, staying.take())
    assert writer.flush(5)
    session.catch_up()
    (machine,) = [machine for machine in session.machines if machine.name == "staying"]
    assert session.timeline(machine.id).count == 3
    assert len(writer._ingest._sessions) == 1


def test_a_program_with_very_many_short_lived_machines_leaves_none_behind(writer: Writer) -> None:
    sender = Sender()
    writer.open_session(sender.process, NOW)
    for handle in range(300):
        sender.open(handle, "worker")
        sender.toggle(handle)
        sender.close(handle)
        writer.put(sender.session, sender.take())
    assert writer.flush(5)
    state = writer._ingest._sessions.get(sender.session)
    assert state is not None
    assert not state.machines
    assert not state.runs
