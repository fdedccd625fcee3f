"""Damage is found, and what follows from the transitions is made anew."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from pathlib import Path

import pytest

from am_telemetry.store.checking import check_session
from am_telemetry.store.errors import StoreError
from am_telemetry.store.repairing import repair_session
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.recordings import START_NS, batches, process
from tests.support.sender import NOW, Sender, schema
from tests.support.session_folder import am_dbg, file_names

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough for stored timelines; with holes, a revision, and a machine without transitions."""
    path = tmp_path_factory.mktemp("whole") / "s.db"
    sender = Sender("ab" * 16)
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(process(), START_NS)
        writer.write_all(process().session, batches(3, 1_200, close=True))
        writer.open_session(sender.process, NOW)
        sender.open(0, "gapped", clock=(1, 0, 0), sequence=7)
        sender.open(1, "idle", clock=(3, 0, 0))
        sender.toggle(0, times=300)
        sender.gap(0, 4, clock=(5, 2, 0))
        sender.toggle(0, times=2)
        writer.put(sender.session, sender.take())
        sender.revise(0, schema("B", "A", "New", "Exception"))
        sender.toggle(0, state=2, times=3)
        sender.gap(0, 2)
        writer.put(sender.session, sender.take())
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "s.db"))


def change(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    with db:
        for statement in statements:
            assert db.execute(statement).rowcount != 0, statement
    db.close()


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the stored timelines, whose bytes may differ."""
    db = sqlite3.connect(path)
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    rows = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
    db.close()
    return {name: found for name, found in rows.items() if name not in ("timelines", "sqlite_sequence")}


def test_a_whole_session_is_found_whole_and_is_not_touched(copy: Path) -> None:
    before = copy.read_bytes()
    assert check_session(copy) == []
    assert copy.read_bytes() == before
    assert file_names(copy.parent) == ["s.db"]


def test_a_session_of_an_older_layout_is_found_whole(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.write_bytes(gzip.decompress((FIXTURES / "layout-1.db.gz").read_bytes()))
    assert check_session(path) == []


def test_a_session_that_is_being_recorded_can_be_checked(tmp_path: Path) -> None:
    sender = Sender()
    with SessionFile.create(tmp_path / "live.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0, times=400)
        writer.put(sender.session, sender.take())
        assert writer.flush(5)
        assert check_session(tmp_path / "live.db") == []
        with pytest.raises(StoreError, match="being recorded"):
            repair_session(tmp_path / "live.db")


@pytest.mark.parametrize(
    ("statement", "area"),
    [
        ("DELETE FROM machine_clocks WHERE machine_id = 2", "clocks"),
        ("UPDATE machine_clocks SET transitions = transitions + 1 WHERE machine_id = 1", "clocks"),
        ("UPDATE machine_clocks SET ticks_json = '{}' WHERE machine_id = 4", "clocks"),
        ("UPDATE machine_clocks SET last_sequence = 3, log_lines = 0 WHERE machine_id = 3", "clocks"),
        ("INSERT INTO log_lines VALUES (99999, 0, 1, 0, 1)", "references"),
        ("INSERT INTO arguments VALUES (99999, '{}')", "references"),
    ],
)
def test_what_follows_from_transitions_is_made_anew(copy: Path, whole: Path, statement: str, area: str) -> None:
    change(copy, statement)
    findings = check_session(copy)
    assert {finding.area for finding in findings} == {area}
    assert all(finding.repairable for finding in findings)
    damaged = contents(copy)
    kept = repair_session(copy)
    assert contents(kept) == damaged
    assert check_session(copy) == []
    assert contents(copy) == contents(whole)


def test_a_stored_timeline_that_tells_something_else_is_found(copy: Path, whole: Path) -> None:
    """Its numbers fit, but transitions were changed behind its back."""
    change(copy, "UPDATE transitions SET at_ns = at_ns + 1 WHERE machine_id = 1 AND number = 5")
    findings = check_session(copy)
    assert [(finding.area, "orders run 1" in finding.text) for finding in findings] == [("timelines", True)]
    repair_session(copy)
    assert check_session(copy) == []


def test_an_index_that_lost_an_entry_is_built_again(copy: Path, whole: Path) -> None:
    db = sqlite3.connect(copy)
    db.execute("PRAGMA writable_schema = ON")
    row = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'gaps_by_machine'").fetchone()
    db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'gaps_by_machine'", (row[0] + " WHERE lost = 4",))
    db.commit()
    db.close()
    change(copy, "REINDEX gaps_by_machine")
    db = sqlite3.connect(copy)
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'gaps_by_machine'", row)
    db.commit()
    db.close()
    assert "index" in {finding.area for finding in check_session(copy)}
    repair_session(copy)
    assert check_session(copy) == []
    assert contents(copy) == contents(whole)


@pytest.mark.parametrize(
    ("statements", "area"),
    [
        (["DELETE FROM transitions WHERE machine_id = 2 AND number = 7"], "numbers"),
        (["DELETE FROM gaps WHERE lost = 4"], "holes"),
        (["UPDATE gaps SET lost = 3 WHERE lost = 4"], "holes"),
        (["UPDATE transitions SET skipped = skipped + 1 WHERE machine_id = 1 AND number > 50"], "holes"),
        (["UPDATE transitions SET machine_time = 7 WHERE machine_id = 1 AND number % 2 = 1"], "ticks"),
        (["DELETE FROM schemas"], "database"),
        (["UPDATE patterns SET indexes_json = '[' WHERE id = 1"], "database"),
    ],
)
def test_what_cannot_be_made_up_is_reported(copy: Path, statements: list[str], area: str) -> None:
    change(copy, *statements)
    findings = check_session(copy)
    assert area in {finding.area for finding in findings}
    assert not all(finding.repairable for finding in findings)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_overwritten_pages_are_found(copy: Path, place: float) -> None:
    content = bytearray(copy.read_bytes())
    at = int(len(content) * place) // 4096 * 4096
    content[at : at + 4096] = b"\xa5" * 4096
    copy.write_bytes(content)
    findings = []
    refusal = ""
    try:
        findings = check_session(copy)
    except StoreError as error:
        refusal = error.message
    assert refusal or findings
    done = am_dbg("sessions", "check", "--repair", copy)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)


def test_the_command_tells_repairs_and_ends_with_the_documented_code(copy: Path) -> None:
    done = am_dbg("sessions", "check", copy)
    assert (done.returncode, "is whole" in done.stdout) == (0, True)
    change(copy, "DELETE FROM machine_clocks WHERE machine_id = 2")
    done = am_dbg("sessions", "check", copy)
    assert (done.returncode, "1 of them can be repaired: --repair" in done.stderr) == (4, True)
    assert done.stdout.startswith("clocks: the clock of orders-1 run 1")
    done = am_dbg("sessions", "check", "--repair", copy)
    assert (done.returncode, "is whole" in done.stdout) == (0, True)
    assert file_names(copy.parent) == ["s.db", "s.db.before-repair.bak"]
    assert am_dbg("sessions", "check", "--json", copy).stdout == "[]\n"
