"""Conditions, groups, loops, and what the environment asks for."""

from __future__ import annotations

import pytest
from engine_setups import machine_of, noted

from am_core import Event, LogLevel, Machine, UnknownStateError, helpers
from am_core.helpers import Cond, MachGroup, RunawayLoop, StateLoop


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Cond(), True),
        (Cond("A"), True),
        (Cond(["A", "B"]), True),
        (Cond(["A", "C"]), False),
        (Cond(any=[["C"], ["A", "B"]]), True),
        (Cond(any=[["C"], ["A", "D"]]), False),
        (Cond(any1=["C", "A"]), True),
        (Cond(any1=["C", "D"]), False),
        (Cond(not_=["C", "D"]), True),
        (Cond(not_="A"), False),
        (Cond(clock={"A": 1, "C": 0}), True),
        (Cond(clock={"A": 2}), False),
        (Cond("A", any=["B"], any1="A", not_="D", clock={"B": 1}), True),
        (Cond("A", any=["B"], any1="A", not_="B", clock={"B": 1}), False),
    ],
)
def test_conditions_hold_when_all_their_parts_do(condition: Cond, holds: bool) -> None:
    """Each part alone, and together."""
    machine = machine_of(active=["A", "B"])
    assert condition.check(machine) is holds
    assert condition.is_empty is (condition == Cond())


def test_conditions_fail_on_disposed_machines_and_wrong_names() -> None:
    """Even the empty one."""
    machine = machine_of()
    with pytest.raises(UnknownStateError):
        Cond(not_="Nope").check(machine)
    machine.dispose_force()
    assert not Cond().check(machine)


def test_a_group_is_what_all_of_its_machines_are() -> None:
    """A sequence besides."""
    first, second = machine_of(active=["A"]), machine_of(active=["A", "B"])
    group = MachGroup([first, second])
    assert group.is1("A")
    assert not group.is1("B")
    assert group.is_(["A"])
    assert not group.check(Cond("A", not_="B"))
    assert (len(group), group[1], list(group)) == (2, second, [first, second])
    assert MachGroup([]).is1("A")


LOOP = {"Start": {}, "Loop": {"require": ["Start"]}, "Tick": {"multi": True, "require": ["Loop"]}, "Other": {}}


def _loop(machine: Machine, **options: float) -> StateLoop:
    machine.add(["Start", "Loop"])
    return StateLoop(machine, "Loop", **options)  # type: ignore[arg-type]  # numbers for all


def test_a_loop_ends_with_its_state_its_context_its_check_or_a_break() -> None:
    """None of that is an error."""
    machine = machine_of(LOOP)
    assert StateLoop(machine, "Loop").ended
    loop = _loop(machine)
    assert loop.related == ("Loop", "Start", "Tick")
    assert loop.ok()
    machine.remove("Loop")
    machine.add("Loop")
    assert not loop.ok()
    assert loop.ended
    other = machine_of()
    ctx = other.state_ctx("A")
    loop = StateLoop(machine, "Loop")
    assert loop.ok(ctx)
    other.add("A")
    assert not loop.ok(ctx)
    assert not loop.ok()
    answers = [0, 1]
    loop = StateLoop(machine, "Loop", answers.pop)
    assert (loop.ok(), loop.ok(), loop.ok()) == (True, False, False)
    loop = StateLoop(machine, "Loop")
    loop.break_()
    assert not loop.ok()
    assert not machine.is_err()
    with pytest.raises(UnknownStateError):
        StateLoop(machine, "Nope")


def test_a_loop_is_stopped_when_its_states_run_away() -> None:
    """What had happened before does not count, nor what other states do."""
    machine = machine_of(LOOP)
    machine.add(["Start", "Loop"])
    for _ in range(60):
        machine.add("Tick")
    loop = _loop(machine, threshold=100, reset_interval=60)
    assert loop.sum > 100
    for _ in range(50):
        machine.add("Tick")
        machine.add("Other")
        machine.remove("Other")
        assert loop.ok()
    assert loop.growth == 100
    machine.add("Tick")
    assert not loop.ok()
    assert isinstance(machine.err(), RunawayLoop)
    assert loop.ended


def test_a_loop_forgets_the_intervals_before() -> None:
    """Slow growth goes on for ever."""
    machine = machine_of(LOOP)
    loop = _loop(machine, threshold=1, reset_interval=0)
    for _ in range(20):
        machine.add("Tick")
        assert loop.ok()
    assert loop.growth == 0


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without anything about debugging; changes are undone afterwards."""
    for name in (
        "AM_DEBUG", "AM_DBG_ADDR", "AM_LOG", "AM_LOG_FULL", "AM_LOG_PRINT", "AM_LOG_STEPS", "AM_LOG_ARGS",
        "AM_TEST_RUNNER", "AM_TEST_DEBUG", "AM_HEALTHCHECK",
    ):  # fmt: skip
        monkeypatch.setenv(name, "")
    return monkeypatch


def test_debugging_is_switched_on_by_the_environment(environment: pytest.MonkeyPatch) -> None:
    """For this process and its children."""
    environment.setenv("AM_HEALTHCHECK", "0")
    assert not any(
        (helpers.is_debug(), helpers.is_telemetry(), helpers.is_healthcheck(), helpers.is_test_runner(),
         helpers.is_test_debug())
    )  # fmt: skip
    assert helpers.env_log_level("changes") is LogLevel.CHANGES
    helpers.enable_debugging(stdout=True)
    assert helpers.is_debug()
    assert helpers.is_telemetry()
    assert helpers.env_log_level() is LogLevel.OPS
    helpers.set_env_log_level("decisions")
    assert helpers.env_log_level() is LogLevel.DECISIONS


def test_a_machine_tells_what_the_environment_asks_for(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing without a level."""
    machine = Machine({"A": {}}, id="talker")
    helpers.mach_debug_env(machine)
    assert (machine.log_level, machine.record_steps, machine.log_args) == (LogLevel.NOTHING, False, None)
    helpers.enable_debugging(stdout=True)
    helpers.mach_debug_env(machine)
    notes = noted(machine)
    machine.add("A", id=7)
    assert "[talke] [state] +A (id=7)" in capsys.readouterr().out
    assert notes.all[0].steps
    assert machine.handler_timeout == 600


def test_one_machine_can_be_made_to_tell(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the environment."""
    machine = Machine({"A": {}}, id="talker")
    helpers.mach_debug(machine, "changes", stdout=True)
    steps: list[int] = []
    machine.bind({"AState": lambda e: steps.append(_steps(e))})
    machine.add("A", name="x")
    assert capsys.readouterr().out == "[talke] [state] +A (name=x)\n"
    assert steps[0] > 0
    assert machine.handler_timeout == 0.1


def _steps(e: Event) -> int:
    return len(e.transition.steps)
