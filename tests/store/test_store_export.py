"""What is exported and imported again tells the same; parts of it tell the same about that part."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.json_lines import encode
from am_telemetry.formats.json_lines_reader import JsonLines
from am_telemetry.store.assembling import assemble
from am_telemetry.store.checking import check_session
from am_telemetry.store.errors import StoreError
from am_telemetry.store.rereading import Rereading
from am_telemetry.store.scope import REDACTED, Scope
from am_telemetry.store.session_file import SessionFile
from tests.support.rich_session import write_random_session, write_rich_session
from tests.support.session_facts import session_facts
from tests.support.session_folder import file_names


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_session(tmp_path_factory.mktemp("rich") / "rich.db")


EVERYTHING = Scope()


def exported(path: Path, scope: Scope = EVERYTHING) -> bytes:
    with SessionFile.open(path) as session, closing(Rereading(session, scope)) as rereading:
        return "".join(encode(rereading.pieces())).encode()


def imported(content: bytes, target: Path) -> Path:
    assemble(target, JsonLines(io.BytesIO(content)).pieces())
    return target


def test_json_lines_bring_back_every_fact(rich: Path, tmp_path: Path) -> None:
    copy = imported(exported(rich), tmp_path / "copy.db")
    assert session_facts(copy) == session_facts(rich)
    assert check_session(copy) == []
    with SessionFile.open(copy) as session, SessionFile.open(rich) as original:
        assert session.totals() == original.totals()
        skews = "SELECT session, skew_ns, first_seen_ns, last_seen_ns, resource_json FROM processes ORDER BY session"
        assert session.reader().execute(skews).fetchall() == original.reader().execute(skews).fetchall()


def test_the_second_export_is_the_same_as_the_first(rich: Path, tmp_path: Path) -> None:
    """Up to the ids, which are given anew in the order of the file."""
    once = imported(exported(rich), tmp_path / "once.db")
    twice = imported(exported(once), tmp_path / "twice.db")
    assert exported(once) == exported(twice)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_session_survives_a_round_trip(tmp_path: Path, seed: int) -> None:
    path = tmp_path / f"{seed}.db"
    if path.exists():
        return
    write_random_session(path, seed)
    copy = imported(exported(path), tmp_path / f"{seed}-copy.db")
    assert session_facts(copy) == session_facts(path)


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_range_of_time_keeps_ticks_and_numbers_right(tmp_path: Path, seed: int, one: float, other: float) -> None:
    """Each exported transition has the clock, the sequence and the details it had in the whole."""
    path = tmp_path / f"{seed}.db"
    if not path.exists():
        write_random_session(path, seed)
    target = tmp_path / f"{seed}-{one}-{other}.db"
    target.unlink(missing_ok=True)
    with SessionFile.open(path) as session:
        times = sorted(at for machine in session.machines for at in session.timeline(machine.id).times)
        if not times:
            return
        span = times[-1] - times[0]
        low, high = (times[0] + int(span * part) for part in sorted((one, other)))
        expected = {}
        for machine in session.machines:
            timeline = session.timeline(machine.id)
            first, last = timeline.number_at(low - 1) + 1, timeline.number_at(high)
            expected[machine.name] = [
                (record.sequence, record.at_ns, record.pattern.fact, named(session, machine.id, number))
                for number in range(first, last + 1)
                for record in [session.transition(machine.id, number)]
            ]
        if not any(expected.values()):
            return
        with closing(Rereading(session, Scope(from_ns=low, to_ns=high))) as rereading:
            assemble(target, rereading.pieces())
            assert rereading.total == sum(map(len, expected.values()))
    with SessionFile.open(target) as part:
        for machine in part.machines:
            timeline = part.timeline(machine.id)
            found = []
            for number in range(1, timeline.count + 1):
                record = part.transition(machine.id, number)
                found.append((record.sequence, record.at_ns, record.pattern.fact, named(part, machine.id, number)))
            wanted = expected.pop(machine.name)
            assert [row[:3] for row in found] == [row[:3] for row in wanted]
            for (*_, here), (*_, there) in zip(found, wanted, strict=True):
                # States that had been taken out of the schema before are not told of.
                assert {name: there[name] for name in here} == here
    assert not any(expected.values())


def named(session: SessionFile, machine_id: int, number: int) -> dict[str, int]:
    timeline = session.timeline(machine_id)
    return dict(zip(timeline.schema.names, timeline.clock(number), strict=True))


def test_machines_are_chosen_by_name(rich: Path, tmp_path: Path) -> None:
    whole = session_facts(rich)
    part = session_facts(imported(exported(rich, Scope(machines=("orders-*", "idle"))), tmp_path / "part.db"))
    assert {key[1] for key in part} == {"orders-1", "orders-2", "idle"}
    assert all(part[key] == whole[key] for key in part)
    with pytest.raises(StoreError, match="no machine of that name"):
        exported(rich, Scope(machines=("nobody",)))


def test_what_is_redacted_is_in_no_byte_of_the_export(rich: Path, tmp_path: Path) -> None:
    plain = exported(rich).decode()
    for secret in ("peer went away", "received order", '\\"user\\"', "u-1", "no\\nway", "later"):
        assert secret in plain, secret
    redacted = exported(rich, Scope(redact=frozenset(["args", "logs", "errors"]))).decode()
    for secret in ("peer went away", "received order", "u-1", "no\\nway", "later", "Traceback"):
        assert secret not in redacted, secret
    assert '\\"user\\"' in redacted
    assert "ConnectionError" in redacted
    copy = session_facts(imported(redacted.encode(), tmp_path / "copy.db"))
    lines = [line for facts in copy.values() for line in facts["logs"]]
    assert {line.text for line in lines} == {REDACTED}
    assert sum(len(facts["logs"]) for facts in session_facts(rich).values()) == len(lines)


def test_every_line_is_an_object_that_other_programs_can_read(rich: Path) -> None:
    rows = [json.loads(line) for line in exported(rich).splitlines()]
    assert rows[0] == {"record": "header", "format": "am-dbg-jsonl", "version": 1}
    assert {row["record"] for row in rows} == {
        "header", "process", "schema", "machine", "pattern", "transition", "revision", "gap", "omission", "late_log",
        "running", "wait", "wait_end", "end", "bookmark",
    }  # fmt: skip
    pattern = next(row for row in rows if row["record"] == "pattern" and row["added"])
    states = next(row for row in rows if row["record"] == "schema" and row["id"] == pattern["schema"])["states"]
    assert set(pattern["added"]) <= {state["name"] for state in states}


def change(rich: Path, record: str, /, **values: Any) -> bytes:
    """The export with some fields of the first line of a kind replaced; ``...`` removes a field."""
    lines = exported(rich).splitlines()
    place = next(i for i, line in enumerate(lines) if json.loads(line)["record"] == record)
    row = json.loads(lines[place]) | values
    lines[place] = json.dumps({key: value for key, value in row.items() if value is not ...}).encode()
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("record", "values", "message"),
    [
        ("header", {"format": "other"}, "line 1: it does not say"),
        ("header", {"version": 9}, "line 1: it was written by a later am-dbg"),
        ("process", {"session": 5}, "line 2: session is 5, not a text"),
        ("process", {"id": 2}, "id 2 was defined before"),
        ("schema", {"states": {}}, "states is a dict, not a list of dict"),
        ("schema", {"groups": [["x", [99]]]}, "states that do not exist"),
        ("machine", {"schema": 99}, "schema 99 was not defined before"),
        ("machine", {"clock": [-1]}, "clock is a list"),
        ("machine", {"clock": [1] * 50}, "more ticks than there are states"),
        ("pattern", {"indexes": [[99], [], [], []]}, "states that do not exist"),
        ("pattern", {"indexes": [[], [], [], [[0, 2**40]]]}, "something else than"),
        ("pattern", {"steps": [["called"]]}, "steps holds something else"),
        ("pattern", {"mutation": "burn"}, "mutation is 'burn', not one of add, remove, set"),
        ("transition", {"machine": 99}, "machine 99 was not defined before"),
        ("transition", {"pattern": None}, "pattern None was not defined before"),
        ("transition", {"at_ns": 2**70}, "at_ns is"),
        ("transition", {"sequence": True}, "sequence is True"),
        ("transition", {"duration_ns": ...}, "duration_ns is missing"),
        ("transition", {"log": [[1, 2, 3]]}, "log holds something else"),
        ("transition", {"record": "surprise"}, "'surprise' is not a kind of record"),
        ("gap", {"lost": -4}, "lost is -4"),
        ("bookmark", {"machine": 99}, "machine 99 was not defined before"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_left_behind(
    rich: Path, tmp_path: Path, record: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError) as error:
        imported(change(rich, record, **values), tmp_path / "copy.db")
    assert message in error.value.message
    assert error.value.message.startswith("line ")
    assert file_names(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"record":"header"}', b"1e999", b"{}" * 9],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError):
        imported(content, tmp_path / "copy.db")
    assert file_names(tmp_path) == []


def test_a_line_without_end_is_refused_without_reading_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("am_telemetry.formats.json_lines_reader.MAX_LINE", 1_000)
    with pytest.raises(FormatError, match="line 2: it is longer than 1,000 bytes"):
        imported(b'{"record":"header","format":"am-dbg-jsonl","version":1}\n' + b" " * 5_000, tmp_path / "copy.db")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_lines_are_refused_or_read_but_never_crash(rich: Path, data: st.DataObject) -> None:
    content = bytearray(exported(rich)[:60_000])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    refusal = ""
    try:
        pieces = list(JsonLines(io.BytesIO(bytes(content))).pieces())
    except FormatError as error:
        pieces, refusal = [], error.message
    assert pieces or refusal
