"""Machines of two other packages, watched with the same line: ``transitions`` and ``python-statemachine``.

Neither package knows of telemetry, and neither machine has a line for it. An order is paid for by a machine of
``python-statemachine``; its parcels are models of one machine of ``transitions``. The debugger shows each model as a
machine, what refused an event, and which event was sent because of which.

Install the packages (``pip install transitions python-statemachine``), run ``am-dbg`` in one terminal and
``AM_DBG_ADDR=1 python examples/transitions_traced.py`` in another to watch it.
"""

from collections.abc import Callable

from statemachine import State, StateMachine
from transitions import Machine
from transitions.extensions import HierarchicalMachine

import am_telemetry

am_telemetry.init()


class Payment(StateMachine):
    """Asks for money until it gets it."""

    due = State(initial=True)
    paid = State(final=True)
    pay = due.to(paid, cond="enough")

    def enough(self, amount: int = 0) -> bool:
        return amount >= 20

    def on_enter_paid(self) -> None:
        order.ship()


class Parcel:
    """One of several models of one machine, which adds what is only declared here."""

    state: str
    send: Callable[[], bool]
    lose: Callable[[], bool]

    def __init__(self, name: str) -> None:
        self.name = name
        self.weight = 3

    def is_light(self) -> bool:
        return self.weight < 5

    def on_enter_lost(self) -> None:
        raise RuntimeError(f"nobody has seen the {self.name} parcel")


def send_parcels() -> None:
    """Called when the order is shipped."""
    for parcel in parcels:
        parcel.send()


order = HierarchicalMachine(
    name="order",
    states=["new", {"name": "shipped", "children": ["waiting", "received"], "initial": "waiting"}],
    initial="new",
    transitions=[["ship", "new", "shipped"], ["receive", "shipped_waiting", "shipped_received"]],
    auto_transitions=False,
)
order.on_enter("shipped_waiting", send_parcels)

parcels = [Parcel("left"), Parcel("right")]
Machine(
    parcels,
    states=["packed", "sent", "lost"],
    initial="packed",
    transitions=[
        {"trigger": "send", "source": "packed", "dest": "sent", "conditions": "is_light"},
        {"trigger": "lose", "source": "*", "dest": "lost"},
    ],
)


def main() -> list[str]:
    """Order, pay and send; returns the states that are reached."""
    left, right = parcels
    right.weight = 10
    payment = Payment()
    try:
        payment.pay(amount=5)
    except Payment.TransitionNotAllowed as error:
        print(f"refused: {error}")
    payment.pay(amount=25)
    try:
        left.lose()
    except RuntimeError as error:
        print(f"failed: {error}")
    order.receive()
    reached = [order.state, left.state, right.state, *payment.configuration_values]
    print(", ".join(reached))
    return reached


if __name__ == "__main__":
    main()
