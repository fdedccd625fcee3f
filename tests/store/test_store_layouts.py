"""Files of other layouts: read as they are, brought up to date with a copy kept, refused when they cannot be read.

The files in ``fixtures`` were written by the programs of those layouts, with what they told about them beside.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from am_telemetry.store import files, layouts, schema
from am_telemetry.store.details import read_details
from am_telemetry.store.errors import DamagedSessionError, NewerSessionError
from am_telemetry.store.merging import merge
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.summary import summarize
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, Sender
from tests.support.session_folder import am_dbg, file_names, write_session

FIXTURES = Path(__file__).parent / "fixtures"
OLD = [1, 2]


def unpack(layout: int, folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / "old.db"
    path.write_bytes(gzip.decompress((FIXTURES / f"layout-{layout}.db.gz").read_bytes()))
    return path, json.loads(gzip.decompress((FIXTURES / f"layout-{layout}.json.gz").read_bytes()))


def told(session: SessionFile) -> dict[str, Any]:
    """The same as the fixtures hold."""
    totals = session.totals()
    machines = []
    for machine in session.machines:
        timeline = session.timeline(machine.id)
        numbers = range(1, timeline.count + 1)
        machines.append(
            {
                "name": machine.name,
                "run": machine.run,
                "end_reason": machine.end_reason,
                "tags": list(machine.tags),
                "states": list(session.schema(machine.schema_id).names),
                "gaps": {str(number): lost for number, lost in timeline.gaps.items()},
                "clocks": [list(timeline.clock(number)) for number in range(timeline.count + 1)],
                "sequences": [session.transition(machine.id, number).sequence for number in numbers],
                "logs": [[x.number, x.level, x.text] for x in session.log_lines(machine.id, 1, timeline.count)],
            }
        )
    return {"totals": {name: getattr(totals, name) for name in totals.__slots__}, "machines": machines}


def holds(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """All that the old program told is still told; later programs may tell more."""
    assert {key: found["totals"][key] for key in expected["totals"]} == expected["totals"]
    assert found["machines"] == expected["machines"]


def layout_sql(path: Path) -> dict[str, set[str]]:
    db = sqlite3.connect(path)
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view', 'index')")]
    columns = {name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")} for name in names}
    db.close()
    return columns


def test_every_older_layout_has_a_fixture_and_a_way_to_the_present_one() -> None:
    assert set(range(1, schema.USER_VERSION)) <= set(OLD) | {schema.USER_VERSION}
    assert set(schema.MIGRATIONS) == set(range(1, schema.USER_VERSION))


@pytest.mark.parametrize("layout", OLD)
def test_an_older_file_is_read_without_being_changed(tmp_path: Path, layout: int) -> None:
    path, expected = unpack(layout, tmp_path)
    before = path.read_bytes()
    with SessionFile.open(path) as session:
        holds(told(session), expected)
    assert summarize(path).transitions == expected["totals"]["transitions"]
    assert read_details(path).layout == layout
    done = am_dbg("sessions", "show", path)
    assert (done.returncode, f"layout {layout}" in done.stdout) == (0, True)
    assert path.read_bytes() == before
    assert file_names(tmp_path) == ["old.db"]


@pytest.mark.parametrize("layout", OLD)
def test_an_older_file_is_brought_up_to_date_when_it_is_written_to(tmp_path: Path, layout: int) -> None:
    path, expected = unpack(layout, tmp_path)
    before = path.read_bytes()
    sender = Sender("99" * 16)
    with SessionFile.open(path, writable=True) as session, Writer(session) as writer:
        holds(told(session), expected)
        writer.open_session(sender.process, NOW)
        sender.open(0, "later")
        sender.toggle(0, times=3)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
    with SessionFile.open(path) as session:
        found = told(session)
        assert found["machines"][:-1] == expected["machines"]
        assert session.timeline(session.machines[-1].id).count == 3
    if layout < schema.USER_VERSION:
        copy = tmp_path / f"old.db.layout{layout}.bak"
        assert file_names(tmp_path) == ["old.db", copy.name]
        assert (copy.stat().st_size, len(before)) == (len(before), len(before))
        with SessionFile.open(copy) as session:
            holds(told(session), expected)
    fresh = write_session(tmp_path / "fresh.db", transitions=1)
    assert layout_sql(path) == layout_sql(fresh)


@pytest.mark.parametrize("layout", OLD)
def test_an_older_file_can_be_merged(tmp_path: Path, layout: int) -> None:
    path, expected = unpack(layout, tmp_path)
    before = path.read_bytes()
    other = write_session(tmp_path / "other.db", "other", transitions=50)
    merge([path, other], tmp_path / "all.db")
    with SessionFile.open(tmp_path / "all.db") as session:
        assert session.totals().transitions == expected["totals"]["transitions"] + 50
    assert path.read_bytes() == before
    assert file_names(tmp_path) == ["all.db", "old.db", "other.db"]


def make_newer(path: Path, *changes: str) -> None:
    db = sqlite3.connect(path)
    with db:
        for change in changes:
            db.execute(change)
        db.execute(f"PRAGMA user_version = {schema.USER_VERSION + 5}")
    db.close()


def test_a_newer_file_with_additions_is_read_but_not_written(tmp_path: Path) -> None:
    path = write_session(tmp_path / "new.db", transitions=50)
    with SessionFile.open(path) as session:
        expected = told(session)
    make_newer(path, "ALTER TABLE machines ADD COLUMN colour TEXT NOT NULL DEFAULT ''", "CREATE TABLE extras (id)")
    with SessionFile.open(path) as session:
        assert told(session) == expected
    assert "later am-dbg" in files.notice(path)
    with pytest.raises(NewerSessionError, match="recorded by a later am-dbg") as error:
        SessionFile.open(path, writable=True)
    assert "looked at" in error.value.hint


@pytest.mark.parametrize(
    "change",
    ["UPDATE meta SET value = '998' WHERE key = 'readable_from'", "DELETE FROM meta WHERE key = 'readable_from'"],
)
def test_a_newer_file_that_does_not_say_that_it_can_be_read_is_refused(tmp_path: Path, change: str) -> None:
    path = write_session(tmp_path / "new.db", transitions=5)
    make_newer(path, change)
    for look in (SessionFile.open, files.notice, read_details):
        with pytest.raises(NewerSessionError) as error:
            look(path)
        assert "Update am-dbg" in error.value.hint
    assert am_dbg("sessions", "show", path).returncode == 4


def test_a_file_that_lacks_what_cannot_be_made_up_for_is_damaged(tmp_path: Path) -> None:
    path = write_session(tmp_path / "new.db", transitions=5)
    make_newer(path, "ALTER TABLE gaps DROP COLUMN after_sequence")
    with pytest.raises(DamagedSessionError, match="the column after_sequence of the table gaps is missing"):
        SessionFile.open(path)


def test_the_present_layout_needs_no_bridge(tmp_path: Path) -> None:
    path = write_session(tmp_path / "s.db", transitions=1)
    connection = files.connect_reader(path)
    layouts.bridge(connection)
    assert connection.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone()[0] == 0
    connection.close()
    assert files.notice(path) == ""
