"""A Go program as its debugger sees it: makes recorded calls, one after the other, and waits for each answer."""

from __future__ import annotations

import socket
from functools import cache

from tests.formats.go_clients import client_bytes, cut_into_calls, server_bytes


@cache
def recorded(version: str, machine: str) -> tuple[tuple[bytes, bytes], ...]:
    """The calls of a connection, each with the answer that was recorded."""
    calls, answers = cut_into_calls(client_bytes(version, machine)), cut_into_calls(server_bytes(version, machine))
    return tuple(zip(calls, answers, strict=True))


class GoProgram:
    """One connection of a Go program, which is one machine.

    Args:
        port: of the debugger.
        version: of asyncmachine-go.
        machine: which of the two recorded ones.
    """

    def __init__(self, port: int, version: str = "v0.19.1", machine: str = "orders") -> None:
        self.left = list(recorded(version, machine))
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, times: int | None = None) -> None:
        """Make the next calls, or all that are left. The answers must be the recorded ones, byte for byte."""
        for _ in range(len(self.left) if times is None else times):
            call, answer = self.left.pop(0)
            self.socket.sendall(call)
            assert self.receive(len(answer)) == answer

    def receive(self, size: int) -> bytes:
        """So many bytes, fewer only when the connection ends."""
        data = b""
        while len(data) < size and (more := self.socket.recv(size - len(data))):
            data += more
        return data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> GoProgram:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
