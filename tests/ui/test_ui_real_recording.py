"""What every pane shows of a real recording, against what its messages say when one simply counts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from am_dbg.commands.import_ import import_recording
from am_dbg.session import Session
from am_dbg.viewmodels import machines, matrix, matrix_lines, rain, rain_lines, transition_line, tree
from am_dbg.viewmodels.address import line as address_line
from am_dbg.viewmodels.log import LogModel
from am_dbg.viewmodels.spans import Line
from am_dbg.viewmodels.strip import build as build_strip
from am_telemetry.store.session_file import SessionFile
from tests.support.expected_panes import at, drop, expected_row, expected_tree, natural, time_of_day
from tests.support.raw_recording import RawMachine, RawTransition, read
from tests.ui.conftest import Screen

NAME = "am-dbg-sim.gob.br"
LOOKED_AT = ("sim", "ps-2", "sim-p11", "sim-p28", "ps-7-disc")
"""One with refusals, one of many states, one with automatic transitions, one recorded late, one refused."""
CURSORS = 10
WIDE = 400


@pytest.fixture(scope="module")
def source() -> Path:
    project = Path(__file__).resolve().parents[2]
    path = Path(os.environ.get("AM_DBG_RECORDING") or project.parent / "shared" / "recordings" / NAME)
    if not path.is_file():
        pytest.skip(f"{NAME} is not at hand; set AM_DBG_RECORDING to its path")
    return path


@pytest.fixture(scope="module")
def raw(source: Path) -> dict[str, RawMachine]:
    return read(source)


@pytest.fixture(scope="module")
def recording(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionFile]:
    target = tmp_path_factory.mktemp("real") / "sim.db"
    import_recording(source, target, lambda _done, _total: None)
    with SessionFile.open(target) as session:
        yield session


@pytest.fixture(params=LOOKED_AT)
def looked_at(request: pytest.FixtureRequest, raw: dict[str, RawMachine]) -> RawMachine:
    return raw[request.param]


def looking_at(recording: SessionFile, name: str, *, everything: bool = True) -> Session:
    """A session with a machine selected; by default nothing is filtered."""
    session = Session(recording)
    if everything:
        session.clear_filters()
    session.select_machine(next(listed.machine_id for listed in session.order if listed.label == name))
    return session


def cursors(machine: RawMachine) -> list[int]:
    """The ends, the first refused one, the first automatic one, the first with earlier lines, and some in between."""
    numbered = list(enumerate(machine.transitions, 1))
    special = [
        next((n for n, transition in numbered if found(transition)), 1)
        for found in (lambda t: not t.accepted, lambda t: t.auto, lambda t: t.earlier, lambda t: t.ticks > 1)
    ]
    step = max(1, len(numbered) // (CURSORS - 4))
    return sorted({0, 1, len(numbered), *special, *range(step, len(numbered), step)})


def text(line: Line) -> str:
    return "".join(span.text for span in line)


def test_the_machine_list_counts_every_machine_up_to_the_moment(
    recording: SessionFile, raw: dict[str, RawMachine], looked_at: RawMachine
) -> None:
    """Order, connection, flags and counters of all 107 rows, and the sum of machine times in the title."""
    session = looking_at(recording, looked_at.name)
    order = sorted(raw, key=natural)
    for number in cursors(looked_at):
        session.go_to_number(number)
        moment = looked_at.transitions[number - 1].at_ns if number else looked_at.transitions[0].at_ns - 1
        positions = {name: machine.until(moment) for name, machine in raw.items()}
        positions[looked_at.name] = number
        rows = [text(row.line).split() for row in machines.rows(session, 0, 1_000, 100)]
        assert rows == [expected_row(raw[name], positions[name], name == looked_at.name) for name in order]
        total = sum(sum(machine.clock(positions[name]).values()) for name, machine in raw.items())
        assert text(machines.title(session)) == f"Machines {len(raw)} · T {total:,}"


def test_the_schema_has_names_ticks_properties_and_signs(recording: SessionFile, looked_at: RawMachine) -> None:
    """In index order, with all relations opened; called states are underlined."""
    session = looking_at(recording, looked_at.name)
    session.toggle_all_nodes()
    for number in cursors(looked_at):
        session.go_to_number(number)
        transition = at(looked_at, number)
        rows = tree.rows(session, 0, 1_000, 120)
        assert [text(row.line).split() for row in rows] == expected_tree(looked_at, number)
        states = [row for row in rows if row.node.kind == "state"]
        underlined = {row.node.state for row in states if any(span.underline for span in row.line)}
        assert underlined == set(transition.called if transition else ())
        queue = f" · Q {transition.queue}" if transition else ""
        assert text(tree.title(session)) == f"Schema {len(looked_at.states)}{queue}"


@pytest.mark.parametrize("level", [2, 3])
def test_the_log_has_the_lines_of_the_transition(recording: SessionFile, looked_at: RawMachine, level: int) -> None:
    """Those up to the level, as they were written and in their order; the first physical line of each.

    Levels are counted from 0 for nothing; the recording has none for what comes from outside, so its numbers are one
    less.
    """
    session = looking_at(recording, looked_at.name)
    session.set_log_level(level)
    model = LogModel(session)
    for number in cursors(looked_at)[1:]:
        session.go_to_number(number)
        transition = looked_at.transitions[number - 1]
        model.follow(200)
        shown = [row for row in model.rows(200) if row.current and row.entry >= 0]
        lines = [text(row.line[row.lead :]) for row in shown]
        recorded = [entry for recorded, entry in (*transition.earlier, *transition.lines) if recorded + 1 <= level]
        assert lines == [entry.strip("\n").split("\n")[0] for entry in recorded]
        assert text(model.title()).endswith(f"· t{sum(transition.after.values()):,}")


def test_the_matrix_sums_up_the_steps(recording: SessionFile, looked_at: RawMachine) -> None:
    """Cells by target and source; each state with what it was before and after, and the ticks it gained."""
    session = looking_at(recording, looked_at.name)
    session.toggle_untouched()
    assert matrix.build(at_number(session, 0)) is None
    for number in cursors(looked_at)[1:]:
        transition = looked_at.transitions[number - 1]
        built = matrix.build(at_number(session, number))
        assert built is not None
        names = looked_at.states
        cells = {(names[target], names[source]): cell.value for (target, source), cell in built.cells.items()}
        assert cells == transition.matrix()
        assert [entry.name for entry in built.entries] == list(names)
        for entry in built.entries:
            before, after = transition.before[entry.name], transition.after[entry.name]
            assert (entry.before, entry.after, entry.delta) == (before % 2 == 1, after % 2 == 1, after - before)
            assert entry.called == (entry.name in transition.called)
        machine_time = sum(transition.after.values())
        assert text(matrix_lines.title(session)) == f"Matrix {transition.ticks:+d}t · t{machine_time:,}"


def at_number(session: Session, number: int) -> Session:
    session.go_to_number(number)
    return session


def test_the_rain_has_a_sign_for_every_state_in_every_transition(recording: SessionFile, looked_at: RawMachine) -> None:
    """All rows of the machine, not only those at some cursors."""
    session = looking_at(recording, looked_at.name)
    session.toggle_untouched()
    model = rain.RainModel(session)
    columns = model.columns()
    assert [looked_at.states[column] for column in columns] == list(looked_at.states)
    beginning, *rows = model.rows(0, model.length, columns)
    assert "".join(cell.drop for cell in beginning.cells) == "".join(
        "1" if name in looked_at.active(0) else "." for name in looked_at.states
    )
    assert [row.number for row in rows] == list(range(1, len(looked_at.transitions) + 1))
    for row, transition in zip(rows, looked_at.transitions, strict=True):
        assert "".join(cell.drop for cell in row.cells) == "".join(drop(transition, s) for s in looked_at.states)
        assert {looked_at.states[c] for c, cell in zip(columns, row.cells, strict=True) if cell.called} == set(
            transition.called
        )
        assert row.canceled == (not transition.accepted)
    session.go_to_number(1)
    first = looked_at.transitions[0]
    assert text(rain_lines.title(session)) == f"Rain {first.ticks:+d}t · t{sum(first.after.values()):,}"


def check_bar(shown: str, transition: RawTransition, after: str) -> None:
    """All parts of the line behind a beginning; of a refusal only that there is one."""
    what = f"{transition.ticks:+d}t  {transition.mutation} {' '.join(transition.called)}"
    labels = "  auto" if transition.auto else ""
    changes = f"+{len(transition.added)} −{len(transition.removed)} ~{len(transition.touched)}"
    refused = "" if transition.accepted else r"  ✕ \S.*\S"
    pattern = rf"{re.escape(after + what + labels)}{refused}  {re.escape(changes)} +{time_of_day(transition.at_ns)}"
    assert re.fullmatch(pattern, shown), (shown, pattern)


def test_the_lines_of_the_current_and_the_next_transition(recording: SessionFile, looked_at: RawMachine) -> None:
    """Mode, position, ticks, mutation, called states, automatic, refused, counts and the time to the nanosecond."""
    session = looking_at(recording, looked_at.name)
    count = len(looked_at.transitions)
    for number in cursors(looked_at):
        session.go_to_number(number)
        bar = text(transition_line.current(session, WIDE))
        if number:
            check_bar(bar, looked_at.transitions[number - 1], f"‖ Paused  #{number}/{count}  ")
        else:
            assert bar == f"‖ Paused  #0/{count}  before the first transition: the initial structure"
        following = text(transition_line.next_(session, WIDE))
        if number < count:
            check_bar(following, looked_at.transitions[number], f"next #{number + 1}  ")
        else:
            assert following == "next no later transition"
        address = text(address_line(session, WIDE))
        assert f" mach://{looked_at.name}/#{number} " in address
        assert "○ disconnected" in address


def test_filters_hide_what_has_no_effect_from_moves_positions_and_the_strip(
    recording: SessionFile, looked_at: RawMachine
) -> None:
    """With the default filters: each move stops where a list says, and the strip covers the same transitions."""
    session = looking_at(recording, looked_at.name, everything=False)
    visible, count = looked_at.visible(), len(looked_at.transitions)
    assert list(session.visible) == visible
    session.first()
    walked = []
    for rank, number in enumerate(visible, 1):
        session.next()
        walked.append(session.number)
        position = f"#{number}/{count}" + (f" ({rank}/{len(visible)} visible)" if len(visible) < count else "")
        assert position in text(transition_line.current(session, WIDE))
    assert walked == visible
    strip = build_strip(session, 60)
    assert [n for cell in strip.cells for n in visible if cell.first <= n <= cell.last] == visible
    marked = [n for n in visible if not looked_at.transitions[n - 1].accepted]
    assert {strip.cell_of(n) for n in marked} == {
        place for place, cell in enumerate(strip.cells) if cell.mark == "canceled"
    }


def row_of(shown: str, name: str) -> str:
    """What stands behind a machine's name in its row of the screen; empty when it is not in the window."""
    found = re.search(rf"○ {re.escape(name)} +([^┃│█]*)", shown)
    return found[1] if found else ""


