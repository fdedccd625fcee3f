"""What type checkers make of states. Checked by mypy and pyright, and run as a test.

Lines that have to be refused carry an ignore comment; both checkers complain about one that is not needed.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

import pytest

from am_core import AmError, Group, Machine, S, Schema, State, StateName
from am_core.states import BasicStates


class FileStates(BasicStates):
    Downloading = State(remove=["Downloaded"])
    Downloaded = State(remove=[Downloading])
    Processing = State(auto=True, require=[Downloaded], tags=["cpu"])
    Download = Group(Downloading, Downloaded)
    Ready = BasicStates.Ready.extend(require=[Downloaded])


def test_attributes_are_names() -> None:
    """An attribute is the name of the state, with its definition at hand."""
    assert_type(FileStates.Downloading, StateName)
    assert_type(FileStates.Start, StateName)
    assert_type(FileStates.Ready.state, State)
    as_text: str = FileStates.Processing
    assert as_text == "Processing"
    assert_type(FileStates.names, tuple[str, ...])
    assert_type(FileStates.schema, Schema)
    assert_type(FileStates.Download, S)
    assert_type(FileStates.schema["Downloaded"], State)


def test_machines_take_classes_and_raw_data() -> None:
    """Machines are made of a class or of raw data, and take names one by one or several at a time."""
    machine = Machine.create(FileStates)
    assert_type(machine, Machine)
    machine.add(FileStates.Downloading)
    machine.add([FileStates.Start, "Heartbeat"])
    machine.add(name for name in FileStates.Download)
    machine.set(FileStates.Download)
    assert_type(machine.is_(FileStates.Downloaded), bool)
    assert_type(FileStates.Downloaded in machine, bool)
    assert_type(machine.active, tuple[str, ...])
    assert_type(machine.tick(FileStates.Start), int)
    assert_type(machine.clock(), dict[str, int])
    Machine({"A": {"auto": True}, "B": State(add=["A"]), "C": None})


def test_mistyped_states_are_refused() -> None:
    """Misspelt and mistyped states are found before the program runs."""
    machine = Machine(FileStates)
    for wrong in (
        lambda: FileStates.Downloadng,  # type: ignore[attr-defined]  # misspelt
        lambda: machine.add(3),  # type: ignore[arg-type]  # a number is no state
        lambda: machine.add([3]),  # type: ignore[list-item]  # a number is no state
        lambda: machine.is_(None),  # type: ignore[arg-type]  # nothing is no state
        lambda: machine.when(FileStates.Start.state),  # type: ignore[arg-type]  # the definition instead of the name
        lambda: Machine(["A"]),  # type: ignore[arg-type]  # names without definitions
        lambda: Machine(FileStates()),  # type: ignore[arg-type]  # an instance instead of the class
        lambda: State(add="A", auto="yes"),  # type: ignore[arg-type]  # a text is no truth value
        lambda: State(requires=["A"]),  # type: ignore[call-arg]  # the relation is called require
        lambda: Machine({}, runner="loopy"),  # type: ignore[arg-type]  # there is no such runner
    ):
        with pytest.raises((AmError, TypeError, AttributeError)):
            wrong()
