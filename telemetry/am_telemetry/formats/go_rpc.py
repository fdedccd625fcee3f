"""The connection of a Go program that reports to its debugger: ``net/rpc`` over gob, calls in, records out.

A pure function of bytes and arrival times; nothing here opens a socket. Programs of v0.10 and older introduce a machine
with one method, those of v0.19 with another; both send transitions with a third. Calls are answered in order.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from am_telemetry.batch import Batch
from am_telemetry.facts import ProcessFact
from am_telemetry.formats.errors import FormatError
from am_telemetry.formats.go_answers import Answers
from am_telemetry.formats.gob import GobDecoder
from am_telemetry.formats.gob_shape import INT, TEXT, Shape, check_shape
from am_telemetry.formats.gob_types import TypeTable
from am_telemetry.formats.upstream import OpenMachine
from am_telemetry.formats.upstream_live import LiveConverter
from am_telemetry.formats.upstream_shape import check_schema, check_transition

MAX_MESSAGE: Final = 4 * 1024 * 1024
MAX_MACHINES: Final = 1_000
"""On one connection; Go programs open one for each machine."""
MAX_METHOD: Final = 256
QUIET_NS: Final = 150_000_000
"""How long a machine's first transition is waited for, because it tells the ticks, before the machine is shown."""

BUSY: Final = "hub busy"
UNREADABLE: Final = "unreadable"

_TRANSITION: Final = "RPCServer.DbgMsgTx"
_OLD_SCHEMA: Final = "RPCServer.DbgMsgStruct"
_NEW_SCHEMA: Final = "RPCServer.DbgMsgSchema"
_SCHEMAS: Final = (_OLD_SCHEMA, _NEW_SCHEMA)
_REQUEST: Final[dict[str, Shape]] = {"ServiceMethod": TEXT, "Seq": INT}
_HEAD: Final = b"\x03\x01\x01\x07Request"
"""Within the definition of the request header, which every connection begins with: a struct of that name."""


class GoPrograms:
    """Recognises Go programs by the first bytes they send. Stateless, so it may be shared by threads."""

    name = "Go (net/rpc)"

    def recognises(self, head: bytes) -> bool | None:
        """Whether a connection that begins so is one of a Go program; None when more bytes are needed."""
        if not head:
            return None
        if not len(_HEAD) < head[0] < 128:
            return False
        # The number of the type takes one byte in a fresh process, two or three in one that has used gob before.
        size = {0xFF: 2, 0xFE: 3}.get(head[1], 1) if len(head) > 1 else 1
        rest = head[1 + size : 1 + size + len(_HEAD)]
        if not _HEAD.startswith(rest):
            return False
        return True if rest == _HEAD else None

    def connect(self) -> GoSession:
        """The reader of one connection."""
        return GoSession()


