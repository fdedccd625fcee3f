"""What a hub says to programs, serialised."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version

from am_proto import telemetry_pb2 as pb
from am_telemetry.receiving.admission import Limits
from am_telemetry.wire import PROTO_VERSION

MAX_REASON = 1_000
_MAX_UINT32 = 2**32 - 1


def welcome(have_seq: int, credit: int, limits: Limits) -> bytes:
    """The answer to Hello. ``credit`` in bytes, 0 for any amount."""
    frame = pb.HubFrame()
    answer = frame.welcome
    answer.proto = PROTO_VERSION
    answer.have_seq = have_seq
    answer.hub = "am-dbg"
    answer.hub_wall_ns = time.time_ns()
    answer.credit = credit
    answer.limits.max_batch_bytes = min(limits.message, _MAX_UINT32)
    answer.limits.max_batch_rows = min(limits.rows, _MAX_UINT32)
    return frame.SerializeToString()


def introduction(limits: Limits) -> bytes:
    """Who this is and what time it is here, without a session."""
    frame = pb.HubFrame.FromString(welcome(0, 0, limits))
    try:
        frame.welcome.hub = f"am-dbg {version('am-dbg')}"
    except PackageNotFoundError:
        frame.welcome.hub = "am-dbg"
    return frame.SerializeToString()


def ack(seq: int) -> bytes:
    """Everything up to a record number is durable."""
    return pb.HubFrame(ack=pb.Ack(upto_seq=seq)).SerializeToString()


def more_credit(count: int) -> bytes:
    """Further bytes may be sent."""
    return pb.HubFrame(credit=pb.Credit(bytes=count)).SerializeToString()


def throttle(pause_ms: int, reason: str) -> bytes:
    """Nothing should be sent for a while."""
    return pb.HubFrame(throttle=pb.Throttle(pause_ms=pause_ms, reason=reason[:MAX_REASON])).SerializeToString()


def detail(machine: int, level: int, ttl_seconds: int) -> bytes:
    """Somebody looks at a machine and would like to know more, for some seconds."""
    return pb.HubFrame(detail=pb.Detail(machine=machine, level=level, ttl_seconds=ttl_seconds)).SerializeToString()


def notice(code: str, text: str) -> bytes:
    """Something that people should know of. ``code`` is one of few."""
    return pb.HubFrame(notice=pb.Notice(code=code, text=text[:MAX_REASON])).SerializeToString()


def go_away(reason: str, final: bool, after_ms: int = 0) -> bytes:
    """The stream ends here; ``final``: the program should not come back, otherwise not before ``after_ms``."""
    frame = pb.HubFrame(go_away=pb.GoAway(reason=reason[:MAX_REASON], final=final, reconnect_after_ms=after_ms))
    return frame.SerializeToString()
