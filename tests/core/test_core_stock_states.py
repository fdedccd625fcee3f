"""Ready-made states: what their relations allow, and how the disposal states end a machine."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest
from engine_setups import PATIENT, until

from am_core import Context, Event, InvalidArgs, Machine
from am_core.states import (
    DISPOSAL_HANDLER,
    BasicStates,
    ConnectedStates,
    ConnectingError,
    ConnPoolStates,
    DisposedHandlers,
    DisposedStates,
    add_err_connecting,
    dispose,
    dispose_bind,
)


class PoolStates(BasicStates, ConnPoolStates):
    """A pool of connections."""


class ClientStates(BasicStates, ConnectedStates):
    """One connection."""


class ServiceStates(BasicStates, DisposedStates):
    """Something to clean up."""


def service(handlers: object | None = None) -> Machine:
    """A started machine that cleans up."""
    machine = Machine.create(ServiceStates, [handlers or DisposedHandlers()], handler_timeout=PATIENT)
    machine.add("Start")
    return machine


def test_stock_states_have_the_order_of_their_definition() -> None:
    """With the error first."""
    assert ConnPoolStates.names == (
        "Exception", "ErrConnecting", "Disconnected", "Connecting", "Connected", "ConnectedFully", "Disconnecting",
    )  # fmt: skip
    assert ConnPoolStates.groups == {"Connected": ("Connected", "Disconnected")}
    assert DisposedStates.names == ("Exception", "RegisterDisposal", "Disposing", "Disposed")


def test_a_pool_connects_one_by_one() -> None:
    """Disconnected has to end first; connecting goes on beside the first connections; the full pool needs one."""
    pool = Machine(PoolStates, handler_timeout=PATIENT)
    assert pool.add("Connecting").canceled
    pool.add(["Start", "Disconnected"])
    assert pool.add("ConnectedFully").canceled
    assert pool.add("Connecting").canceled
    pool.remove("Disconnected")
    pool.add("Connecting")
    pool.add("Connected")
    assert pool.is_(["Connecting", "Connected"])
    assert pool.not_("Disconnected")
    pool.add("ConnectedFully")
    assert pool.is_(["Connected", "ConnectedFully"])


def test_a_pool_that_loses_all_connections_is_disconnected() -> None:
    """Losing some only ends being fully connected; an ordered end passes through Disconnecting."""
    pool = Machine(PoolStates, handler_timeout=PATIENT)
    pool.add("Start")
    pool.add(["Connected", "ConnectedFully"])
    pool.remove("ConnectedFully")
    assert pool.is_("Connected")
    pool.add("ConnectedFully")
    pool.add("Disconnecting")
    assert not pool.any1("Connected", "ConnectedFully", "Connecting")
    pool.add("Disconnected")
    assert pool.is_("Disconnected")
    assert pool.not_("Disconnecting")
    pool.add("Connected")
    pool.remove("Start")
    assert pool.not_("Connected")


def test_errors_of_connecting_keep_their_cause() -> None:
    """Nothing and cancellations are no errors."""
    client = Machine(ClientStates, handler_timeout=PATIENT)
    client.add("Start")
    seen: list[Any] = []
    client.bind({"ErrConnectingState": lambda e: seen.append((e.args["host"], e.args["err"]))})
    refused = ConnectionRefusedError("port 1")
    assert add_err_connecting(client, refused, {"host": "example"})
    assert client.is_(["ErrConnecting", "Exception"])
    assert [(host, str(error)) for host, error in seen] == [("example", "error connecting: port 1")]
    error = client.err()
    assert isinstance(error, ConnectingError)
    assert error.__cause__ is refused
    client.remove("Exception")
    assert client.not_("ErrConnecting")
    assert add_err_connecting(client, None).canceled
    assert add_err_connecting(client, CancelledError()).canceled
    assert client.not_("Exception")


def test_disposing_calls_what_was_registered_and_ends_the_machine() -> None:
    """In the order of registration, one at a time, with nothing started any more."""
    machine = service()
    calls: list[object] = []

    def first(m: Machine, _: Context) -> None:
        calls.append(("first", m is machine, m.is_("Disposing"), m.is_("Start"), threading.current_thread().daemon))

    assert dispose_bind(machine, first).executed
    assert machine.add("RegisterDisposal", {DISPOSAL_HANDLER: lambda m, ctx: calls.append("second")}).executed
    assert dispose(machine).executed
    assert machine.wait_disposed(10)
    assert calls == [("first", True, True, False, True), "second"]


def test_an_active_error_does_not_stop_disposal() -> None:
    """Disposing removes it."""
    machine = service()
    machine.add_err(ValueError("broken"))
    assert machine.add("Disposing").executed
    assert machine.wait_disposed(10)


def test_a_failing_disposal_does_not_stop_the_others() -> None:
    """Its error is kept."""
    machine = service()
    calls: list[str] = []

    def fails(m: Machine, _: Context) -> None:
        raise OSError("disk is gone")

    dispose_bind(machine, fails)
    dispose_bind(machine, lambda m, ctx: calls.append("other"))
    dispose(machine)
    assert machine.wait_disposed(10)
    assert calls == ["other"]
    assert ["disk is gone" in str(error) for error in machine.internal_errors] == [True]


def test_removing_disposing_stops_it_and_adding_it_again_goes_on() -> None:
    """The function that runs is not interrupted, and none is called twice."""
    machine = service()
    calls: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def slow(m: Machine, _: Context) -> None:
        calls.append("slow")
        inside.set()
        assert leave.wait(10)

    dispose_bind(machine, slow)
    dispose_bind(machine, lambda m, ctx: calls.append("later"))
    dispose(machine)
    assert inside.wait(10)
    cleaning = [thread for thread in threading.enumerate() if thread.name == f"am-disposing-{machine.id}"]
    machine.remove("Disposing")
    leave.set()
    cleaning[0].join(10)
    assert (calls, machine.disposing, machine.is_("Disposed")) == (["slow"], False, False)
    dispose(machine)
    assert machine.wait_disposed(10)
    assert calls == ["slow", "later"]


def test_disposals_may_register_more() -> None:
    """They are called too."""
    machine = service()
    calls: list[str] = []
    dispose_bind(machine, lambda m, ctx: dispose_bind(m, lambda m, ctx: calls.append("inner")))
    dispose(machine)
    assert machine.wait_disposed(10)
    assert calls == ["inner"]


@pytest.mark.parametrize("args", [{}, {DISPOSAL_HANDLER: "close"}])
def test_registering_needs_a_function(args: dict[str, Any]) -> None:
    """Anything else is an error, but a question about it is not."""
    machine = service()
    assert machine.can_add("RegisterDisposal", args).canceled
    assert not machine.is_err()
    assert machine.add("RegisterDisposal", args).canceled
    assert isinstance(machine.err(), InvalidArgs)
    assert machine.is_err()
    assert machine.can_add("RegisterDisposal", {DISPOSAL_HANDLER: print}).executed


def test_one_handlers_object_serves_several_machines() -> None:
    """Each machine has what was registered with it; a class with the base needs no constructor of it."""

    class Handlers(DisposedHandlers):
        def __init__(self) -> None:
            self.started = 0

        def StartState(self, e: Event) -> None:
            self.started += 1

    shared = Handlers()
    one, two = service(shared), service(shared)
    calls: list[str] = []
    dispose_bind(one, lambda m, ctx: calls.append("one"))
    dispose_bind(two, lambda m, ctx: calls.append("two"))
    dispose(two)
    assert two.wait_disposed(10)
    assert (calls, one.is_("Start"), shared.started) == (["two"], True, 2)
    dispose(one)
    assert one.wait_disposed(10)


@pytest.mark.parametrize("schema", [BasicStates, ServiceStates])
def test_machines_without_disposal_handlers_are_disposed_directly(schema: type[BasicStates]) -> None:
    """States alone would not clean up anything."""
    machine = Machine(schema, handler_timeout=PATIENT)
    calls: list[str] = []
    assert dispose_bind(machine, lambda m, ctx: calls.append("end")).executed
    assert dispose(machine).executed
    until(lambda: machine.disposed)
    assert machine.wait_disposed(10)
    assert calls == ["end"]


def test_disposal_can_be_asked_for_in_a_handler() -> None:
    """The machine ends after its queue."""

    class Handlers(DisposedHandlers):
        def ReadyState(self, e: Event) -> None:
            dispose(e.machine)

    machine = service(Handlers())
    machine.add("Ready")
    assert machine.wait_disposed(10)


def test_handlers_can_refuse_the_end() -> None:
    """Then the machine goes on."""
    machine = service()
    machine.bind({"DisposingEnter": lambda e: False})
    assert dispose(machine).canceled
    assert machine.is_("Start")
