"""The first demo process: carts, orders, billing and the gateway that customers come through."""

from __future__ import annotations

import argparse
import json
import random
import sys
from typing import Any

import am_telemetry
from am_core import Event, Machine, pipes
from am_dbg.demo.pace import Pace, follow_lines

Schema = dict[str, dict[str, Any]]

SHOP: Schema = {
    "Start": {},
    "GatewayUp": {"require": ["Start"]},
    "BillingUp": {"require": ["Start"]},
    "Ready": {"auto": True, "require": ["Start", "GatewayUp", "BillingUp"], "remove": ["Degraded"]},
    "Degraded": {"auto": True, "require": ["Start"], "tags": ["alert"]},
    "Sale": {"require": ["Ready"]},
}

GATEWAY: Schema = {
    "ErrConnecting": {"require": ["Exception"]},
    "Start": {},
    "Connecting": {"require": ["Start"], "remove": ["Connected", "Disconnecting", "Disconnected"]},
    "Connected": {"require": ["Start"], "remove": ["Connecting", "Disconnecting", "Disconnected"]},
    "Disconnecting": {"remove": ["Connecting", "Connected", "Disconnected"]},
    "Disconnected": {"auto": True, "remove": ["Connecting", "Connected", "Disconnecting"]},
    "Request": {"multi": True, "require": ["Connected"]},
    "Throttled": {"require": ["Connected"], "remove": ["Request"]},
    "Heartbeat": {"multi": True},
}

ORDERS: Schema = {
    "Start": {},
    "BillingUp": {},
    "Idle": {"auto": True, "require": ["Start"], "remove": ["Received"]},
    "Received": {"multi": True, "require": ["Start"], "remove": ["Idle", "Shipped", "Rejected"]},
    "Validating": {"auto": True, "require": ["Received"]},
    "Valid": {"require": ["Received"], "remove": ["Validating"]},
    "Paying": {"auto": True, "require": ["Valid", "BillingUp"], "after": ["Valid"]},
    "Paid": {"require": ["Received"], "remove": ["Validating", "Valid", "Paying"]},
    "Shipped": {"remove": ["Received", "Validating", "Paid"], "tags": ["end"]},
    "Rejected": {"remove": ["Received", "Validating", "Valid", "Paying"], "tags": ["end"]},
}

BILLING: Schema = {
    "ErrBank": {"require": ["Exception"]},
    "Start": {},
    "Ready": {"auto": True, "require": ["Start"]},
    "Idle": {"auto": True, "require": ["Ready"], "remove": ["Charging", "Charged", "Declined"]},
    "Charging": {"require": ["Ready"], "remove": ["Idle", "Charged", "Declined"]},
    "Charged": {"remove": ["Idle", "Charging", "Declined"]},
    "Declined": {"remove": ["Idle", "Charging", "Charged"]},
}

CART: Schema = {
    "Open": {"remove": ["CheckedOut", "Abandoned"]},
    "Item": {"multi": True, "require": ["Open"]},
    "HasItems": {"auto": True, "require": ["Item"]},
    "CheckingOut": {"require": ["HasItems"]},
    "CheckedOut": {"remove": ["Open", "Item", "CheckingOut"]},
    "Abandoned": {"remove": ["Open", "Item", "CheckingOut"]},
}


class GatewayHandlers:
    """Connecting takes a moment and sometimes fails; too many requests are throttled."""

    def __init__(self, dice: random.Random, pace: Pace) -> None:
        self.dice = dice
        self.pace = pace

    def ConnectingState(self, e: Event) -> None:
        self.pace.work(0.01)
        if self.dice.random() < 0.2:
            e.machine.add_err_state("ErrConnecting", ConnectionError("upstream refused the connection"))
            e.machine.remove("Connecting")
        else:
            e.machine.add("Connected")
            e.machine.remove(["Exception", "ErrConnecting"])


class OrderHandlers:
    """Checks totals, and refuses what is too expensive."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.total = 0
        self.order = 0

    def ReceivedEnter(self, e: Event) -> bool:
        return not e.machine.any1("Validating", "Valid", "Paying", "Paid")

    def ReceivedState(self, e: Event) -> None:
        self.order, self.total = e.args["order"], e.args["total"]

    def ValidatingState(self, e: Event) -> None:
        e.machine.log(f"order {self.order}: {self.total} EUR")
        e.machine.add("Valid", order=self.order)

    def ValidEnter(self, e: Event) -> bool:
        if self.total > 400:
            e.machine.add("Rejected", order=self.order, reason="over the limit")
            return False
        return True

    def PaidState(self, e: Event) -> None:
        json.dump({"order": self.order, "total": self.total}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
        e.machine.add("Shipped", order=self.order)


class BillingHandlers:
    """Talks to a slow bank: most charges are quick, some exceed the handler's time limit, some fail."""

    def __init__(self, orders: Machine, dice: random.Random, pace: Pace) -> None:
        self.orders = orders
        self.dice = dice
        self.pace = pace

    def ChargingState(self, e: Event) -> None:
        luck = self.dice.random()
        self.pace.work(0.13 if luck < 0.06 else self.dice.uniform(0.004, 0.03))
        if luck > 0.94:
            raise TimeoutError("the bank did not answer")
        e.machine.add("Declined" if luck > 0.82 else "Charged")

    def ChargedState(self, e: Event) -> None:
        self.orders.add("Paid")

    def DeclinedState(self, e: Event) -> None:
        self.orders.add("Rejected", reason="declined")

    def ExceptionState(self, e: Event) -> None:
        e.machine.add(["ErrBank", "Declined"])


