"""Deterministic recordings for looking at: a small shop, and one full of hostile text."""

from __future__ import annotations

import random

from am_telemetry.facts import ErrorFact, LogFact, SchemaFact, SourceFact, StateFact, StepFact
from tests.support.memory_recording import MemoryRecording

_ORDERS = SchemaFact(
    (
        StateFact("Exception", multi=True),
        StateFact("Start"),
        StateFact("Ready", auto=True, require=("Start", "Connected")),
        StateFact("Connecting", require=("Start",), remove=("Connected",), tags=("net",)),
        StateFact("Connected", require=("Start",), remove=("Connecting",)),
        StateFact("Syncing", require=("Connected",), after=("Connected",)),
        StateFact("Synced", remove=("Syncing",), add=("Idle",)),
        StateFact("Idle", remove=("Busy",)),
        StateFact("Busy", remove=("Idle",)),
        StateFact("OrderReceived", multi=True, require=("Ready",)),
        StateFact("ErrNetwork", require=("Exception",)),
        StateFact("Heartbeat", multi=True),
        StateFact("Shipping", require=("Ready",)),
        StateFact("Shipped", remove=("Shipping",)),
    )
)
_WORKER = ["Exception", "Start", "Ready", "Working", "Done", "Heartbeat"]


def shop(length: int = 140, seed: int = 7) -> MemoryRecording:
    """Six machines, children below their parents, errors, cancellations, logs; the same for the same arguments."""
    recording = MemoryRecording("shop.db")
    rng = random.Random(seed)
    gateway = recording.machine("gateway", _WORKER, tags=("svc:shop", "eu"))
    orders = recording.machine("orders", _ORDERS, parent="gateway", tags=("svc:orders",))
    workers = [recording.machine(f"worker-{n}", _WORKER, parent="orders") for n in (1, 2, 10)]
    audit = recording.machine("audit", _WORKER)
    for machine in (gateway, orders, *workers, audit):
        machine.add("Start", logs=[LogFact(2, "[state] +Start")])
    orders.add("Connecting", handlers=("ConnectingState",), logs=[LogFact(2, "[state] +Connecting")])
    orders.add("Connected", also_remove=("Connecting",), logs=[LogFact(2, "[state] +Connected -Connecting")])
    orders.mutate("add", ("Ready",), auto=True, logs=[LogFact(2, "[state:auto] +Ready")])
    for step in range(length):
        who = rng.choice(workers)
        who.add("Working", logs=[LogFact(3, f"[add] Working job={step}"), LogFact(2, "[state] +Working")])
        who.remove("Working", also_add=("Done",) if step % 2 else ())
        if step % 3 == 0:
            orders.add(
                "OrderReceived",
                source=SourceFact("gateway", step + 2),
                logs=[LogFact(3, f"[add] OrderReceived id={1000 + step} total={rng.randint(5, 500)}.90")],
                duration_ns=rng.randint(20_000, 9_000_000),
                queue_len=rng.randint(0, 3),
            )
        if step % 5 == 0:
            other = "Idle" if orders.clock[7] % 2 == 0 else "Busy"
            orders.add(other, also_remove=("Busy" if other == "Idle" else "Idle",))
        if step % 17 == 4:
            orders.add(
                "Syncing", accepted=False, canceled_by="SyncingEnter",
                steps=[StepFact("called", target=5), StepFact("handler", target=5), StepFact("cancel", target=5)],
                logs=[LogFact(3, "[cancel] (Syncing) by SyncingEnter")],
            )  # fmt: skip
        if step % 40 == 21:
            orders.add(
                "Exception", "ErrNetwork", broken=True,
                error=ErrorFact("TimeoutError", "no answer within 5 s", "Traceback …"),
                logs=[
                    LogFact(1, "[error] TimeoutError: no answer within 5 s"),
                    LogFact(2, "[state] +Exception +ErrNetwork"),
                ],
            )  # fmt: skip
            orders.remove("Exception", "ErrNetwork")
        if step % 10 == 9:
            gateway.add("Heartbeat")
    audit.end()
    workers[2].end("disposed")
    recording.catch_up()
    return recording


HOSTILE_NAMES = (
    "[red]danger[/red]",
    "\x1b]0;pwned\x07\x1b[2J",
    "\u202egnisrever",
    "漢字かな交じり文",
    "a\u200bb\u0301\u0301\u0301",
)


def hostile() -> MemoryRecording:
    """Names, logs and errors that try to break a screen."""
    recording = MemoryRecording("\x1b[31mhostile.db")
    states = ["Exception", *HOSTILE_NAMES, "x" * 300]
    for name in (*HOSTILE_NAMES, "y" * 300):
        machine = recording.machine(name, states, tags=(name,))
        for state in states:
            machine.add(
                state,
                logs=[
                    LogFact(1, f"[link=file:///etc]{name}[/link] \x1b[2J\x1b[H {state}"),
                    LogFact(1, "z" * 1_000_000),
                    LogFact(1, "tabs\t\tand\r\nlines\x00\x9b31m\udc80"),
                ],
                error=ErrorFact("[bold]E", f"\x1b[5m{name}"),
            )
    recording.catch_up()
    return recording
