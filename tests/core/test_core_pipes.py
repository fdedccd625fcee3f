"""States of one machine that follow those of another."""

from __future__ import annotations

import pytest
from engine_setups import PLAIN, in_thread, machine_of, noted, until

from am_core import Event, MachineDisposed, UnknownStateError, pipes


def test_a_pipe_adds_and_removes() -> None:
    """With the source's arguments, and the source's transition as the cause."""
    source, target = machine_of(), machine_of()
    pipes.bind(source, target, "A", "B")
    causes, effects = noted(source), noted(target)
    source.add("A", x=1)
    assert target.string() == "(B:1)"
    source.remove("A")
    assert target.string() == "()"
    assert [tx.mutation.source.transition_id for tx in effects.all if tx.mutation.source] == [
        tx.id for tx in causes.all
    ]
    assert effects.all[0].args == {"x": 1}
    assert any(line.startswith("[pipe-out:add]") for line in causes.log)


def test_an_inactive_state_is_added_instead_of_removing() -> None:
    """When one is given."""
    source, target = machine_of(), machine_of({"Up": {"remove": ["Down"]}, "Down": {"remove": ["Up"]}})
    pipes.bind(source, target, "A", "Up", "Down")
    source.add("A")
    assert target.active == ("Up",)
    source.remove("A")
    assert target.active == ("Down",)


def test_targets_are_mutated_in_the_order_of_the_source_and_never_inside_it() -> None:
    """The whole queue of the source comes first."""
    source, target = machine_of(), machine_of()
    pipes.bind_many(source, target, ["A", "B"], ["C", "D"])
    inside: list[object] = []

    def nested(e: Event) -> None:
        e.machine.add("B")
        e.machine.remove("A")
        inside.append(target.active)

    source.bind({"AState": nested, "BState": lambda e: inside.append(target.active)})
    notes = noted(target)
    source.add("A")
    assert inside == [(), ()]
    assert [tx.mutation.text(target.states) for tx in notes.all] == ["[add] C", "[add] D", "[remove] C"]
    assert target.active == ("D",)


def test_machines_piped_in_a_circle_come_to_rest() -> None:
    """Each only changes once."""
    first, second = machine_of(), machine_of()
    pipes.bind(first, second, "A")
    pipes.bind(second, first, "A")
    first.add("A")
    assert first.is_("A")
    assert second.is_("A")
    second.remove("A")
    assert not first.is_("A")
    assert (first.tick("A"), second.tick("A")) == (2, 2)


def test_errors_are_piped_with_their_exception() -> None:
    """They stay when the source recovers."""
    source, target = machine_of(), machine_of({**PLAIN, "ErrSource": {"require": ["Exception"]}})
    pipes.bind_err(source, target, "ErrSource")
    error = ValueError("broken")
    source.add_err(error)
    assert target.is_(["ErrSource", "Exception"])
    assert target.err() is error
    source.remove("Exception")
    assert target.is_err()


def test_ready_and_start_have_their_own_pipes() -> None:
    """Under another name when wanted."""
    source = machine_of({"Start": {}, "Ready": {"require": ["Start"]}})
    target = machine_of({"SourceReady": {}, "Start": {}})
    pipes.bind_ready(source, target, "SourceReady")
    pipes.bind_start(source, target)
    source.add(["Start", "Ready"])
    assert target.is_(["SourceReady", "Start"])
    source.remove("Start")
    assert target.active == ()


def test_mistakes_are_told_when_binding() -> None:
    """Unknown states on either side, lists of different lengths."""
    source, target = machine_of(), machine_of({"X": {}})
    for state, active in (("Nope", "X"), ("A", "Nope"), ("A", "")):
        with pytest.raises(UnknownStateError):
            pipes.bind(source, target, state, active)
    with pytest.raises(UnknownStateError):
        pipes.bind_err(source, target, "Nope")
    with pytest.raises(ValueError, match="as many"):
        pipes.bind_many(source, target, ["A", "B"], ["X"])
    assert source.handlers() == []


def test_a_disposed_target_does_no_harm() -> None:
    """The source does not notice."""
    source, target = machine_of(), machine_of()
    pipes.bind(source, target, "A")
    pipes.bind_err(source, target)
    target.dispose_force()
    assert source.add("A").executed
    source.add_err(ValueError("x"))
    assert isinstance(target.err(), MachineDisposed)
    assert not source.internal_errors


def test_pipes_do_not_lose_anything_between_threads() -> None:
    """Two threads drive the source, the target ends up the same."""
    source, target = machine_of({"M": {"multi": True}}), machine_of({"M": {"multi": True}})
    pipes.bind(source, target, "M")
    threads = [in_thread(lambda: [source.add("M", n=n) for n in range(200)]) for _ in range(2)]
    for thread in threads:
        thread.join(20)
    until(lambda: target.tick("M") == source.tick("M") == 2 * 400 - 1)
