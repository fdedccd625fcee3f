"""What is done with whole sessions: listing, merging, exporting, importing, searching."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.rows import Row, Skipped, duration, rate

_T = TypeVar("_T")
_LISTED = 200


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """CPU time of this process, the best of three."""
    rounds = 1 if quick else 3
    transitions = 500 if quick else 50_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = [_record(folder / f"{program}.db", program, transitions) for program in ("one", "two", "three")]
        yield from _listing(folder, 3 if quick else _LISTED, rounds)
        yield from _merging(folder, sources, rounds)
        yield from _exporting(folder, sources[0], rounds)
        yield from _searching(sources[0], rounds)


def _record(path: Path, program: str, transitions: int) -> Path:
    from am_telemetry.store.session_file import SessionFile
    from am_telemetry.store.writer import Writer
    from tests.support.recordings import START_NS, batches, process

    fact = replace(process(), session=program.encode().hex().ljust(32, "0"), name=program)
    with SessionFile.create(path) as session, Writer(session) as writer:
        writer.open_session(fact, START_NS)
        writer.write_all(fact.session, batches(6, transitions, len(program)))
        writer.close_session(fact.session, START_NS + 10**12, "closed")
    return path


def _listing(folder: Path, count: int, rounds: int) -> Iterator[Row]:
    from am_telemetry.store.folder import summaries

    listed = folder / "listed"
    listed.mkdir()
    content = _record(folder / "small.db", "small", 500).read_bytes()
    for number in range(count):
        (listed / f"{number}.db").write_bytes(content)
    seconds, _ = _best(rounds, lambda: summaries(listed))
    yield Row(f"listing {count} sessions", duration(seconds))


def _merging(folder: Path, sources: list[Path], rounds: int) -> Iterator[Row]:
    from am_telemetry.store.merging import merge

    seconds, done = _best(rounds, lambda: merge(sources, folder / "merged.db", replace=True))
    yield _row(f"merging {done.sessions} sessions with log lines", seconds, done.transitions)


def _exporting(folder: Path, source: Path, rounds: int) -> Iterator[Row]:
    from am_telemetry.formats.json_lines import encode
    from am_telemetry.formats.json_lines_reader import JsonLines
    from am_telemetry.store.assembling import assemble
    from am_telemetry.store.rereading import Rereading
    from am_telemetry.store.scope import Scope
    from am_telemetry.store.session_file import SessionFile

    with SessionFile.open(source) as session:

        def export() -> bytes:
            with contextlib.closing(Rereading(session, Scope())) as rereading:
                return "".join(encode(rereading.pieces())).encode()

        seconds, content = _best(rounds, export)
        count = session.totals().transitions
    yield _row("exporting JSON lines with log lines", seconds, count)

    def load() -> object:
        return assemble(folder / "imported.db", JsonLines(io.BytesIO(content)).pieces(), replace=True)

    seconds, _ = _best(rounds, load)
    yield _row("importing them again", seconds, count)


def _searching(source: Path, rounds: int) -> Iterator[Row]:
    from am_telemetry.store.search import SearchIndex
    from am_telemetry.store.search_file import forget

    def build() -> int:
        forget(source)
        with SearchIndex(source) as index:
            index.catch_up()
            return index.progress()[0]

    seconds, count = _best(rounds, build)
    yield _row("indexing the words of a session", seconds, count)
    with SearchIndex(source) as index:
        seconds, hits = _best(rounds, lambda: index.ids("received order 47"))
    yield Row(f"finding {len(hits):,} transitions by words", duration(seconds))


def _best(rounds: int, action: Callable[[], _T]) -> tuple[float, _T]:
    times = []
    for _ in range(rounds):
        began = time.process_time()
        result = action()
        times.append(time.process_time() - began)
    return min(times), result


def _row(what: str, seconds: float, count: int) -> Row:
    return Row(f"{what}, {count:,} transitions", f"{duration(seconds)} ({rate(count / seconds)})")
