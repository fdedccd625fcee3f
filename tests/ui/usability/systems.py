"""A system of forty machines on one afternoon, in which every task has its story."""

from __future__ import annotations

from am_telemetry.facts import ErrorFact, LogFact, SchemaFact, SourceFact, StateFact, StepFact
from am_telemetry.store.records import HandlerRunRecord, WaitRecord
from am_telemetry.waits import WaitFact
from tests.support.memory_recording import MILLISECOND, START_NS, MachineBuilder, MemoryRecording

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOON = START_NS - (10 * 3600 + 13 * 60 + 20) * SECOND
"""12:00:00 UTC of the day of the recordings."""
BASIC = ("Exception", "Start", "Ready", "Busy")
_ORDERS = SchemaFact(
    (
        StateFact("Exception", multi=True),
        StateFact("Start"),
        StateFact("Ready"),
        StateFact("Connected"),
        StateFact("Syncing", require=("Connected",)),
        StateFact("Idle"),
        StateFact("Draft"),
        StateFact("Archived"),
    )
)


def forty_machines() -> MemoryRecording:
    """audit, billing and orders on top of the list, then the router, then svc-1 to svc-36.

    * orders lost Connected at 12:02:50, so that Syncing was refused at 12:03:14.
    * the newest error of all is that of svc-13, in row 17 of the list.
    * the last transition of billing was caused by the router over two machines between them.
    * three log lines mention a timeout; the first one is that of the router.
    * audit and orders are Ready at the end, billing is not.
    """
    recording = MemoryRecording("afternoon.db", start_ns=NOON)
    machines = {name: recording.machine(name, BASIC, at_ns=NOON) for name in ("audit", "billing", "router")}
    machines["orders"] = recording.machine("orders", _ORDERS, at_ns=NOON)
    for number in range(1, 37):
        machines[f"svc-{number}"] = recording.machine(f"svc-{number}", BASIC, at_ns=NOON)
    for place, machine in enumerate(machines.values()):
        machine.add("Start", at_ns=NOON + place * MILLISECOND)
    _orders(recording, machines["orders"])
    _timeouts(machines)
    _errors(machines)
    _relay(machines)
    _slow(recording, machines)
    recording.catch_up()
    return recording


def _orders(recording: MemoryRecording, orders: MachineBuilder) -> None:
    """#2 Connected, #3 not any more, #4 Syncing refused, #5 Connected again, #6 Idle with a queue of 3, #7 Ready."""
    orders.add("Connected", at_ns=NOON + SECOND)
    orders.remove("Connected", at_ns=NOON + 2 * MINUTE + 50 * SECOND)
    orders.add(
        "Syncing",
        accepted=False,
        canceled_by="relations",
        at_ns=NOON + 3 * MINUTE + 14 * SECOND,
        steps=[
            StepFact("called", target=4),
            StepFact("activate", target=4),
            StepFact("rel", 4, 3, "require"),
            StepFact("deactivate-passive", source=4),
            StepFact("cancel", target=3),
        ],
    )
    orders.add("Connected", at_ns=NOON + 3 * MINUTE + 40 * SECOND)
    orders.add("Idle", at_ns=NOON + 4 * MINUTE + 50 * SECOND, queue_len=3)
    orders.add("Ready", at_ns=NOON + 6 * MINUTE)
    opened = NOON + 3 * MINUTE + 41 * SECOND
    recording.wait_records[orders.id] = [
        WaitRecord(1, WaitFact("when", ("Ready",), text="Ready"), 5, opened),
        WaitRecord(2, WaitFact("pipe-out", ("Connected",), peer="audit", peer_state="Busy", mutation="add"), 5, opened),
    ]


def _timeouts(machines: dict[str, MachineBuilder]) -> None:
    for name, minute, text in (
        ("router", 1, "[extern] peer timeout after 5 s"),
        ("svc-20", 4, "[extern] timeout, trying again"),
        ("svc-7", 8, "[extern] gave up after the third timeout"),
    ):
        machines[name].add("Busy", at_ns=NOON + minute * MINUTE, logs=[LogFact(2, text)])


