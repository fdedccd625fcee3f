"""What watching costs the program, per transition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.rows import Row, Skipped, duration
from benchmarks.timing import take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from am_core import Machine, Transition

_STATES = 10


def measure(quick: bool) -> Iterator[Row | Skipped]:
    """The cost on top of an untraced machine: ours, and one protobuf message per transition."""
    from am_telemetry.sending.tracer import MachineTracer, Ring

    count = 100 if quick else 20_000
    ring = Ring(10 * count)
    traced, logging = _machine("traced"), _machine("logging")
    traced.bind_tracer(MachineTracer(ring, traced, 1, detail=1))
    logging.bind_tracer(MachineTracer(ring, logging, 2, detail=2))
    logging.log_level = "ops"
    messages = _machine("messages")
    messages.bind_tracer(_message_tracer())
    plain = _toggle(_machine("plain"), count)

    def emptied(toggle: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            toggle()
            ring.take()

        return run

    contestants = {
        "plain": plain,
        "traced": emptied(_toggle(traced, count)),
        "logging": emptied(_toggle(logging, count)),
        "messages": _toggle(messages, count),
    }
    spent = take_turns(contestants, 1 if quick else 7)
    theirs = max((spent["messages"] - spent["plain"]) / count, 1e-9)
    for what, name in (
        ("tracing one transition", "traced"),
        ("tracing one transition, with its steps and the log of operations", "logging"),
    ):
        ours = max((spent[name] - spent["plain"]) / count, 1e-9)
        yield Row(what, duration(ours), "one protobuf message per transition", duration(theirs), theirs / ours)


def _machine(name: str) -> Machine:
    from am_core import Machine

    schema: dict[str, Any] = {f"S{i}": {} for i in range(_STATES)}
    schema["A"] = {"remove": ["B"]}
    schema["B"] = {"remove": ["A"]}
    return Machine(schema, id=name)


def _toggle(machine: Machine, count: int) -> Callable[[], None]:
    def toggle() -> None:
        add = machine.add
        for _ in range(count // 2):
            add("A")
            add("B")

    return toggle


def _message_tracer() -> Any:
    """A tracer as simple as can be: fill one message per transition, serialise it, hand it on."""
    from am_core import Tracer

    message_class = _message_class()
    sent: list[bytes] = []

    class MessageTracer(Tracer):
        def transition_end(self, tx: Transition) -> None:
            message = message_class(
                machine_id=tx.machine.id,
                id=tx.id,
                type=int(tx.mutation.type),
                called=tx.mutation.called,
                clocks=tx.time_after,
                accepted=tx.is_accepted,
                started_ns=tx.started_ns,
            )
            sent.append(message.SerializeToString())
            if len(sent) > 1_000:
                sent.clear()

    return MessageTracer()


def _message_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="benchmark.proto", package="benchmark", syntax="proto3")
    message = file.message_type.add(name="Transition")
    for number, (name, kind, many) in enumerate(
        (
            ("machine_id", kinds.TYPE_STRING, False),
            ("id", kinds.TYPE_STRING, False),
            ("type", kinds.TYPE_INT32, False),
            ("called", kinds.TYPE_INT32, True),
            ("clocks", kinds.TYPE_UINT64, True),
            ("accepted", kinds.TYPE_BOOL, False),
            ("started_ns", kinds.TYPE_INT64, False),
        ),
        1,
    ):
        label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
        message.field.add(name=name, number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("benchmark.Transition"))
