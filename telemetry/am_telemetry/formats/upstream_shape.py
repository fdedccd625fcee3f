"""The messages Go programs send to their debugger, v0.7 to v0.19, as far as they are read here."""

from __future__ import annotations

from typing import Final

from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.gob_shape import BOOL, INT, INTERFACE, OPAQUE, TEXT, MapOf, Shape, SliceOf, check_shape
from am_telemetry.formats.gob_types import TypeTable

_TEXTS: Final = SliceOf(TEXT)
_LOG: Final = SliceOf({"Level": INT, "Text": TEXT})
_STEP: Final[Shape] = {
    "Type": INT,
    "RelType": INT,
    "IsFinal": BOOL,
    "IsSelf": BOOL,
    "IsEnter": BOOL,
    "FromState": TEXT,
    "FromStateIdx": INT,
    "ToState": TEXT,
    "ToStateIdx": INT,
    "Data": INTERFACE,
}
_STATE: Final[Shape] = {
    "Auto": BOOL,
    "Multi": BOOL,
    "Require": _TEXTS,
    "Add": _TEXTS,
    "Remove": _TEXTS,
    "After": _TEXTS,
    "Tags": _TEXTS,
}

SCHEMA_SHAPE: Final[dict[str, Shape]] = {
    "ID": TEXT,
    "StatesIndex": _TEXTS,
    "States": MapOf(_STATE),
    "Groups": MapOf(SliceOf(INT)),
    "GroupsOrder": _TEXTS,
    "Parent": TEXT,
    "Tags": _TEXTS,
}

TRANSITION_SHAPE: Final[dict[str, Shape]] = {
    "MachineID": TEXT,
    "ID": TEXT,
    "Clocks": SliceOf(INT),
    "Accepted": BOOL,
    "Type": INT,
    "CalledStates": _TEXTS,
    "CalledStatesIdxs": SliceOf(INT),
    "Steps": SliceOf(_STEP),
    "LogEntries": _LOG,
    "PreLogEntries": _LOG,
    "IsAuto": BOOL,
    "IsCheck": BOOL,
    "IsQueued": BOOL,
    "Queue": INT,
    "QueueTick": INT,
    "MutQueueToken": INT,
    "MutQueueTick": INT,
    "Time": OPAQUE,
    "Args": MapOf(TEXT),
}

DUMP_SHAPE: Final[dict[str, Shape]] = {"MsgStruct": SCHEMA_SHAPE, "MsgTxs": SliceOf(TRANSITION_SHAPE)}


class Dialect:
    """What a stream's definition of the transition message tells about the version that wrote it."""

    def __init__(self, fields: frozenset[str]) -> None:
        self.numbered = "IsQueued" in fields
        """States are referred to by number, not by name."""
        self.level_shift = 0 if self.numbered else 1
        """What to add to a log level; lines that prove otherwise overrule it."""


def check_schema(types: TypeTable, type_id: int) -> None:
    """Raise ``FormatError`` unless values of the type are schema messages."""
    check_shape(types, type_id, SCHEMA_SHAPE, "the schema message")


def check_dump(types: TypeTable, type_id: int) -> Dialect:
    """Raise ``FormatError`` unless the value is a dump of machines; returns how to read it."""
    found = types.get(type_id)
    if found is not None and found.kind == "slice":
        type_id, found = found.element, types.get(found.element)
    names = {field.name: field.type for field in found.fields} if found is not None else {}
    if found is None or found.kind != "struct" or not {"MsgStruct", "MsgTxs"} <= names.keys():
        raise FormatError("this is a gob file, but not a recording of state machines")
    check_shape(types, type_id, DUMP_SHAPE, "the recording")
    inner = types.get(names["MsgTxs"])
    return Dialect(_fields(types, inner.element if inner is not None else 0))


def check_transition(types: TypeTable, type_id: int) -> Dialect:
    """Raise ``FormatError`` unless values of the type are transition messages; returns how to read them."""
    check_shape(types, type_id, TRANSITION_SHAPE, "the transition message")
    return Dialect(_fields(types, type_id))


def _fields(types: TypeTable, type_id: int) -> frozenset[str]:
    found = types.get(type_id)
    return frozenset(field.name for field in found.fields) if found is not None else frozenset()
