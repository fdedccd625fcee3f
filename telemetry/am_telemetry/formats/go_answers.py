"""What a Go ``net/rpc`` client waits for after each call: a response header, then the reply, both as gob."""

from __future__ import annotations

from typing import Final

_STRING: Final = 6
_UINT: Final = 3
_EMPTY_TEXT: Final = b"\x03\x0c\x00\x00"
"""The reply of every method here: a message of 3 bytes, a value of the type string, alone, without a character."""
_FIELDS: Final = (("ServiceMethod", _STRING), ("Seq", _UINT), ("Error", _STRING))


class Answers:
    """The answering side of one connection: the type of the header goes out once, before the first answer.

    Args:
        type_id: the number of that type, from 64 to 127. Its meaning ends with the connection.
    """

    def __init__(self, type_id: int) -> None:
        self._type_id = type_id
        self._defined = False

    def answer(self, method: str, number: int, error: str = "") -> bytes:
        """The answer to a call.

        Args:
            method: as called.
            number: of the call, from the client.
            error: why it failed, which the client gets as the call's error; empty when it did not.
        """
        header = _sint(self._type_id)
        skipped = 0
        values = (_text(method) if method else b"", _uint(number) if number else b"", _text(error) if error else b"")
        for value in values:
            skipped += 1
            if value:
                header += bytes([skipped]) + value
                skipped = 0
        definition = b"" if self._defined else self._definition()
        self._defined = True
        return definition + _message(header + b"\0") + _EMPTY_TEXT

    def _definition(self) -> bytes:
        fields = b"".join(b"\1" + _text(name) + b"\1" + _sint(kind) + b"\0" for name, kind in _FIELDS)
        common = b"\1" + _text("Response") + b"\1" + _sint(self._type_id) + b"\0"
        return _message(_sint(-self._type_id) + b"\3\1" + common + b"\1" + _uint(len(_FIELDS)) + fields + b"\0\0")


def _uint(value: int) -> bytes:
    if value < 128:
        return bytes([value])
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([256 - len(data)]) + data


def _sint(value: int) -> bytes:
    return _uint((~value << 1) | 1 if value < 0 else value << 1)


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    return _uint(len(data)) + data


def _message(body: bytes) -> bytes:
    return _uint(len(body)) + body
