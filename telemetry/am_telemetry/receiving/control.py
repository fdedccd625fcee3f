"""What viewers may ask of a hub through its Unix socket. Both ends of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from am_proto import telemetry_pb2 as pb
from am_telemetry.errors import TelemetryError
from am_telemetry.wire.limits import MAX_NAME

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE: Final = "amdbg.v1.Control"
METHOD: Final = "RequestDetail"
TIMEOUT_S: Final = 5.0
MAX_LEVEL: Final = 3
MAX_NEAR: Final = 3
_OPTIONS: Final = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


class ControlError(TelemetryError):
    """A hub cannot be asked for something."""

    exit_code = 3


class Control:
    """The hub's end. Runs on the collector's event loop.

    Args:
        ask: asks programs for detail: machine id, level and seconds to the number of programs.
        names: ids of the machines that are connected.
    """

    def __init__(self, ask: Callable[[str, int, int], int], names: Callable[[], Collection[str]]) -> None:
        self._ask = ask
        self._names = names

    async def request_detail(self, request: bytes, context: Context) -> bytes:
        """The method of the service."""
        import grpc

        try:
            wanted = pb.DetailRequest.FromString(request)
        except DecodeError:
            wanted = pb.DetailRequest(level=MAX_LEVEL + 1)
        if wanted.level > MAX_LEVEL or len(wanted.machine) > MAX_NAME:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"detail is 0 to {MAX_LEVEL}, of one machine or all")
        asked = self._ask(wanted.machine, wanted.level, wanted.seconds)
        near = [] if asked else difflib.get_close_matches(wanted.machine, self._names(), MAX_NEAR)
        return pb.DetailReply(programs=asked, near=near).SerializeToString()


def request_detail(socket: Path, machine: str, level: int, seconds: int) -> tuple[int, list[str]]:
    """Have a hub ask the programs that have a machine to tell more of it, or less again.

    They decide whether they do: a program never tells more than its own settings permit.

    Args:
        socket: the hub's.
        machine: its id; empty for all machines.
        level: of detail, 0 to 3, see :class:`am_telemetry.settings.Settings`.
        seconds: after which it is as before; 0 ends an earlier request.

    Returns:
        How many programs were asked, and if none was, ids of machines that may have been meant.

    Raises:
        ControlError: the hub does not answer.
    """
    import grpc

    with grpc.insecure_channel(f"unix:{socket}", options=_OPTIONS) as channel:
        call: grpc.UnaryUnaryMultiCallable[pb.DetailRequest, pb.DetailReply] = channel.unary_unary(
            f"/{SERVICE}/{METHOD}",
            request_serializer=pb.DetailRequest.SerializeToString,
            response_deserializer=pb.DetailReply.FromString,
        )
        try:
            reply = call(pb.DetailRequest(machine=machine, level=level, seconds=seconds), timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            raise ControlError(
                f"the hub at {socket} does not answer: {_reason(error)}", "it may have ended, or be of another version"
            ) from error
    return reply.programs, list(reply.near)


def _reason(error: Exception) -> str:
    import grpc

    return error.details() or error.code().name if isinstance(error, grpc.Call) else str(error)
