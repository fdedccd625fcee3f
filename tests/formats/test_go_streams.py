"""Connections that real Go programs made are decoded to what Go decoded."""

from __future__ import annotations

from typing import Any

import pytest

from am_telemetry.formats.gob import GobDecoder, decode_all
from tests.formats.go_clients import MACHINES, VERSIONS, client_bytes, read_by_go, server_bytes


def without_zeros(value: Any) -> Any:
    """Gob leaves zero values out, JSON does not; field names of states differ in case."""
    if isinstance(value, dict):
        cleaned = {key: without_zeros(inner) for key, inner in value.items()}
        return {key: inner for key, inner in cleaned.items() if inner not in (None, False, 0, "", [], {})}
    if isinstance(value, list):
        return [without_zeros(inner) for inner in value]
    return value


def comparable(message: dict[str, Any]) -> Any:
    message = dict(message)
    if "States" in message:
        message["States"] = {
            name: {key.capitalize(): value for key, value in without_zeros(state).items()}
            for name, state in message["States"].items()
        }
        states = message.pop("States")
        return without_zeros(message), {name: without_zeros(state) for name, state in states.items()}
    return without_zeros(message)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_of_a_connection_is_what_go_read(version: str, machine: str) -> None:
    """Requests and arguments take turns; each argument equals the JSON that Go wrote of it."""
    values = decode_all(client_bytes(version, machine))
    requests, arguments = values[0::2], values[1::2]
    methods = [request["ServiceMethod"] for request in requests]
    first = "RPCServer.DbgMsgStruct" if version == "v0.10.1" else "RPCServer.DbgMsgSchema"
    assert methods == [first] + ["RPCServer.DbgMsgTx"] * (len(methods) - 1)
    assert [request.get("Seq", 0) for request in requests] == list(range(len(requests)))
    expected = read_by_go(version, machine)
    assert len(arguments) == len(expected)
    for ours, go in zip(arguments, expected, strict=True):
        assert comparable(ours) == comparable(go)


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_of_the_server_are_read_too(version: str) -> None:
    """A response with the request's number, then an empty text, for each call."""
    values = decode_all(server_bytes(version, "orders"))
    calls = len(read_by_go(version, "orders"))
    assert len(values) == 2 * calls
    assert [answer.get("Seq", 0) for answer in values[0::2]] == list(range(calls))
    assert set(values[1::2]) == {""}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_message_is_available_as_soon_as_its_last_byte_is(version: str) -> None:
    """A client waits for the answer to each call, so nothing may be held back."""
    stream = client_bytes(version, "billing")
    decoder = GobDecoder()
    seen = 0
    ends = []
    for position in range(len(stream)):
        decoder.feed(stream[position : position + 1])
        for _ in decoder.values():
            seen += 1
            ends.append(decoder.offset)
            assert decoder.pending == 0
    assert seen == 2 * len(read_by_go(version, "billing"))
    assert ends[-1] == len(stream)
