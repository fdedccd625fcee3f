"""Delivering what earlier processes left in the spool, in their name. Runs on a thread of its own."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from am_proto import telemetry_pb2 as pb
from am_telemetry.sending.forking import no_fork
from am_telemetry.sending.link import push
from am_telemetry.sending.route import LinkError, Route
from am_telemetry.sending.spool import HELLO, leftovers, lock_folder, records

logger = logging.getLogger("am_telemetry")

PORTION: Final = 2 * 1024 * 1024
"""Bytes of frames in one call."""
TIMEOUT: Final = 30.0


def start_replay(folder: Path, route: Route) -> threading.Thread:
    """Deliver everything that is left in the background. What cannot be delivered now stays for another time."""
    thread = threading.Thread(target=_replay, args=(folder, route), name="am-telemetry-replay", daemon=True)
    thread.start()
    return thread


def _replay(folder: Path, route: Route) -> None:
    for path in leftovers(folder):
        lock = lock_folder(path)
        if lock is None:
            continue
        try:
            delivered = _deliver(path, route)
            shutil.rmtree(path, ignore_errors=True)
            logger.info("%s records that an earlier process left in %s were delivered", delivered, path)
        except (LinkError, OSError) as error:
            logger.info("what is left in %s stays there for another time: %s", path, error)
        except Exception:
            logger.exception("what is left in %s cannot be delivered", path)
        finally:
            os.close(lock)


def _deliver(path: Path, route: Route) -> int:
    """Send a session's records that the hub lacks; returns how many.

    Raises:
        LinkError: the hub is gone, or refuses.
        OSError: the files cannot be read.
    """
    hello = pb.ClientFrame.FromString((path / HELLO).read_bytes())
    have = _call(route, [hello])
    last = have
    for frames, upto in _portions(path, have):
        goodbye = pb.ClientFrame(farewell=pb.Farewell(reason="replayed", last_seq=upto))
        acked = _call(route, [hello, *frames, goodbye])
        if acked < upto:
            raise LinkError(f"the hub has stored only {acked} of {upto} records")
        last = acked
    return last - have


def _portions(path: Path, have: int) -> Iterator[tuple[list[pb.ClientFrame], int]]:
    frames: list[pb.ClientFrame] = []
    size, upto = 0, have
    for first, last, data in records(path):
        if first <= upto:
            continue  # stored already, or written twice
        if frames and size + len(data) > PORTION:
            yield frames, upto
            frames, size = [], 0
        frames.append(pb.ClientFrame.FromString(data))
        size += len(data)
        upto = last
    if frames:
        yield frames, upto


def _call(route: Route, frames: list[pb.ClientFrame]) -> int:
    """Push frames; returns the last record number that is durable then."""
    with no_fork():
        answers = push(route, pb.PushRequest(frames=frames).SerializeToString(), TIMEOUT)
    have = 0
    for answer in answers:
        kind = answer.WhichOneof("frame")
        if kind == "go_away":
            raise LinkError(answer.go_away.reason)
        if kind == "welcome":
            have = answer.welcome.have_seq
        elif kind == "ack":
            have = max(have, answer.ack.upto_seq)
    return have
