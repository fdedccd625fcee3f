"""Timelines as bytes, so that a long recording opens without reading every row again.

Layout: 16 bytes BLAKE2b over the header, 4 bytes its length (little-endian), the header, which is JSON, and sections
whose lengths it lists: the times, the patterns, and the bitmaps of the flags and of each state to which something has
happened, in CRoaring's portable format. Nothing is compressed, so taking a timeline back is copying; the bitmaps of
states are unpacked when they are asked for. The checksums keep damaged bytes away from the native decoder.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from am_telemetry.facts import SchemaFact
from am_telemetry.store import codec
from am_telemetry.store.columns import Codes, Times
from am_telemetry.store.pattern_effects import Effects
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.state_maps import AllStates, pack, unpack
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_parts import FLAGS, Keyframe

_VERSION: Final = 5
_DIGEST: Final = 16


class BlobError(ValueError):
    """The bytes are damaged, or of another version."""


def dump(timeline: Timeline) -> bytes:
    """A timeline as bytes."""
    states = timeline.states.pack()
    sections = [
        timeline.times.dump(),
        timeline.pattern_ids.dump(),
        *(pack(getattr(timeline, name)) for name in FLAGS),
        *(content for _, content, _ in states),
    ]
    body = b"".join(sections)
    header = {
        "version": _VERSION,
        "count": timeline.count,
        "size": timeline.size,
        "pieces": timeline.pieces.spans(timeline.count),
        "schema": codec.schema_to_json(timeline.schema),
        "groups": codec.groups_to_json(timeline.schema),
        "gaps": list(timeline.gaps.items()),
        "restored": sorted(timeline.restored),
        "keyframes": [(frame.number, frame.clock, frame.since) for frame in timeline.keyframes],
        "open": timeline.open_states,
        "states": [(state, irregular) for state, _, irregular in states],
        "sections": [len(section) for section in sections],
        "crc32": zlib.crc32(body),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    digest = hashlib.blake2b(text, digest_size=_DIGEST).digest()
    return b"".join((digest, len(text).to_bytes(4, "little"), text, body))


def load(content: bytes, patterns: Mapping[int, PatternRecord], effects: Effects | None = None) -> Timeline:
    """The timeline that was dumped.

    Args:
        content: from :func:`dump`.
        patterns: all patterns that may occur, by id.
        effects: to be shared with other timelines.

    Raises:
        BlobError: the content cannot be used.
    """
    rest = memoryview(content)[_DIGEST:]
    size = int.from_bytes(rest[:4], "little")
    text, body = bytes(rest[4 : 4 + size]), rest[4 + size :]
    if hashlib.blake2b(text, digest_size=_DIGEST).digest() != content[:_DIGEST]:
        raise BlobError("the checksum does not match")
    try:
        header: dict[str, Any] = json.loads(text)
        if header["version"] != _VERSION:
            raise BlobError(f"version {header['version']} is not known")
        if zlib.crc32(body) != header["crc32"]:
            raise BlobError("the checksum does not match")
        return _restore(header, _split(body, header["sections"]), patterns, effects)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BlobError(f"the content cannot be understood: {error!r}") from error


@lru_cache(maxsize=64)
def _schema(states: str, groups: str) -> SchemaFact:
    """One object for all timelines with the same states."""
    return codec.schema_from_json(states, groups)


def _restore(
    header: dict[str, Any],
    sections: Iterator[memoryview],
    patterns: Mapping[int, PatternRecord],
    effects: Effects | None,
) -> Timeline:
    timeline = Timeline(_schema(header["schema"], header["groups"]), (), effects)
    times, ids = Times.load(next(sections)), Codes.load(next(sections))
    if not len(times) == len(ids) == header["size"]:
        raise BlobError("the columns are not of one length")
    flags = {name: unpack(bytes(next(sections))) for name in FLAGS}
    states = AllStates(len(timeline.schema.names))
    for (state, irregular), section in zip(header["states"], sections, strict=True):
        states.put(state, bytes(section), [(number, surplus) for number, surplus in irregular])
    *spans, (start, _) = header["pieces"]
    timeline.restore(
        count=header["count"],
        pieces=Pieces([(first, last) for first, last in spans], start),
        times=times,
        pattern_ids=ids,
        records={i: patterns[i] for i in ids.distinct},
        flags=flags,
        states=states,
        open_states=header["open"],
        keyframes=[Keyframe(number, tuple(clock), since) for number, clock, since in header["keyframes"]],
        gaps=dict(header["gaps"]),
        restored=set(header["restored"]),
    )
    return timeline


def _split(body: memoryview, lengths: list[int]) -> Iterator[memoryview]:
    position = 0
    for length in lengths:
        yield body[position : position + length]
        position += length