async def test_the_screen_shows_all_of_it_together(
    recording: SessionFile, raw: dict[str, RawMachine], screen: Screen
) -> None:
    """A refused transition of the simulation, gone to with keys, in all panes; then its rain and its matrix."""
    machine = raw["sim"]
    number = next(n for n in machine.visible() if n > 90 and not machine.transitions[n - 1].accepted)
    transition = machine.transitions[number - 1]
    async with screen(recording, size=(160, 50), machine="sim") as user:
        user.press("@").type(f"#{number}").press("enter")
        await user.sees(f"mach://sim/#{number} ", f"#{number}/{len(machine.transitions)}")
        await user.settled()
        shown = user.terminal.text
        assert f"{transition.ticks:+d}t  {transition.mutation} {transition.called[0]}  ✕ canceled" in shown
        assert time_of_day(transition.at_ns)[:12] in shown
        assert f"Schema {len(machine.states)} · Q {transition.queue}" in shown
        for name, tick in transition.after.items():
            glyph = "●" if tick % 2 else "○"
            assert re.search(rf"{glyph} {name} [ AM✕]* {tick}│", shown), (name, tick)
        in_window = {name: row for name in raw if (row := row_of(shown, name))}
        assert len(in_window) > 30
        for name, row in in_window.items():
            until = number if name == "sim" else raw[name].until(transition.at_ns)
            assert row.split() == expected_row(raw[name], until, name == "sim")[2:]
        user.press("f8")
        await user.sees(f"Rain {transition.ticks:+d}t · t{sum(transition.after.values())}")
        await user.settled()
        ever = [name for name in machine.states if any(name in t.touched for t in machine.transitions)]
        for other in [n for n in machine.visible() if abs(n - number) < 12]:
            drops = " ".join(drop(machine.transitions[other - 1], name) for name in ever)
            assert f"{'▸' if other == number else ' '}{drops}  " in user.terminal.text, (other, drops)
        user.press("f7")
        await user.sees(f"Matrix {transition.ticks:+d}t · t{sum(transition.after.values())}")
        await user.settled()
        cells = transition.matrix()
        for target in {target for target, _ in cells}:
            total = sum(value for (row, _), value in cells.items() if row == target)
            assert re.search(rf"│ {target} +[●○] [^│]* {total} *│", user.terminal.text), (target, total)
