"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]
Area = Literal["Terminal", "Installation", "Settings", "Folders", "Sessions", "Listening", "Security", "Hub"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    status: Status
    name: str
    text: str
    hint: str = ""
    """What to do about it; empty when there is nothing to do."""


def ok(name: str, text: str) -> Finding:
    return Finding("ok", name, text)


def warn(name: str, text: str, hint: str = "") -> Finding:
    return Finding("warn", name, text, hint)


def fail(name: str, text: str, hint: str = "") -> Finding:
    return Finding("fail", name, text, hint)
