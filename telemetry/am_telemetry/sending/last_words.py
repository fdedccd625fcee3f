"""The end of a session: in order on its stream, or in blocking calls when the interpreter starts no more threads."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from am_proto import telemetry_pb2 as pb
from am_telemetry.sending.known import Known
from am_telemetry.sending.link import push
from am_telemetry.sending.route import LinkError

if TYPE_CHECKING:
    from am_telemetry.sending.interning import SchemaTable
    from am_telemetry.sending.items import Item
    from am_telemetry.sending.link import Link
    from am_telemetry.sending.progress import Ending
    from am_telemetry.sending.retention import Retention
    from am_telemetry.sending.route import Route

logger = logging.getLogger("am_telemetry")

PUSH_BYTES: Final = 2 * 1024 * 1024


def say_goodbye(link: Link, retention: Retention, last_seq: int, timeout: float) -> None:
    """End a stream in order, and take the acknowledgements that still come.

    Args:
        link: the stream.
        retention: what is left.
        last_seq: the last record number given out.
        timeout: seconds to wait for the hub.
    """
    link.send(pb.ClientFrame(farewell=pb.Farewell(reason="closed", last_seq=last_seq)).SerializeToString())
    link.finish()
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        try:
            heard = link.inbox.get(timeout=left)
        except queue.Empty:
            break
        if isinstance(heard, LinkError):
            break
        if heard.WhichOneof("frame") == "ack":
            retention.acknowledge(heard.ack.upto_seq)


def push_rest(
    route: Route,
    hello: bytes,
    retention: Retention,
    schemas: SchemaTable,
    frame_of: Callable[[Item, Known], bytes],
    last_seq: int,
    ending: Ending,
) -> bool:
    """Send everything that is retained, until nothing is left, nothing moves on, or the time is over.

    Args:
        route: to the hub.
        hello: the first frame of a session, serialised.
        retention: what is left.
        schemas: of this process.
        frame_of: an item as it is sent to an end that knows so much.
        last_seq: the last record number given out.
        ending: how long it may take.

    Returns:
        Whether it makes sense to try again.
    """
    have = retention.acked_seq
    while (left := ending.left) > 0:
        retention.start_again(have)
        known = Known(retention, schemas)
        frames = [pb.ClientFrame.FromString(hello)]
        size = 0
        while (item := retention.next_to_send()) is not None and (size == 0 or size < PUSH_BYTES):
            data = frame_of(item, known)
            size += len(data)
            frames.append(pb.ClientFrame.FromString(data))
            retention.mark_sent()
        if size == 0:
            return False
        if retention.next_to_send() is None:
            frames.append(pb.ClientFrame(farewell=pb.Farewell(last_seq=last_seq)))
        try:
            answers = push(route, pb.PushRequest(frames=frames).SerializeToString(), left)
        except LinkError as error:
            logger.debug("the last telemetry was not delivered: %s", error)
            return True
        acks = [answer.ack.upto_seq for answer in answers if answer.WhichOneof("frame") == "ack"]
        if not acks or max(acks) <= have:
            return False
        have = max(acks)
        ending.note(have)
        retention.acknowledge(have)
    return False
