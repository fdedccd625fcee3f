"""Dumps as the Go debugger writes them, made of messages given by the tests."""

from __future__ import annotations

import io
import struct
from typing import Any

import brotli

from am_telemetry.batch import Batch
from am_telemetry.formats.upstream_dump import Dump
from tests.formats.gob_encoder import Encoder, Map, Opaque, Slice, Struct

TEXTS = Slice("string", "[]string")
TIME = Opaque("Time")
STATE = Struct(
    "State",
    [("Auto", "bool"), ("Multi", "bool"), ("Require", TEXTS), ("Add", TEXTS), ("Remove", TEXTS), ("After", TEXTS)],
)
SCHEMA = Struct(
    "DbgMsgStruct",
    [("ID", "string"), ("StatesIndex", TEXTS), ("States", Map("string", STATE)), ("Parent", "string"), ("Tags", TEXTS)],
)
STEP = Struct(
    "Step",
    [
        ("Type", "int"),
        ("RelType", "int"),
        ("IsFinal", "bool"),
        ("IsSelf", "bool"),
        ("IsEnter", "bool"),
        ("FromState", "string"),
        ("FromStateIdx", "int"),
        ("ToState", "string"),
        ("ToStateIdx", "int"),
        ("Data", "interface"),
    ],
)
LOG = Slice(Struct("LogEntry", [("Level", "int"), ("Text", "string")]))
NAMED = [
    ("MachineID", "string"),
    ("ID", "string"),
    ("Clocks", Slice("uint")),
    ("Accepted", "bool"),
    ("Type", "int"),
    ("CalledStates", TEXTS),
    ("CalledStatesIdxs", Slice("int")),
    ("Steps", Slice(STEP)),
    ("LogEntries", LOG),
    ("PreLogEntries", LOG),
    ("IsAuto", "bool"),
    ("Queue", "int"),
    ("Time", TIME),
]
NUMBERED = [
    *NAMED,
    ("QueueTick", "uint"),
    ("MutQueueToken", "uint"),
    ("MutQueueTick", "uint"),
    ("IsCheck", "bool"),
    ("IsQueued", "bool"),
    ("Args", Map("string", "string")),
    ("StackTrace", "string"),
]
TX_V10 = Struct("DbgMsgTx", NAMED)
TX_V19 = Struct("DbgMsgTx", NUMBERED)


def go_time(unix_ns: int) -> bytes:
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return b"\1" + struct.pack(">qih", seconds + 62_135_596_800, nanoseconds, -1)


def gob_dump(machines: list[tuple[dict[str, Any], list[dict[str, Any]]]], tx: Struct = TX_V10) -> bytes:
    """The gob bytes of (schema message, transition messages) pairs."""
    export = Struct("Exportable", [("MsgStruct", SCHEMA), ("MsgTxs", Slice(tx))])
    return Encoder().value(Slice(export), [{"MsgStruct": schema, "MsgTxs": txs} for schema, txs in machines])


def dump(machines: list[tuple[dict[str, Any], list[dict[str, Any]]]], tx: Struct = TX_V10) -> bytes:
    """What the Go debugger would have saved."""
    return brotli.compress(gob_dump(machines, tx), quality=5)


def read(data: bytes) -> list[Batch]:
    return list(Dump(io.BytesIO(data), lambda _: None).batches())


def shop(count: int = 3, start_ns: int = 1_700_000_000_123_456_789) -> bytes:
    """A small dump of two machines, ``count`` times opened and closed each."""
    machines = []
    for name, parent in (("shop", ""), ("till", "shop")):
        schema = {
            "ID": name,
            "StatesIndex": ["Open", "Busy", "Exception"],
            "States": {"Open": {}, "Busy": {"Auto": True, "Require": ["Open"]}, "Exception": {"Multi": True}},
            "Parent": parent,
            "Tags": ["demo"],
        }
        txs = []
        for i in range(2 * count):
            tick = i + 1
            txs.append(
                {
                    "MachineID": name,
                    "ID": f"{name}{i:08x}",
                    "Clocks": [tick, 0, 0],
                    "Accepted": True,
                    "Type": i % 2,
                    "CalledStates": ["Open"],
                    "Steps": [{"Type": 32, "ToState": "Open"}, {"Type": 8 if i % 2 else 4, "ToState": "Open"}],
                    "LogEntries": [{"Level": 1, "Text": f"[state] {'-' if i % 2 else '+'}Open"}],
                    "Time": go_time(start_ns + i),
                }
            )
        machines.append((schema, txs))
    return dump(machines)