class GoSession:
    """One connection. Not thread-safe."""

    def __init__(self) -> None:
        self.process: ProcessFact | None = None
        """Known from the first call on."""
        self.overloaded = False
        """Transitions are counted and not kept while it is set."""
        self.orphans = 0
        """Transitions of machines that never introduced themselves."""
        self._decoder = GobDecoder(max_message=MAX_MESSAGE, expect=self._expect)
        self._checked: set[tuple[str, int]] = set()
        self._converter = LiveConverter()
        self._answers: Answers | None = None
        self._request: tuple[str, int] | None = None
        self._machines: dict[str, OpenMachine] = {}
        self._unannounced: list[OpenMachine] = []
        self._ready: list[Batch] = []

    def __len__(self) -> int:
        """Transitions and changes of schemas that wait to be taken."""
        return sum(map(len, self._ready)) + len(self._ready) + len(self._converter)

    @property
    def unfinished(self) -> int:
        """Bytes of a message whose end has not arrived."""
        return self._decoder.pending

    @property
    def restless(self) -> bool:
        """Whether :meth:`take` will have something to tell later although nothing more arrives."""
        return bool(self._unannounced)

    def feed(self, data: bytes, at_ns: int) -> bytes:
        """Take in what arrived.

        Args:
            data: bytes of the connection, cut anywhere.
            at_ns: the present, wall clock.

        Returns:
            What to answer.

        Raises:
            FormatError: the connection cannot be read any further. Everything before is kept.
        """
        self._converter.now_ns = at_ns
        self._decoder.feed(data)
        answers = []
        for value in self._decoder.values():
            if self._request is None:
                method = value.get("ServiceMethod", "")
                if len(method) > MAX_METHOD:
                    raise FormatError(f"a method with a name of {len(method):,} characters")
                self._request = method, value.get("Seq", 0)
            else:
                method, number = self._request
                self._request = None
                answers.append(self._call(method, number, value))
        return b"".join(answers)

    def take(self, at_ns: int) -> list[Batch]:
        """The records since the last time, in order."""
        self._converter.now_ns = at_ns
        for machine in self._unannounced:
            if machine.clock is None and at_ns - machine.at_ns >= QUIET_NS:
                self._converter.announce(machine)
        self._unannounced = [machine for machine in self._unannounced if machine.clock is None]
        self._cut()
        batches, self._ready = self._ready, []
        return batches

    def finish(self, at_ns: int) -> list[Batch]:
        """The last records: the connection has ended."""
        self._converter.now_ns = at_ns
        for machine in self._machines.values():
            self._converter.settle(machine)
        return self.take(at_ns)

    # -- calls ----------------------------------------------------------------------------------------------------

    def _expect(self, types: TypeTable, type_id: int) -> None:
        """Check a type before the first value of it is decoded."""
        role = self._request[0] if self._request is not None else ""
        if (role, type_id) in self._checked:
            return
        if self._request is None:
            check_shape(types, type_id, _REQUEST, "the header of a call")
        elif role == _TRANSITION:
            self._converter.adopt(check_transition(types, type_id))
        elif role in _SCHEMAS:
            check_schema(types, type_id)
        else:
            return
        self._checked.add((role, type_id))

    def _call(self, method: str, number: int, value: Any) -> bytes:
        if self._answers is None:
            self._begin(method)
        assert self._answers is not None
        try:
            if method == _TRANSITION:
                self._transition(value)
            elif method in _SCHEMAS:
                self._schema(value)
            else:
                return self._answers.answer(method, number, f"rpc: can't find method {method}")
        except FormatError as error:
            return self._answers.answer(method, number, f"am-dbg: {error.message}")
        return self._answers.answer(method, number)

    def _begin(self, method: str) -> None:
        new = method == _NEW_SCHEMA
        # Any number would do. These are the ones that the debuggers of those versions use.
        self._answers = Answers(72 if new else 70)
        form = "v0.19" if new else "v0.10"
        self.process = ProcessFact(
            session=uuid.uuid4().hex,
            name="Go program",
            language="go",
            library=f"asyncmachine-go {form}",
            resource={"protocol": f"net/rpc, messages of {form}"},
        )

    def _schema(self, message: Mapping[str, Any]) -> None:
        identity = message.get("ID", "")
        machine = self._machines.get(identity)
        if machine is not None:
            self._cut()
            self._converter.revise(machine, message)
            return
        if len(self._machines) >= MAX_MACHINES:
            raise FormatError(f"more than {MAX_MACHINES:,} machines on one connection")
        machine = self._machines[identity] = self._converter.open(message)
        self._unannounced.append(machine)

    def _transition(self, message: Mapping[str, Any]) -> None:
        machine = self._machines.get(message.get("MachineID", ""))
        if machine is None:
            self.orphans += 1
            if not self.overloaded:
                self._converter.orphan()
            return
        if self.overloaded:
            self._converter.lose(machine, message, BUSY)
            return
        try:
            self._converter.add(machine, message)
        except FormatError:
            self._converter.lose(machine, message, UNREADABLE)
            raise

    def _cut(self) -> None:
        """End the batch being filled."""
        if not self._converter.is_empty:
            self._ready.append(self._converter.take())
