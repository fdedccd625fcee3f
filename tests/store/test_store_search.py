"""Full-text search: finds what a plain comparison of all texts finds, keeps up, and survives being killed."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from am_telemetry.facts import ErrorFact
from am_telemetry.store.background_search import BackgroundSearch
from am_telemetry.store.errors import SessionMissingError
from am_telemetry.store.search import SearchIndex
from am_telemetry.store.search_words import Kind
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.writer import Writer
from tests.support.sender import NOW, REFUSED, Sender, toggle
from tests.support.session_folder import am_dbg, file_names, write_session


def record(path: Path, *lines: str) -> Path:
    """One transition for each log text."""
    sender = Sender()
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        for number, line in enumerate(lines):
            sender.add(0, toggle(0, number % 2 == 0), line)
        writer.put(sender.session, sender.take())
    return path


def found(path: Path, text: str, kinds: tuple[Kind, ...] = (Kind.LOG,)) -> list[int]:
    with SearchIndex(path) as index:
        index.catch_up()
        return index.ids(text, kinds)


def test_words_and_their_beginnings_are_found_in_any_order_and_case(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", "received Order 4711", "order 4712 paid", "nothing", "Bestellung für Zoë")
    assert found(path, "order") == [1, 2]
    assert found(path, "ORDER 471") == [1, 2]
    assert found(path, "4711 order") == [1]
    assert found(path, "rder") == []
    assert found(path, "zoe") == [4]
    assert found(path, "fur zoë") == [4]


def test_parts_of_compound_names_are_found(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", "[state] +OrderReceived", "retry_count=3", "HTTPServer up")
    assert found(path, "received") == [1]
    assert found(path, "orderrec") == [1]
    assert found(path, "count") == found(path, "retry_count") == [2]
    assert found(path, "server") == [3]


def test_phrases_have_to_occur_exactly(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", "connection refused by peer", "refused connection", "[cancel] (A) by B")
    assert found(path, "connection refused") == [1, 2]
    assert found(path, '"connection refused"') == [1]
    assert found(path, '"(A) by"') == [3]
    assert found(path, 'peer "refused by"') == [1]


@pytest.mark.parametrize(
    "text", ["", "   ", '"', '""', "***", "AND", "a OR b", "NEAR(", "body:x", "-a", "^a", "a*b", "(", "'"]
)
def test_operators_of_the_index_are_only_text(tmp_path: Path, text: str) -> None:
    path = record(tmp_path / "s.db", "hello")
    assert found(path, text) == []


def test_names_arguments_and_errors_are_found_too(tmp_path: Path) -> None:
    sender = Sender()
    path = tmp_path / "s.db"
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        sender.toggle(0)
        row = sender.add(0, REFUSED)
        sender.batch.arguments.append((row, '{"customer":"Ann","total":12}'))
        sender.batch.errors.append((row, ErrorFact("ValueError", "no such parcel", "File shop.py")))
        writer.put(sender.session, sender.take())
    assert found(path, "customer ann", (Kind.ARGUMENT,)) == [2]
    assert found(path, "parcel", (Kind.ERROR,)) == [2]
    assert found(path, "shop.py", (Kind.ERROR,)) == [2]
    assert found(path, "BEnter", (Kind.NAME,)) == [2]
    assert found(path, "parcel", (Kind.LOG, Kind.NAME)) == []
    with SearchIndex(path) as index:
        hits = index.search("valueerror")
        assert [(hit.transition_id, hit.kind) for hit in hits] == [(2, Kind.ERROR)]
        assert hits[0].text.startswith("ValueError: no such parcel")


def fold(text: str) -> str:
    plain = unicodedata.normalize("NFD", text)
    return "".join(char for char in plain if not unicodedata.combining(char)).lower()


WORDS = st.sampled_from(["order", "Order", "OrderPaid", "paid_at", "zoë", "471", "4711", "x"])


@given(st.lists(st.lists(WORDS, max_size=4), min_size=1, max_size=8), st.lists(WORDS, min_size=1, max_size=2))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_index_finds_what_a_look_at_every_text_finds(
    tmp_path: Path, texts: list[list[str]], query: list[str]
) -> None:
    folder = tmp_path / f"{time.monotonic_ns()}"
    folder.mkdir()
    path = record(folder / "s.db", *(" ".join(words) for words in texts))

    def matches(words: list[str]) -> bool:
        parts = [fold(part) for word in words for part in (word, *re.split(r"(?<=[a-z])(?=[A-Z])|_", word))]
        return all(any(part.startswith(fold(asked)) for part in parts) for asked in query)

    expected = [number for number, words in enumerate(texts, 1) if matches(words)]
    assert found(path, " ".join(query)) == expected


def test_hits_are_told_by_machine_and_number(tmp_path: Path) -> None:
    path = write_session(tmp_path / "s.db", transitions=500)
    with SearchIndex(path) as index, SessionFile.open(path) as session:
        index.catch_up()
        found = index.numbers('"received order"', (Kind.LOG,))
        for machine in session.machines:
            lines = session.log_lines(machine.id, 1, session.timeline(machine.id).count)
            assert found[machine.id] == sorted({x.number for x in lines if x.text.startswith("received order")})


def test_the_latest_hits_come_first(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", *[f"tick {number}" for number in range(20)])
    with SearchIndex(path) as index:
        index.catch_up()
        assert [hit.text for hit in index.search("tick", 2)] == ["tick 19", "tick 18"]


def test_an_index_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("am_telemetry.store.search.PORTION", 7)
    path = record(tmp_path / "s.db", *[f"line {number}" for number in range(50)])
    with SearchIndex(path) as index:
        assert index.advance()
        assert index.progress() == (7, 50)
    steps: list[tuple[int, int]] = []
    with SearchIndex(path) as index:
        assert index.catch_up(lambda *step: steps.append(step))
        assert index.ids("line", (Kind.LOG,)) == list(range(1, 51))
        assert not index.catch_up()
    assert steps[0][0] > 7
    assert steps[-1] == (50, 50)
    assert file_names(tmp_path) == ["s.db", "s.db-search"]


@pytest.mark.parametrize("content", [b"", b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_index_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = record(tmp_path / "s.db", "hello world")
    (tmp_path / "s.db-search").write_bytes(content)
    assert found(path, "hello") == [1]


def test_the_index_of_another_session_of_the_same_name_is_not_used(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", "old words")
    assert found(path, "old") == [1]
    path.unlink()
    time.sleep(0.002)  # sessions are told apart by the millisecond they were created in
    record(path, "new words")
    assert found(path, "old") == []
    assert found(path, "new") == [1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_searched_in_memory(tmp_path: Path) -> None:
    path = record(tmp_path / "s.db", "hello")
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert found(path, "hello") == [1]
        assert file_names(tmp_path) == ["s.db"]
    finally:
        tmp_path.chmod(0o700)


def test_a_missing_session_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(SessionMissingError):
        SearchIndex(tmp_path / "none.db")
    assert file_names(tmp_path) == []


def test_the_background_reader_keeps_up_with_a_recording(tmp_path: Path) -> None:
    sender = Sender()
    with SessionFile.create(tmp_path / "live.db") as session, Writer(session) as writer:
        writer.open_session(sender.process, NOW)
        sender.open(0, "m")
        with BackgroundSearch(tmp_path / "live.db") as search:
            assert search.wait(20)
            assert search.ids("hello") == []
            for number in range(5):
                sender.add(0, toggle(0, number % 2 == 0), f"hello {number}")
                writer.put(sender.session, sender.take())
                assert writer.flush(5)
                deadline = time.monotonic() + 20
                while len(search.ids("hello")) <= number and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert [hit.text for hit in search.search("hello", 1)] == [f"hello {number}"]
            assert search.failure is None


def test_a_killed_builder_leaves_an_index_that_goes_on(tmp_path: Path) -> None:
    """Killed again and again in the middle; in the end each line is found once."""
    path = write_session(tmp_path / "s.db", transitions=6_000)
    code = (
        "import sys; from pathlib import Path; from am_telemetry.store import search; search.PORTION = 100;"
        "index = search.SearchIndex(Path(sys.argv[1])); print('go', flush=True);"
        "index.catch_up(lambda done, total: print(done, flush=True))"
    )
    for stop_after in (3, 9, 17):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(stop_after):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    db = sqlite3.connect(path)
    expected = [
        row[0]
        for row in db.execute(
            "SELECT DISTINCT transition_id FROM log_lines JOIN texts ON texts.id = text_id"
            " WHERE text LIKE 'received order %' ORDER BY 1"
        )
    ]
    db.close()
    with SearchIndex(path) as index:
        assert 0 < index.progress()[0] < 6_000
        index.catch_up()
        assert index.ids('"received order"', (Kind.LOG,)) == expected


def test_the_command_prints_where_something_was_found(tmp_path: Path) -> None:
    record(tmp_path / "one.db", "parcel 7 left", "nothing")
    record(tmp_path / "two.db", "parcel 8 left \x1b[31m")
    (tmp_path / "broken.db").write_bytes(b"?")
    done = am_dbg("sessions", "search", "parcel", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["SESSION", "two", "one"]
    assert "\x1b" not in done.stdout
    assert "broken.db" in done.stderr
    done = am_dbg("sessions", "search", "parcel 7", "one", "--json", folder=tmp_path)
    assert '"number": 1' in done.stdout
    done = am_dbg("sessions", "search", "no such thing", folder=tmp_path)
    assert (done.returncode, "nothing mentions" in done.stderr) == (1, True)
