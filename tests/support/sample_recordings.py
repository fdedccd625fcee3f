"""Small recordings with known contents, for tests of what is drawn."""

from __future__ import annotations

from am_telemetry.facts import ErrorFact, LogFact, SourceFact, StateFact, StepFact
from tests.support.memory_recording import MemoryRecording

SECOND = 1_000_000_000


def shop() -> MemoryRecording:
    """A gateway with two children and a stray machine; orders has one transition of every kind worth drawing."""
    recording = MemoryRecording("shop.db")
    gateway = recording.machine("gateway", ["Exception", "Start", "Ready"], tags=("svc:edge",))
    orders = recording.machine(
        "orders",
        [
            StateFact("Exception", multi=True),
            StateFact("Start"),
            StateFact("Connected", require=("Start",)),
            StateFact("Ready", auto=True, require=("Connected", "Start"), remove=("Loading",), tags=("public",)),
            StateFact("Loading", multi=True, remove=("Ready",), add=("Start",)),
            StateFact("ReadyToGo", after=("Missing",)),
        ],
        parent="gateway",
        tags=("svc:shop", "eu"),
    )
    billing = recording.machine("billing", ["Exception", "Start"], parent="gateway", process_id=2)
    recording.machine("audit", ["Ready"])
    gateway.add("Start")
    gateway.add("Ready")
    index = orders.schema.index
    orders.add(  # 1
        "Start",
        logs=[LogFact(2, "[state] +Start (user=alice n=3)"), LogFact(4, "[cancel] nothing")],
        source=SourceFact("gateway", 2),
    )
    orders.add(  # 2: refused by a missing requirement
        "Ready",
        accepted=False,
        canceled_by="relations",
        steps=[
            StepFact("called", target=index["Ready"]),
            StepFact("rel", index["Ready"], index["Connected"], "require"),
            StepFact("deactivate-passive", source=index["Ready"]),
            StepFact("cancel", target=index["Connected"]),
        ],
    )
    orders.add("Connected", also_add=["Ready"], queue_len=2)  # 3
    billing.add("Start")
    orders.add("Loading", also_remove=["Ready"], logs=[LogFact(2, "[state] +Loading -Ready")])  # 4
    orders.add("Loading")  # 5: entered again
    orders.add("Start")  # 6: no effect
    orders.add("ReadyToGo", accepted=False, canceled_by="ReadyToGoEnter", at_ns=recording.next_ns() + SECOND)  # 7
    orders.add(  # 8
        "Exception",
        broken=True,
        error=ErrorFact("ValueError", "bad\x1b[31m input"),
        logs=[LogFact(2, "[error] ValueError: bad\nTraceback\n  line 1")],
    )
    billing.add("Exception")
    billing.remove("Exception")
    billing.end("disconnected")
    orders.remove("Exception", check=True)  # 9
    return recording
