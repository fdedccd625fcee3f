"""Read files, count their words, write a report: each step starts when it can, and each failure stops what it concerns.

Every file has a machine of its own, a child of the batch. Work is done on background threads that are bound to the
state they work for. Nothing waits in a handler, and nobody has to ask afterwards which step a file has reached.

Run ``am-dbg`` in one terminal and ``AM_DBG_ADDR=1 python examples/file_processing.py`` in another: files stand below
the batch. J leads to an error of the batch, and C from there to the file that failed.
"""

import tempfile
from pathlib import Path

import am_telemetry
from am_core import Event, ExceptionHandler, Machine, State, States, all_of, any_of, on, pipes
from am_core.states import BasicStates

am_telemetry.init()


class FileStates(BasicStates):
    """From a path to a number of words. An error ends whatever step it occurs in."""

    Reading = State(require=[BasicStates.Start], remove=["Read", "Exception"])
    Read = State(remove=[Reading])
    Counting = State(auto=True, require=[BasicStates.Start, Read], remove=["Counted"])
    Counted = State(remove=[Counting, Read])
    Exception = State(multi=True, remove=[Reading, Counting])


class FileHandlers(ExceptionHandler):
    """What is done in each step."""

    @on.state(FileStates.Reading)
    def read(self, e: Event) -> None:
        e.machine.fork(self.do_read, e, e.args["path"], ctx=e.machine.state_ctx(FileStates.Reading))

    def do_read(self, e: Event, path: Path) -> None:
        """In the background. What this raises becomes the machine's Exception."""
        e.machine.add(FileStates.Read, text=path.read_text(encoding="utf-8"))

    @on.enter(FileStates.Read)
    def has_text(self, e: Event) -> bool:
        return isinstance(e.args.get("text"), str)

    @on.state(FileStates.Read)
    def keep(self, e: Event) -> None:
        self.text: str = e.args["text"]

    @on.state(FileStates.Counting)
    def count(self, e: Event) -> None:
        e.machine.fork(self.do_count, e, ctx=e.machine.state_ctx(FileStates.Counting))

    def do_count(self, e: Event) -> None:
        """In the background."""
        e.machine.add(FileStates.Counted, words=len(self.text.split()))

    @on.state(FileStates.Counted)
    def done(self, e: Event) -> None:
        self.words: int = e.args["words"]


class BatchStates(States):
    """The whole."""

    Start = State()
    ErrFile = State(multi=True, require=["Exception"])


def process(paths: list[Path]) -> list[str]:
    """Process files at the same time; returns a line for each."""
    batch = Machine.create(BatchStates, id="batch")
    batch.add(BatchStates.Start)
    files: dict[Path, tuple[Machine, FileHandlers]] = {}
    for path in paths:
        handlers = FileHandlers()
        machine = Machine.create(FileStates, [handlers], id=path.name, parent=batch)
        pipes.bind(batch, machine, BatchStates.Start)
        pipes.bind_err(machine, batch, BatchStates.ErrFile)
        machine.add([FileStates.Start, FileStates.Reading], path=path)
        files[path] = (machine, handlers)
    ended = all_of(*(any_of(m.when(FileStates.Counted), m.when_err()) for m, _ in files.values()))
    if not ended.wait(30):
        raise SystemExit("some file got stuck: " + ", ".join(map(repr, (m for m, _ in files.values()))))
    lines = [
        f"{path.name}: {type(machine.err()).__name__}" if machine.is_err() else f"{path.name}: {handlers.words} words"
        for path, (machine, handlers) in files.items()
    ]
    batch.when_queue_ends().wait(5)
    lines.append(f"errors seen by the batch: {(batch.tick(BatchStates.ErrFile) + 1) // 2}")
    return lines


def main() -> list[str]:
    """Process three files, one of which is no text and one of which is missing; returns the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "poem.txt").write_text("the owl and the pussycat went to sea", encoding="utf-8")
        (folder / "image.txt").write_bytes(b"\xff\xfe\x00")
        lines = process([folder / "poem.txt", folder / "image.txt", folder / "gone.txt"])
    print("\n".join(lines))
    return lines


if __name__ == "__main__":
    main()
