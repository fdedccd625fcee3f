"""States written as classes."""

from __future__ import annotations

from typing import Any

import pytest

from am_core import Machine, SchemaError, State, States
from am_core.states import BasicStates, ConnectedStates


class FileStates(BasicStates):
    """A download that is processed."""

    Downloading = State(remove=["Downloaded"])
    Downloaded = State(remove=[Downloading])
    Processing = State(auto=True, require=[Downloaded])
    Ready = BasicStates.Ready.extend(require=["Downloaded"])

    class Groups:
        """Named sets of states."""

        Download = ["Downloading", "Downloaded"]


def test_attributes_are_names_with_a_definition() -> None:
    """Inherited states come first, overrides keep their place."""
    assert FileStates.Downloaded == "Downloaded"
    assert FileStates.schema["Downloaded"].remove == ("Downloading",)
    name: Any = FileStates.Downloaded
    assert name.state == FileStates.schema["Downloaded"]
    assert FileStates.names == (
        "Exception", "ErrNetwork", "ErrHandlerTimeout", "Start", "Ready", "Healthcheck", "Heartbeat", "Downloading",
        "Downloaded", "Processing",
    )  # fmt: skip
    assert FileStates.schema["Ready"].require == ("Start", "Downloaded")
    assert FileStates.groups == {"Download": ("Downloading", "Downloaded")}
    assert BasicStates.schema["Ready"].require == ("Start",)


def test_machines_take_the_order_of_the_class() -> None:
    """It counts as verified."""

    class Handlers:
        def __init__(self) -> None:
            self.calls: list[str] = []

        def DownloadedState(self, e: object) -> None:
            self.calls.append("downloaded")

    handlers = Handlers()
    machine = Machine.create(FileStates, [handlers], handler_timeout=60)
    assert machine.states == FileStates.names
    assert machine.states_verified
    machine.add(FileStates.Downloading)
    machine.add([FileStates.Downloaded])
    assert machine.is_(FileStates.Processing)
    assert handlers.calls == ["downloaded"]


def test_the_nearest_definition_counts_in_a_diamond() -> None:
    """A base that only inherits a state does not undo another base's override."""

    class Root(States):
        X = State()

    class Left(Root):
        L = State()

    class Right(Root):
        X = State(multi=True)

    class Both(Left, Right):
        """Inherits from both."""

    assert Both.schema["X"].multi


def test_foreign_states_are_refused() -> None:
    """A definition that is no attribute has no name."""
    with pytest.raises(SchemaError, match="not one of its attributes"):
        type("Bad", (States,), {"A": State(require=[State()])})


def test_a_connection_has_one_state_at_a_time() -> None:
    """Together with basic states."""

    class Client(BasicStates, ConnectedStates):
        """Connects."""

    machine = Machine(Client, handler_timeout=60)
    machine.add("Start")
    assert machine.is_("Disconnected")
    machine.add("Connecting")
    machine.add("Connected")
    assert machine.is_("Connected")
    assert not machine.any1("Connecting", "Disconnecting", "Disconnected")
    machine.remove("Start")
    assert machine.is_("Disconnected")


def test_the_state_of_errors_has_a_name_like_all_others() -> None:
    """It need not be written as text, and subclasses may define it anew."""

    class Stubborn(BasicStates):
        Working = State(remove=[BasicStates.Exception])
        Exception = State(multi=True, tags=["mine"])

    name: Any = BasicStates.Exception
    assert (name, States.Exception) == ("Exception", "Exception")
    assert name.state == State(multi=True)
    assert Stubborn.schema["Exception"].tags == ("mine",)
    assert Stubborn.schema["Working"].remove == ("Exception",)
    assert BasicStates.schema["Exception"] == State(multi=True)
    machine = Machine.create(Stubborn)
    machine.add_err(OSError("disk full"))
    assert machine.is_(Stubborn.Exception)