class CartHandlers:
    """A basket holds nine items."""

    def __init__(self) -> None:
        self.items = 0

    def OpenState(self, e: Event) -> None:
        self.items = 0

    def ItemEnter(self, e: Event) -> bool:
        return self.items < 9

    def ItemState(self, e: Event) -> None:
        self.items += 1

    def CheckingOutState(self, e: Event) -> None:
        e.machine.add("CheckedOut", items=self.items)


def build(dice: random.Random, pace: Pace) -> dict[str, Machine]:
    """Create the machines and connect them; returns them by id."""
    shop = Machine(SHOP, id="shop", tags=["svc:shop", "eu"])
    gateway = Machine(GATEWAY, id="gateway", parent=shop, tags=["svc:shop"])
    orders = Machine(ORDERS, id="orders", parent=shop, tags=["svc:shop"])
    billing = Machine(BILLING, id="billing", parent=shop, tags=["svc:shop", "pci"])
    machines = [shop, gateway, orders, billing]
    machines += [Machine(CART, id=f"cart-{n}", parent=orders) for n in (1, 2, 3)]

    gateway.bind(GatewayHandlers(dice, pace))
    orders.bind(OrderHandlers(dice))
    billing.bind(BillingHandlers(orders, dice, pace))
    for cart in machines[4:]:
        cart.bind(CartHandlers())

    pipes.bind(gateway, shop, "Connected", "GatewayUp")
    pipes.bind_ready(billing, shop, "BillingUp")
    pipes.bind_ready(billing, orders, "BillingUp")
    pipes.bind(orders, billing, "Paying", "Charging", "Idle")
    pipes.bind_err(billing, shop)
    return {machine.id: machine for machine in machines}


def trade(machines: dict[str, Machine], dice: random.Random, pace: Pace) -> None:
    """Customers come and go until the program is stopped."""
    shop, gateway, orders, billing = (machines[name] for name in ("shop", "gateway", "orders", "billing"))
    for machine in (shop, gateway, billing, orders):
        machine.add("Start")
    order = 1000
    while pace.wait(dice.uniform(0.02, 0.09)):
        cart = machines[f"cart-{dice.randint(1, 3)}"]
        if gateway.add("Request", path=dice.choice(["/", "/cart", "/search", "/checkout"])).executed:
            _shop_on(cart, dice)
        if cart.is_("CheckedOut"):
            order += 1
            if orders.add("Received", order=order, total=dice.randint(5, 450)).executed:
                cart.set("Open")
        _mishaps(shop, gateway, dice)
        if billing.is_("Exception") and dice.random() < 0.2:
            billing.remove("Exception")
            shop.remove("Exception")


def _shop_on(cart: Machine, dice: random.Random) -> None:
    luck = dice.random()
    if not cart.is_("Open"):
        cart.add("Open")
    elif luck < 0.72:
        cart.add("Item", sku=dice.randint(100, 999))
    elif luck < 0.94:
        cart.add("CheckingOut")
    else:
        cart.add("Abandoned")


def _mishaps(shop: Machine, gateway: Machine, dice: random.Random) -> None:
    luck = dice.random()
    if gateway.is_("Disconnected"):
        gateway.add("Connecting")
    elif luck < 0.012:
        gateway.add("Disconnecting")
        gateway.remove("Disconnecting")
    elif luck < 0.03:
        gateway.add("Throttled")
    elif gateway.is_("Throttled") and luck > 0.7:
        gateway.remove("Throttled")
    elif luck < 0.05:
        shop.toggle("Sale")
    elif luck < 0.09:
        gateway.add("Heartbeat")


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    am_telemetry.init(service="shop")
    dice, pace = random.Random(options.seed), Pace(options.speed)  # noqa: S311  # a seeded demo, no secrets
    follow_lines(pace, lambda _line: None)
    trade(build(dice, pace), dice, pace)


if __name__ == "__main__":
    main()
