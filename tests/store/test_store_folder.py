"""The folder of sessions: what is in it, what is meant by a name, what goes and what stays."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from am_telemetry.store import folder, retention
from am_telemetry.store.errors import SessionLockedError, SessionMissingError
from am_telemetry.store.limits import folder_policy, parse_length, parse_size
from am_telemetry.store.lock import WriterLock
from am_telemetry.store.summary import COMPANIONS, SessionSummary, summarize
from am_telemetry.store.tidying import Tidying
from tests.support.hub_process import until
from tests.support.session_folder import file_names, write_session

DAY = 86_400 * 10**9
NOW = 1_800_000_000 * 10**9


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "sessions"))
    (tmp_path / "sessions").mkdir()
    return tmp_path / "sessions"


def age_by(path: Path, days: float) -> None:
    moment = (NOW - int(days * DAY)) / 1e9
    os.utime(path, (moment, moment))


def bookmark(path: Path) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute("INSERT INTO bookmarks (machine_id, number, title, created_ns) VALUES (1, 5, 'here', 1)")
    db.close()


def test_a_summary_tells_what_the_rows_tell(sessions: Path) -> None:
    path = write_session(sessions / "one.db")
    summary = summarize(path)
    db = sqlite3.connect(path)
    errors = db.execute("SELECT count(*) FROM errors").fetchone()[0]
    last = db.execute("SELECT max(at_ns) FROM transitions").fetchone()[0]
    db.close()
    assert (summary.name, summary.services, summary.machines, summary.transitions) == ("one", ("shop",), 3, 300)
    assert (summary.errors, summary.problems, summary.last_ns) == (errors, errors, last)
    assert (summary.size, summary.live, summary.trouble) == (path.stat().st_size, False, "")


def test_files_that_are_no_sessions_are_listed_with_their_trouble(sessions: Path) -> None:
    write_session(sessions / "good.db")
    (sessions / "empty.db").write_bytes(b"")
    (sessions / "text.db").write_bytes(b"hello" * 100)
    (sessions / "notes.txt").write_text("not looked at")
    (sessions / ".hidden.db").write_bytes(b"")
    found = {summary.name: summary.trouble for summary in folder.summaries()}
    assert sorted(found) == ["empty", "good", "text"]
    assert found["good"] == ""
    assert "empty" in found["empty"]
    assert "not an am-dbg session" in found["text"]


def test_a_folder_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert folder.summaries(tmp_path / "none") == []


def test_sessions_are_found_by_path_name_beginning_and_age(sessions: Path, tmp_path: Path) -> None:
    monday = write_session(sessions / "2025-01-06-shop.db", transitions=1)
    tuesday = write_session(sessions / "2025-01-07-shop.db", transitions=1)
    age_by(monday, 2)
    age_by(tuesday, 1)
    elsewhere = write_session(tmp_path / "elsewhere.db", transitions=1)
    assert folder.find(str(elsewhere)) == elsewhere
    assert folder.find("2025-01-06-shop") == folder.find("2025-01-06-shop.db") == folder.find("2025-01-06") == monday
    assert folder.find("last") == tuesday
    with pytest.raises(SessionMissingError, match="2 sessions begin with") as several:
        folder.find("2025")
    assert "2025-01-07-shop, 2025-01-06-shop" in several.value.hint
    with pytest.raises(SessionMissingError) as unknown:
        folder.find("2025-01-08-shop")
    assert "Did you mean 2025-01-0" in unknown.value.hint


def test_a_removed_session_takes_its_companions_along(sessions: Path) -> None:
    path = write_session(sessions / "one.db")
    other = write_session(sessions / "one.db-like.db")
    for suffix in COMPANIONS:
        path.with_name(path.name + suffix).write_bytes(b"x")
    folder.remove(path)
    assert file_names(sessions) == [other.name]
    with pytest.raises(SessionMissingError):
        folder.remove(path)


def test_a_session_that_is_being_recorded_is_not_removed(sessions: Path) -> None:
    path = write_session(sessions / "one.db")
    lock = WriterLock(path)
    try:
        assert summarize(path).live
        with pytest.raises(SessionLockedError, match="being recorded"):
            folder.remove(path)
        removed, failures = folder.collect_garbage(retention.Policy(0, 0), now_ns=NOW * 2)
        assert (removed, failures) == ([], [])
    finally:
        lock.release()
    assert path.exists()


def test_old_sessions_go_and_bookmarked_and_unreadable_ones_stay(sessions: Path) -> None:
    for name, days in (("old", 20), ("marked", 20), ("new", 1)):
        path = write_session(sessions / f"{name}.db", transitions=20)
        if name == "marked":
            bookmark(path)
        age_by(path, days)
    (sessions / "broken.db").write_bytes(b"?")
    age_by(sessions / "broken.db", 20)
    removed, failures = folder.collect_garbage(retention.Policy(14 * DAY), now_ns=NOW)
    assert ([(v.session.name, v.reason) for v in removed], failures) == ([("old", "age")], [])
    assert file_names(sessions) == ["broken.db", "marked.db", "new.db"]


def summaries() -> st.SearchStrategy[list[SessionSummary]]:
    one = st.builds(
        lambda size, days, live, marks, trouble: (size, days, live, marks, trouble),
        st.integers(0, 50),
        st.integers(0, 40),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 0, 0, 2]),
        st.sampled_from(["", "", "", "damaged"]),
    )
    return st.lists(one, max_size=12).map(
        lambda rows: [
            SessionSummary(Path(f"{i}.db"), size, live, NOW - days * DAY, bookmarks=marks, trouble=trouble)
            for i, (size, days, live, marks, trouble) in enumerate(rows)
        ]
    )


@given(summaries(), st.none() | st.integers(0, 40), st.none() | st.integers(0, 300))
def test_a_policy_removes_no_more_and_no_less_than_it_says(
    sessions: list[SessionSummary], days: int | None, size: int | None
) -> None:
    """Afterwards no unprotected session is too old, the size fits or all that is left is protected or needed."""
    policy = retention.Policy(None if days is None else days * DAY, size)
    verdicts = retention.choose(sessions, policy, NOW)
    gone = [verdict.session for verdict in verdicts]
    left = [session for session in sessions if session not in gone]
    assert not any(retention.is_protected(session) for session in gone)
    free = [session for session in left if not retention.is_protected(session)]
    if days is not None:
        assert all(session.modified_ns >= NOW - days * DAY for session in free)
    total = sum(session.size for session in left)
    if size is not None:
        assert total <= size or not free
    if verdicts and verdicts[-1].reason == "size":
        assert size is not None
        assert total + verdicts[-1].session.size > size
    if not policy.limited:
        assert verdicts == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("12h", 43_200), ("14d", 1_209_600), ("2w", 1_209_600), ("1.5h", 5_400)],
)
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    assert parse_length(text) == seconds * 10**9


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("500MB", 500 * 10**6), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("10k", 10_000)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text(max_size=8))
def test_other_texts_are_refused_as_lengths_and_sizes(text: str) -> None:
    for parse in (parse_length, parse_size):
        refusal = ""
        try:
            value = parse(text)
        except ValueError as error:
            value, refusal = 0, str(error)
        assert value >= 0
        assert not refusal or repr(text) in refusal


def test_limits_come_from_the_environment_and_nonsense_removes_nothing() -> None:
    assert folder_policy({}) == (retention.Policy(60 * DAY, 10 * 10**9), [])
    policy, warnings = folder_policy({"AM_DBG_KEEP": "never", "AM_DBG_KEEP_SIZE": "1GB"})
    assert (policy, warnings) == (retention.Policy(None, 10**9), [])
    policy, warnings = folder_policy({"AM_DBG_KEEP": "a while", "AM_DBG_KEEP_SIZE": "off"})
    assert not policy.limited
    assert "AM_DBG_KEEP is not a length of time" in warnings[0]


def test_what_killed_programs_left_unfinished_goes_after_a_day(sessions: Path) -> None:
    for name in (".old.db-0123abcd", ".new.db-0123abcd", ".mine"):
        (sessions / name).mkdir()
        (sessions / name / "draft.db").write_bytes(b"x")
    os.utime(sessions / ".old.db-0123abcd", (1, 1))
    os.utime(sessions / ".mine", (1, 1))
    tidying = Tidying()
    until(lambda: file_names(sessions) == [".mine", ".new.db-0123abcd"])
    tidying.end()


def test_the_limits_are_applied_in_the_background_again_and_again(
    sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has bookmarks stays, and what is being recorded."""
    monkeypatch.setenv("AM_DBG_KEEP", "30d")
    names = ["bookmarked.db", "live.db", "new.db", "old.db"]
    for name in names:
        write_session(sessions / name, transitions=5)
    with sqlite3.connect(sessions / "bookmarked.db") as connection:
        connection.execute("INSERT INTO bookmarks (machine_id, number, title, created_ns) VALUES (1, 1, '', 0)")
    connection.close()
    lock = WriterLock(sessions / "live.db")
    for name in ("bookmarked.db", "live.db", "old.db"):
        os.utime(sessions / name, (1, 1))
    tidying = Tidying(every_s=0.01)
    until(lambda: "old.db" not in file_names(sessions))
    write_session(sessions / "older.db", transitions=5)
    os.utime(sessions / "older.db", (1, 1))
    until(lambda: "older.db" not in file_names(sessions))
    tidying.end()
    lock.release()
    assert {"bookmarked.db", "live.db", "new.db"} <= set(file_names(sessions))
