"""A sink that keeps everything in memory, commits on a thread of its own, and can be slow, stuck or forgetful.

Run as a program (``memory_sink.py PORT [JOURNAL]``) it is a hub: it collects on a port and answers every line on
standard input with a summary. With a journal it survives being killed.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from am_telemetry.batch import Batch
from am_telemetry.facts import GapFact, MachineFact, OmissionFact, PatternFact, ProcessFact, RunningFact


class MemorySink:
    """Implements the Sink protocol."""

    def __init__(self, journal: Path | None = None) -> None:
        self._journal = journal
        self.processes: dict[str, ProcessFact] = {}
        self.have: dict[str, int] = {}
        self.open: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.machines: dict[tuple[str, int], MachineFact] = {}
        self.rows: dict[tuple[str, int], list[int]] = {}
        """Sequences by (session, machine handle), as committed."""
        self.duplicates = 0
        self.facts: dict[tuple[str, int, int], PatternFact] = {}
        """By session, machine, sequence."""
        self.batches: list[Batch] = []
        self.gaps: list[GapFact] = []
        self.closed: list[str] = []
        self.logs: list[tuple[str, int, str]] = []
        self.late: list[tuple[str, int, int, str]] = []
        """Machine id, sequence, level and text of the lines after last transitions."""
        self.running: list[RunningFact] = []
        self.omissions: list[OmissionFact] = []
        self.runs: dict[tuple[str, int], list[tuple[str, int, int]]] = {}
        """By machine id and sequence."""
        self.go = threading.Event()
        self.go.set()
        self._patterns: dict[tuple[str, int], PatternFact] = {}
        self._texts: dict[tuple[str, int], str] = {}
        self._queue: queue.Queue[tuple[str, Batch, Callable[[int], None] | None] | None] = queue.Queue()
        self._load()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        return self._queue.unfinished_tasks

    @property
    def failure(self) -> Exception | None:
        return None

    def open_session(self, process: ProcessFact, at_ns: int) -> int:
        self.processes[process.session] = process
        self.open.add(process.session)
        self.reasons.pop(process.session, None)
        return self.have.setdefault(process.session, 0)

    def put(self, session: str, batch: Batch, committed: Callable[[int], None] | None = None) -> None:
        self._queue.put((session, batch, committed))

    def close_session(self, session: str, at_ns: int, reason: str) -> None:
        self._queue.join()
        self.open.discard(session)
        self.reasons[session] = reason

    def flush(self, timeout: float) -> bool:
        self._queue.join()
        return True

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            self.go.wait()
            session, batch, committed = entry
            if batch.last_seq > self.have[session]:
                self._store(session, batch)
                self._write(session, batch)
                self.have[session] = batch.last_seq
            if committed is not None:
                committed(batch.last_seq)
            self._queue.task_done()
        self._queue.task_done()

    def _store(self, session: str, batch: Batch) -> None:
        self.batches.append(batch)
        self._texts.update({(session, handle): text for handle, text in batch.texts})
        self._patterns.update({(session, entry.handle): entry.pattern for entry in batch.patterns})
        for handle, _, fact in batch.opened:
            self.machines.setdefault((session, handle), fact)
        columns = batch.transitions
        for machine, sequence, pattern in zip(columns.machine, columns.sequence, columns.pattern, strict=True):
            assert (session, machine) in self.machines
            self.duplicates += (session, machine, sequence) in self.facts
            self.facts[session, machine, sequence] = self._patterns[session, pattern]
            self.rows.setdefault((session, machine), []).append(sequence)
        for row, level, text in zip(batch.logs.row, batch.logs.level, batch.logs.text, strict=True):
            self.logs.append((self.machines[session, columns.machine[row]].id, level, self._texts[session, text]))
        late = batch.late
        for machine, sequence, level, text in zip(late.machine, late.sequence, late.level, late.text, strict=True):
            self.late.append((self.machines[session, machine].id, sequence, level, self._texts[session, text]))
        self.running += batch.running
        self.omissions += batch.omissions
        runs = batch.runs
        for row, name, offset, duration in zip(runs.row, runs.name, runs.offset_ns, runs.duration_ns, strict=True):
            key = (self.machines[session, columns.machine[row]].id, columns.sequence[row])
            self.runs.setdefault(key, []).append((name, offset, duration))
        self.gaps += batch.gaps
        self.closed += [self.machines[session, entry.machine].id for entry in batch.closed]

    def _write(self, session: str, batch: Batch) -> None:
        if self._journal is None:
            return
        columns = batch.transitions
        entry = {
            "session": session,
            "last_seq": batch.last_seq,
            "rows": list(zip(columns.machine, columns.sequence, strict=True)),
            "lost": sum(gap.lost for gap in batch.gaps),
        }
        with self._journal.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def _load(self) -> None:
        for entry in read_journal(self._journal):
            self.have[entry["session"]] = entry["last_seq"]

    def summary(self) -> dict[str, object]:
        """Counts that can be printed."""
        return {
            "machines": sorted(fact.id for fact in self.machines.values()),
            "transitions": sum(map(len, self.rows.values())),
            "duplicates": self.duplicates,
            "lost": sum(gap.lost for gap in self.gaps),
            "closed": sorted(self.closed),
            "open": len(self.open),
            "reasons": sorted(self.reasons.values()),
            "services": sorted(process.name for process in self.processes.values()),
        }


def read_journal(path: Path | None) -> list[dict[str, Any]]:
    """Entries of a journal; what was cut off by a kill is removed from the file."""
    if path is None or not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        path.write_text("".join(lines[:-1]))
        lines.pop()
    return [json.loads(line) for line in lines]


def main() -> None:
    from am_telemetry.receiving.collector import Collector

    sink = MemorySink(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    collector = Collector(sink, f"localhost:{sys.argv[1]}")
    collector.start()
    print(collector.port, flush=True)
    for line in sys.stdin:
        if line.strip() == "stop":
            break
        print(json.dumps({**sink.summary(), "have": sink.have}), flush=True)
    collector.stop()
    print(json.dumps(sink.summary()), flush=True)


if __name__ == "__main__":
    main()
