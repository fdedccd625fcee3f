"""Recorded connections of two Go machines per version, and what Go itself read from them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from am_telemetry.formats.gob import GobDecoder
from am_telemetry.formats.upstream_shape import Dialect, check_transition

DATA = Path(__file__).parent / "data"
VERSIONS = ("v0.10.1", "v0.19.1")
MACHINES = ("orders", "billing")


def client_bytes(version: str, machine: str) -> bytes:
    return (DATA / f"{version}-{machine}.client.bin").read_bytes()


def server_bytes(version: str, machine: str) -> bytes:
    return (DATA / f"{version}-{machine}.server.bin").read_bytes()


def read_by_go(version: str, machine: str) -> list[dict[str, Any]]:
    """The machine's messages: its schema, then its transitions."""
    lines = gzip.decompress((DATA / f"{version}-messages.jsonl.gz").read_bytes()).decode().splitlines()
    messages = [json.loads(line)["msg"] for line in lines]
    return [one for one in messages if machine in (one.get("MachineID"), one["ID"])]


def transitions_with_dialect(version: str, machine: str) -> tuple[list[dict[str, Any]], Dialect]:
    """The messages as decoded from the connection, and how transitions are to be read."""
    decoder = GobDecoder()
    decoder.feed(client_bytes(version, machine))
    values = list(decoder.values())
    names = {decoder.types.name(number): number for number in decoder.types.user_types()}
    return values[1::2], check_transition(decoder.types, names["DbgMsgTx"])


def cut_into_calls(stream: bytes) -> list[bytes]:
    """The stream of either side, cut after every second value: a header and what belongs to it."""
    decoder = GobDecoder()
    seen = start = 0
    pieces = []
    for end in range(1, len(stream) + 1):
        decoder.feed(stream[end - 1 : end])
        for _ in decoder.values():
            seen += 1
            if seen % 2 == 0:
                pieces.append(stream[start:end])
                start = end
    return pieces
