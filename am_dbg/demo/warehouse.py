"""The second demo process: packs and delivers the orders it reads as JSON lines from standard input."""

from __future__ import annotations

import argparse
import json
import queue
import random
from typing import Any

import am_telemetry
from am_core import Event, Machine, pipes
from am_dbg.demo.pace import Pace, follow_lines

Schema = dict[str, dict[str, Any]]

WAREHOUSE: Schema = {
    "Start": {},
    "StockLow": {},
    "Ready": {"auto": True, "require": ["Start"], "remove": ["Halted"]},
    "OrderArrived": {"multi": True, "require": ["Ready"]},
    "Halted": {"remove": ["Ready"], "tags": ["alert"]},
}

STOCK: Schema = {
    "Full": {"remove": ["Low", "Empty"]},
    "Low": {"remove": ["Full", "Empty", "Restocked"]},
    "Empty": {"remove": ["Full", "Low", "Taken"]},
    "Taken": {"multi": True},
    "Restocking": {"auto": True, "require": ["Low"], "remove": ["Restocked"]},
    "Restocked": {"remove": ["Restocking", "Low", "Empty"], "add": ["Full"]},
}

PACKER: Schema = {
    "ErrJam": {"require": ["Exception"]},
    "Idle": {"auto": True, "remove": ["Packing", "Labelled", "Packed"]},
    "Packing": {"remove": ["Idle", "Packed"]},
    "Labelled": {"require": ["Packing"]},
    "Packed": {"remove": ["Idle", "Packing"], "after": ["Labelled"]},
}

COURIER: Schema = {
    "Waiting": {"auto": True, "remove": ["Loading", "EnRoute"]},
    "Loading": {"remove": ["Waiting", "EnRoute"]},
    "EnRoute": {"require": ["HasParcels"], "remove": ["Waiting", "Loading"]},
    "HasParcels": {},
    "Parcel": {"multi": True, "add": ["HasParcels"]},
    "Delivered": {"multi": True, "remove": ["EnRoute", "HasParcels", "Parcel"]},
}


class StockHandlers:
    """Counts what is on the shelves."""

    def __init__(self) -> None:
        self.left = 12

    def TakenEnter(self, e: Event) -> bool:
        return self.left > 0

    def TakenState(self, e: Event) -> None:
        self.left -= 1
        if self.left == 0:
            e.machine.add("Empty")
        elif self.left <= 4:
            e.machine.add("Low")

    def RestockedState(self, e: Event) -> None:
        self.left = 12
        e.machine.log("12 pallets arrived")


class PackerHandlers:
    """The machine jams now and then."""

    def __init__(self, dice: random.Random, pace: Pace) -> None:
        self.dice = dice
        self.pace = pace

    def PackingState(self, e: Event) -> None:
        self.pace.work(self.dice.uniform(0.001, 0.01))
        if self.dice.random() < 0.08:
            raise RuntimeError("paper jam in feeder 2")
        e.machine.add("Labelled")

    def PackedEnter(self, e: Event) -> bool:
        return e.machine.is_("Labelled")

    def ExceptionState(self, e: Event) -> None:
        e.machine.add("ErrJam")


def build(dice: random.Random, pace: Pace) -> dict[str, Machine]:
    """Create the machines and connect them; returns them by id."""
    warehouse = Machine(WAREHOUSE, id="warehouse", tags=["svc:warehouse", "eu"])
    stock = Machine(STOCK, id="stock", parent=warehouse)
    courier = Machine(COURIER, id="courier", parent=warehouse)
    packers = [Machine(PACKER, id=f"packer-{n}", parent=warehouse) for n in (1, 2)]
    stock.bind(StockHandlers())
    for packer in packers:
        packer.bind(PackerHandlers(dice, pace))
        pipes.bind(packer, courier, "Packed", "Parcel")
    pipes.bind(stock, warehouse, "Low", "StockLow")
    return {machine.id: machine for machine in (warehouse, stock, courier, *packers)}


def operate(machines: dict[str, Machine], arrivals: queue.SimpleQueue[str], dice: random.Random, pace: Pace) -> None:
    """Pack and deliver until the program is stopped."""
    warehouse, stock, courier = machines["warehouse"], machines["stock"], machines["courier"]
    packers = [machines["packer-1"], machines["packer-2"]]
    warehouse.add("Start")
    stock.add("Full")
    while pace.wait(dice.uniform(0.05, 0.2)):
        while not arrivals.empty():
            order = json.loads(arrivals.get())
            warehouse.add("OrderArrived", order=order["order"])
            if stock.add("Taken", order=order["order"]).executed:
                dice.choice(packers).add("Packing", order=order["order"])
        for packer in packers:
            if packer.is_("Exception"):
                if dice.random() < 0.2:
                    packer.remove("Exception")
            elif packer.is_("Packing"):
                packer.add("Packed")
            elif packer.is_("Packed"):
                packer.add("Idle")
        _drive(courier, dice)
        if stock.any1("Low", "Empty") and dice.random() < 0.15:
            stock.add("Restocked")
        if dice.random() < (0.2 if warehouse.is_("Halted") else 0.01):
            warehouse.toggle("Halted")


def _drive(courier: Machine, dice: random.Random) -> None:
    luck = dice.random()
    if courier.is_("EnRoute"):
        if luck < 0.3:
            courier.add("Delivered")
    elif courier.is_("Loading"):
        if luck < (0.6 if courier.is_("HasParcels") else 0.05):
            courier.add("EnRoute")
    elif luck < 0.2:
        courier.add("Loading")


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    am_telemetry.init(service="warehouse")
    dice, pace = random.Random(options.seed), Pace(options.speed)  # noqa: S311  # a seeded demo, no secrets
    arrivals: queue.SimpleQueue[str] = queue.SimpleQueue()
    follow_lines(pace, arrivals.put)
    operate(build(dice, pace), arrivals, dice, pace)


if __name__ == "__main__":
    main()
