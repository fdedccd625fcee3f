"""Marking moments: by the writer of the session, beside it, and in a file that nobody records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from am_telemetry.store.bookmarks import Bookmark, add_bookmark, read_bookmarks, remove_bookmark
from am_telemetry.store.checking import check_session
from am_telemetry.store.errors import StoreError
from am_telemetry.store.session_file import SessionFile
from am_telemetry.store.trimming import Limits
from am_telemetry.store.writer import Writer
from tests.support.hub_process import until
from tests.support.recordings import START_NS, batches, process
from tests.support.session_folder import am_dbg, write_session


def marks(session: SessionFile) -> list[tuple[int, int, str]]:
    return [(mark.machine_id, mark.number, mark.title) for mark in read_bookmarks(session.reader())]


def test_a_moment_is_marked_once_and_found_again(tmp_path: Path) -> None:
    path = write_session(tmp_path / "s.db")
    add_bookmark(path, 1, 5, title="wh\ud800y", note="a\nb", author="me")
    add_bookmark(path, 2, 0)
    add_bookmark(path, 1, 5, title="because")
    with SessionFile.open(path) as session:
        assert marks(session) == [(2, 0, ""), (1, 5, "because")]
        (found,) = read_bookmarks(session.reader(), 1)
        assert found == Bookmark(found.id, 1, 5, "because", "", "", found.created_ns)
    remove_bookmark(path, found.id)
    remove_bookmark(path, found.id)
    with SessionFile.open(path) as session:
        assert marks(session) == [(2, 0, "")]
    assert check_session(path) == []
    assert [file.name for file in tmp_path.iterdir()] == ["s.db"]


def test_what_is_not_there_cannot_be_marked(tmp_path: Path) -> None:
    path = write_session(tmp_path / "s.db", transitions=10)
    for machine_id, number in ((1, 999), (77, 1), (77, 0), (1, -1)):
        with pytest.raises(StoreError, match="is not in the session"):
            add_bookmark(path, machine_id, number)


@pytest.mark.parametrize("beside", [False, True])
def test_a_session_is_marked_while_it_is_recorded_and_shortened(tmp_path: Path, beside: bool) -> None:
    """By the recording program itself or by another one; what is marked and its neighbours stay."""
    path = tmp_path / "s.db"
    limits = Limits(max_size=400_000, size_text="400kB", neighbours=3)
    with SessionFile.create(path) as session, Writer(session, limits) as writer:
        writer.open_session(process(), START_NS)
        stream = batches(2, 40_000, size=500)
        writer.put(process().session, next(stream))
        assert writer.flush(10)
        add_bookmark(path if beside else writer, 1, 100, title="here")
        for batch in stream:
            writer.put(process().session, batch)
        until(lambda: writer.upkeep.removed > 5_000)
        session.catch_up()
        timeline = session.timeline(1)
        assert timeline.pieces.spans(timeline.count)[0] == (97, 103)
        assert session.transition(1, 100).number == 100
        assert marks(session) == [(1, 100, "here")]
    assert check_session(path) == []


def test_the_command_marks_lists_and_unmarks(tmp_path: Path) -> None:
    write_session(tmp_path / "shop.db")
    marked = am_dbg("sessions", "bookmark", "shop", "mach://orders/#9", "-t", "here", "--author", "me", folder=tmp_path)
    assert (marked.returncode, marked.stdout, marked.stderr) == (0, "", "")
    listed = am_dbg("sessions", "bookmark", "shop", folder=tmp_path)
    assert listed.stdout.splitlines()[1].split()[:3] == ["mach://orders/#9", "here", "me"]
    as_json = json.loads(am_dbg("sessions", "bookmark", "shop", "--json", folder=tmp_path).stdout)
    assert [(mark["url"], mark["number"], mark["title"]) for mark in as_json] == [("mach://orders/#9", 9, "here")]
    assert am_dbg("sessions", "bookmark", "shop", "mach://orders/#9", "--rm", folder=tmp_path).returncode == 0
    assert am_dbg("sessions", "bookmark", "shop", folder=tmp_path).stdout == "no bookmarks\n"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("mach://ordres/#9", "did you mean 'orders'"),
        ("mach://orders/#9999", "there is no transition #9999"),
        ("http://orders", "machine URLs begin with mach://"),
    ],
)
def test_a_place_that_is_not_there_is_refused(tmp_path: Path, place: str, said: str) -> None:
    write_session(tmp_path / "shop.db", transitions=20)
    result = am_dbg("sessions", "bookmark", "shop", place, folder=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