def _errors(machines: dict[str, MachineBuilder]) -> None:
    for name, minute, error in (
        ("svc-30", 2, ErrorFact("KeyError", "'card'", 'File "a.py", line 1')),
        ("svc-13", 9, ErrorFact("ValueError", "no such account", 'File "b.py", line 2')),
        ("svc-2", 5, ErrorFact("OSError", "no route", 'File "c.py", line 3')),
    ):
        machines[name].add("Exception", error=error, at_ns=NOON + minute * MINUTE)


def _relay(machines: dict[str, MachineBuilder]) -> None:
    """router #3 → svc-3 #2 → svc-4 #2 → billing #2, and audit becomes Ready by itself."""
    at = NOON + 7 * MINUTE
    router, first, second, billing = (machines[name] for name in ("router", "svc-3", "svc-4", "billing"))
    began = router.add("Ready", at_ns=at)
    passed = first.add("Busy", source=SourceFact("router", began), at_ns=at + 10 * MILLISECOND)
    passed = second.add("Busy", source=SourceFact("svc-3", passed), at_ns=at + 20 * MILLISECOND)
    billing.add("Busy", source=SourceFact("svc-4", passed), at_ns=at + 30 * MILLISECOND)
    machines["audit"].add("Ready", at_ns=at + SECOND)


def _slow(recording: MemoryRecording, machines: dict[str, MachineBuilder]) -> None:
    for name, handler, took in (("svc-5", "BusyState", 60), ("svc-6", "ReadyEnter", 180), ("svc-8", "BusyState", 20)):
        machine = machines[name]
        number = machine.add(
            handler[:-5],
            handlers=(handler,),
            duration_ns=took * MILLISECOND,
            at_ns=NOON + 5 * MINUTE + took * MILLISECOND,
        )
        recording.timed_handlers[machine.id, number] = [HandlerRunRecord(handler, 0, (took - 2) * MILLISECOND)]


def refusals() -> MemoryRecording:
    """37 refused transitions that somebody asked for, 5 automatic ones, 40 accepted ones."""
    recording = MemoryRecording()
    orders = recording.machine("orders", BASIC)
    for number in range(37):
        orders.add("Ready", accepted=False, canceled_by="ReadyEnter")
        if number % 8 == 0:
            orders.mutate("add", ("Busy",), accepted=False, auto=True)
    for _ in range(20):
        orders.add("Busy")
        orders.remove("Busy")
    return recording


RELATED = SchemaFact(
    (
        StateFact("Online", remove=("Offline", "Cached")),
        StateFact("Offline", remove=("Online",)),
        StateFact("Cached"),
        StateFact("Lit", require=("Online",)),
        StateFact("Billed", require=("Account",)),
        StateFact("Account"),
    )
)


def related() -> MemoryRecording:
    """#97 calls Online and Billed: Online removes Offline and Cached, adds Lit; Billed lacks what it requires."""
    recording = MemoryRecording()
    lift = recording.machine("lift", RELATED)
    lift.add("Offline")
    lift.add("Cached")
    for number in range(94):
        lift.mutate("remove" if number % 2 else "add", ("Account",))
    lift.mutate(
        "add",
        ("Online", "Billed"),
        accepted=False,
        canceled_by="relations",
        steps=[
            StepFact("called", target=0),
            StepFact("called", target=4),
            StepFact("activate", target=0),
            StepFact("activate", target=4),
            StepFact("rel", 0, 1, "remove"),
            StepFact("deactivate", source=1),
            StepFact("rel", 0, 2, "remove"),
            StepFact("deactivate", source=2),
            StepFact("rel", 3, 0, "require"),
            StepFact("rel", 4, 5, "require"),
            StepFact("deactivate-passive", source=4),
            StepFact("cancel", target=5),
        ],
    )
    lift.add("Account")
    return recording


def many_machines(count: int = 5_000) -> MemoryRecording:
    """ps-1 to ps-5000, with a transition each."""
    recording = MemoryRecording()
    schema = SchemaFact(tuple(StateFact(name) for name in BASIC))
    for number in range(1, count + 1):
        recording.machine(f"ps-{number}", schema).add("Start")
    recording.catch_up()
    return recording
