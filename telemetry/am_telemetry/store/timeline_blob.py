"""Timelines as bytes, so that a long recording opens without reading every row again.

Layout: 16 bytes BLAKE2b over the rest, 4 bytes length of a JSON header (little-endian), the header, and the sections
whose lengths it lists. Sections are zlib-compressed: per 65,536 transitions their times as differences, then their
patterns, then all bitmaps in CRoaring's portable format. Numbers are little-endian and of the sizes that C's char,
short, int and long long have wherever CPython runs. The digest keeps damaged bytes away from the native decoder.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping
from itertools import accumulate, chain
from operator import sub
from typing import Any, Final

from pyroaring import BitMap

from am_telemetry.store import codec
from am_telemetry.store.pieces import Pieces
from am_telemetry.store.records import PatternRecord
from am_telemetry.store.timeline import Timeline
from am_telemetry.store.timeline_parts import FLAGS, Keyframe, StateMaps

_VERSION: Final = 4
_CHUNK: Final = 65_536
_DIGEST: Final = 16


class BlobError(ValueError):
    """The bytes are damaged, or of another version."""


def dump(timeline: Timeline) -> bytes:
    """A timeline as bytes."""
    sections: list[bytes] = []
    times = [_pack_times(timeline.times[start : start + _CHUNK], sections) for start in range(0, timeline.size, _CHUNK)]
    codes = _pack_patterns(timeline.pattern_ids, sections)
    bitmaps: list[bytes] = []
    lengths = [_pack_bitmap(bitmap, bitmaps) for bitmap in _bitmaps(timeline)]
    sections.append(zlib.compress(b"".join(bitmaps), 1))
    header = {
        "version": _VERSION,
        "count": timeline.count,
        "size": timeline.size,
        "pieces": timeline.pieces.spans(timeline.count),
        "schema": codec.schema_to_json(timeline.schema),
        "patterns": sorted(set(timeline.pattern_ids)),
        "ordered": timeline.ordered,
        "times": times,
        "codes": codes,
        "bitmaps": lengths,
        "gaps": list(timeline.gaps.items()),
        "groups": codec.groups_to_json(timeline.schema),
        "restored": sorted(timeline.restored),
        "keyframes": [(frame.number, frame.clock, frame.since) for frame in timeline.keyframes],
        "irregular": [(i, maps.irregular) for i, maps in enumerate(timeline.states) if maps.irregular],
        "sections": [len(section) for section in sections],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    body = b"".join((len(text).to_bytes(4, "little"), text, *sections))
    return hashlib.blake2b(body, digest_size=_DIGEST).digest() + body


def load(content: bytes, patterns: Mapping[int, PatternRecord]) -> Timeline:
    """The timeline that was dumped.

    Args:
        content: from :func:`dump`.
        patterns: all patterns that may occur, by id.

    Raises:
        BlobError: the content cannot be used.
    """
    body = memoryview(content)[_DIGEST:]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != content[:_DIGEST]:
        raise BlobError("the checksum does not match")
    try:
        size = int.from_bytes(body[:4], "little")
        header: dict[str, Any] = json.loads(bytes(body[4 : 4 + size]))
        if header["version"] != _VERSION:
            raise BlobError(f"version {header['version']} is not known")
        return _restore(header, _split(body[4 + size :], header["sections"]), patterns)
    except (KeyError, TypeError, ValueError, IndexError, zlib.error) as error:
        raise BlobError(f"the content cannot be understood: {error!r}") from error


def _restore(header: dict[str, Any], sections: Iterator[memoryview], patterns: Mapping[int, PatternRecord]) -> Timeline:
    timeline = Timeline(codec.schema_from_json(header["schema"], header["groups"]))
    times: array[int] = array("q")
    for first, code in header["times"]:
        times.extend(accumulate(chain((first,), _unpack(next(sections), code))))
    ids: array[int] = array("I")
    for code in header["codes"]:
        ids.extend(array("I", _unpack(next(sections), code)))
    if not len(times) == len(ids) == header["size"]:
        raise BlobError("the columns are not of one length")
    raw = memoryview(zlib.decompress(next(sections)))
    lengths = iter(header["bitmaps"])
    position = 0
    restored: list[BitMap] = []
    for length in lengths:
        restored.append(BitMap.deserialize(bytes(raw[position : position + length])) if length else BitMap())
        position += length
    flags, rest = restored[: len(FLAGS)], restored[len(FLAGS) :]
    states = [
        StateMaps(active, changed, doubled, called ^ changed)
        for active, changed, doubled, called in zip(rest[0::4], rest[1::4], rest[2::4], rest[3::4], strict=True)
    ]
    for state, rows in header["irregular"]:
        states[state].irregular = [(number, surplus) for number, surplus in rows]
    if len(states) != len(timeline.states):
        raise BlobError("the states do not match the schema")
    *spans, (start, _) = header["pieces"]
    timeline.restore(
        count=header["count"],
        pieces=Pieces([(first, last) for first, last in spans], start),
        times=times,
        ordered=header["ordered"],
        pattern_ids=ids,
        records={i: patterns[i] for i in header["patterns"]},
        flags=dict(zip(FLAGS, flags, strict=True)),
        states=states,
        keyframes=[Keyframe(number, tuple(clock), since) for number, clock, since in header["keyframes"]],
        gaps=dict(header["gaps"]),
        restored=set(header["restored"]),
    )
    return timeline


def _bitmaps(timeline: Timeline) -> Iterator[BitMap]:
    for name in FLAGS:
        yield getattr(timeline, name)
    for maps in timeline.states:
        # Most changed states were called, so the difference of the two is small.
        yield from (maps.active, maps.changed, maps.doubled, maps.called ^ maps.changed)


def _pack_times(times: array[int], sections: list[bytes]) -> tuple[int, str]:
    differences = array("q", map(sub, times[1:], times))
    low, high = min(differences, default=0), max(differences, default=0)
    code = "i" if low >= -(2**31) and high < 2**31 else "q"
    sections.append(_pack(array(code, differences)))
    return times[0], code


def _pack_patterns(ids: array[int], sections: list[bytes]) -> list[str]:
    codes = []
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        top = max(chunk)
        codes.append("B" if top < 2**8 else "H" if top < 2**16 else "I")
        sections.append(_pack(array(codes[-1], chunk)))
    return codes


def _pack_bitmap(bitmap: BitMap, parts: list[bytes]) -> int:
    if not bitmap:
        return 0
    compact = bitmap.copy()
    compact.run_optimize()
    part: bytes = compact.serialize()
    parts.append(part)
    return len(part)


def _pack(values: array[int]) -> bytes:
    """Compressed with all first bytes first, then all second bytes and so on: high bytes resemble each other."""
    if sys.byteorder == "big":
        values.byteswap()
    raw, width = values.tobytes(), values.itemsize
    return zlib.compress(b"".join(raw[byte::width] for byte in range(width)), 1)


def _unpack(section: memoryview, code: str) -> array[int]:
    if code not in ("i", "q", "B", "H", "I"):
        raise BlobError(f"unknown column type {code!r}")
    values: array[int] = array(code)
    planes, width = zlib.decompress(section), values.itemsize
    size = len(planes) // width
    raw = bytearray(len(planes))
    for byte in range(width):
        raw[byte::width] = planes[byte * size : (byte + 1) * size]
    values.frombytes(raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _split(body: memoryview, lengths: list[int]) -> Iterator[memoryview]:
    position = 0
    for length in lengths:
        yield body[position : position + length]
        position += length
